"""What the figures of a report can and cannot bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from passerby.moment import CLASSES
from passerby.report.tally import Series, Tally, observed_share
from passerby.report.words import duration, length, percent, rounded, sentence, step

if TYPE_CHECKING:
    from passerby.report import Report


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
