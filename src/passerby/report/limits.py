"""What the figures of a report can and cannot bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from passerby.kinds import KINDS
from passerby.moment import CLASSES
from passerby.report.tally import MEASURED, Series, Tally, observed_share, tally
from passerby.report.words import duration, length, percent, rounded, sentence, step

if TYPE_CHECKING:
    from passerby.report import Report


_METRIC = {
    name for name, kind in KINDS.items() if kind.unit in ("m", "1/m²", "1/(m·s)", "m/s", "km/h")
}
_FEW = KINDS["speed_mean"].least
_MANY = KINDS["spot_speed_v85"].least
_ROUGH = 0.15  # relative standard error of lengths above which metres are a warning


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing a reader must know; ``warning`` where the figures are known to suffer from it."""

    warning: bool
    about: str
    text: str


def remarks(report: Report, counts: Tally) -> list[Remark]:
    """Everything to know before the figures are used, the warnings first."""
    found = [
        *_density(report, counts),
        _size(report),
        *_classes(counts),
        *_metres(report),
        *_missing(report, counts),
        *_partly(counts),
        *(Remark(False, "Note", note) for note in report.notes),
    ]
    if report.clock == "elapsed":
        found.append(
            Remark(
                False,
                "Clock",
                "The recording does not tell its time of day. All times count from its start; "
                "give the start with --start to get clock time.",
            )
        )
    found.append(
        Remark(
            False,
            "Reading a count",
            "A road user counts once each time it crosses a line. One that crosses two lines is "
            "in the counts of both: do not add up lines.",
        )
    )
    return sorted(found, key=lambda remark: not remark.warning)


def fullest(counts: Tally, zone: str) -> tuple[float, float] | None:
    """Bounds of the largest number of road users at once in a zone.

    Maxima of classes do not add up: together they are at least the largest of them (and the
    largest mean of all), and at most their sum.
    """
    most, mean = Series(zone, "occupancy_max"), Series(zone, "occupancy_mean")
    low = high = 0.0
    known = False
    for start in counts.starts:
        values = [counts.value(most, start, name) for name in counts.classes]
        maxima = [value for value in values if value is not None]
        if not maxima:
            continue
        known = True
        low = max(low, *maxima, counts.over_classes(mean, start) or 0)
        high = max(high, sum(maxima))
    return (low, high) if known else None


def _density(report: Report, counts: Tally) -> list[Remark]:
    limit = report.model.density_limit
    about = "How full the picture may be"
    rule = (
        f"{report.model.name} counts too few where more than about {limit:g} road users are in "
        "the picture at once."
    )
    found = []
    for zone in report.shapes.zones:
        bounds = fullest(counts, zone)
        if bounds is None:
            continue
        low, high = bounds
        span = f"{rounded(round(low, 2))} to {rounded(high)}" if low < high else rounded(low)
        measured = f"At its fullest, zone {zone} held {span} road users"
        if low > limit:
            text = f"{rule} {measured}: the figures are too low then."
            found.append(Remark(True, about, text))
        elif high > limit:
            text = f"{rule} {measured}: the figures may be too low then."
            found.append(Remark(True, about, text))
        else:
            text = f"{rule} {measured}."
            found.append(Remark(False, about, text))
    if not found:
        text = f"{rule} No zone was measured, so this was not checked."
        found.append(Remark(False, about, text))
    return found


def _metres(report: Report) -> list[Remark]:
    """What the figures in metres rest on, and where they are bounds or not known."""
    measured = tally(report, kinds=MEASURED)
    known = {one.kind for one in measured.rows if measured.known([one])}
    found = [*_saturated(report, measured)]
    if known & _METRIC:
        found.append(_ground(report))
        found.append(
            Remark(
                False,
                "How many a figure needs",
                f"Means and medians of speeds, times and headways need {_FEW} road users in the "
                f"interval, V85 needs {_MANY}; of fewer they are not known. A whole recording may "
                "have enough where its intervals do not.",
            )
        )
    unknown = sorted({one.kind for one in measured.rows} & _METRIC - known)
    if unknown and report.ground is None:
        text = (
            "The ground is not known, so nothing was measured in metres: no density, no speed, no "
            "specific flow, no length of a queue. Describe it under ground in the site file; "
            "passerby ground estimates it."
        )
        found.append(Remark(False, "Metres", text))
    elif unknown:
        text = f"Not known in any interval: {', '.join(map(_in_words, unknown))}."
        found.append(Remark(False, "Metres", text))
    return found


def _ground(report: Report) -> Remark:
    """How far lengths, speeds, areas and densities can be trusted."""
    about = "Metres"
    if report.ground is None:
        return Remark(True, about, "The ground under the figures in metres is not told.")
    spread, method = report.ground.spread, report.ground.method
    if not spread:
        text = (
            f"The ground ({method}) is taken as exact. Where a point of it is wrong, all lengths, "
            "speeds and densities are."
        )
        return Remark(False, about, text)
    text = (
        f"Lengths and speeds rest on the ground ({method}) and may be off by {percent(spread)}, "
        f"areas and densities by {percent(2 * spread)} (one standard error). That is the same for "
        "all intervals: they can be compared with each other better than with other places."
    )
    return Remark(spread > _ROUGH, about, text)


def _saturated(report: Report, measured: Tally) -> list[Remark]:
    found = []
    for zone in report.shapes.zones:
        series = Series(zone, "saturated")
        for name in measured.seen([series]):
            row = measured.total(series, name)
            if row is not None and row.value:
                text = (
                    f"In zone {zone} the density was above what {report.model.name} can count for "
                    f"{percent(row.value)} of the observed time. Its densities are lower bounds "
                    "then, and its speeds are of those who could be seen."
                )
                found.append(Remark(True, "Saturated", text))
    return found


def _in_words(kind: str) -> str:
    return kind.replace("_", " ")


def _size(report: Report) -> Remark:
    share = report.model.smallest_person
    pixels = share * report.frame_size[1]
    return Remark(
        False,
        "How small a person may be",
        f"People shorter than about {percent(share)} of the picture's height ({pixels:.0f} of "
        f"{report.frame_size[1]} pixels here) are often missed.",
    )


def _classes(counts: Tally) -> list[Remark]:
    if "vehicle" in counts.classes:
        text = (
            "The model does not tell cars, buses and trucks apart: all are vehicles, and the "
            "share of heavy vehicles is not known."
        )
        return [Remark(False, "Classes", text)]
    unknown = [name for name in CLASSES if name not in counts.classes and name != "vehicle"]
    if not unknown or not counts.classes:
        return []
    text = f"The model does not know {', '.join(unknown)}: their counts are not known, not zero."
    return [Remark(False, "Classes", text)]


def _missing(report: Report, counts: Tally) -> list[Remark]:
    found = []
    if report.unread:
        lost = f"{report.unread.frames:,} frames ({report.unread.seconds:,.1f} s)"
        reasons = " ".join(map(sentence, report.unread.reasons))
        text = f"About {lost} could not be read. {reasons}"
        found.append(Remark(True, "Not read", text))
    share, span = observed_share(report, counts), length(report)
    if share < 0.9995:
        text = (
            f"{percent(share)} of the recording was observed, {duration((1 - share) * span)} "
            "(h:min:s) of it was not. Counts are what was seen; they are never scaled up to fill "
            "a gap."
        )
        found.append(Remark(True, "Gaps", text))
    return found


def _partly(counts: Tally) -> list[Remark]:
    if not counts.partly:
        return []
    each, many = step(counts.seconds), len(counts.starts)
    which = f"{len(counts.partly)} of its {many} intervals" if many > 1 else "its only interval"
    text = (
        f"The recording begins or ends within {which} of {each}, or has gaps there. Figures are of "
        f"the part that was seen, not of {each}."
    )
    none_whole = not any(counts.coverage(start) == 1 for start in counts.starts)
    return [Remark(none_whole, "Observed in part", text)]
