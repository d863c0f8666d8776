"""The peak hour, its factor and its share of heavy vehicles."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from passerby.report.tally import QUARTER, Series, Tally, line_series, movement_series, tally
from passerby.report.words import length, step

if TYPE_CHECKING:
    from passerby.report import Report

MOTOR = ("car", "motorcycle", "bus", "truck", "vehicle")
HEAVY = ("bus", "truck")


@dataclass(frozen=True, slots=True)
class Quarter:
    """What passed in a quarter of an hour.

    Attributes:
        start: its start, in UTC.
        counts: road users by class; None is unknown.
        coverage: share that was observed, 0 to 1.
    """

    start: datetime
    counts: Mapping[str, float] | None
    coverage: float


@dataclass(frozen=True, slots=True)
class PeakHour:
    """The four consecutive quarters with the largest volume.

    Attributes:
        start: start of the first quarter, in UTC.
        volume: road users counted, never scaled up.
        factor: peak-hour factor, 0.25 to 1; None where it cannot be said.
        heavy_share: buses and trucks among motor vehicles, 0 to 1; None where it cannot be said.
        coverage: share of the hour that was observed, 0 to 1.
        remarks: what a reader of these figures must know.
    """

    start: datetime
    volume: float
    factor: float | None
    heavy_share: float | None
    coverage: float
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeakRow:
    """One line of the peak-hour table: a peak hour, or in ``why`` the reason for none."""

    series: Series
    road_users: str
    peak: PeakHour | None
    why: str = ""


def peak_hour_factor(volumes: Sequence[float]) -> float | None:
    """PHF = V / (4 · V15): the hour's volume over four times its busiest quarter (HCM).

    Args:
        volumes: the four quarters of the hour.

    Returns:
        0.25 (all in one quarter) to 1 (even); None where nothing passed.
    """
    busiest = max(volumes)
    return sum(volumes) / (4 * busiest) if busiest else None


def heavy_share(counts: Mapping[str, float]) -> float | None:
    """(bus + truck) / all motor vehicles.

    Returns:
        0 to 1; None where the classes are not told apart or no motor vehicle passed.
    """
    if "vehicle" in counts or not counts.keys() >= set(HEAVY):
        return None
    motor = sum(counts.get(name, 0) for name in MOTOR)
    return sum(counts[name] for name in HEAVY) / motor if motor else None


def peak_hour(quarters: Sequence[Quarter]) -> PeakHour | None:
    """The busiest hour of a series of quarters, the earliest of equals.

    Returns:
        None where no four quarters follow each other, or nothing was counted in any.
    """
    quarter = timedelta(seconds=QUARTER)
    hours = [
        hour
        for hour in zip(*(quarters[shift:] for shift in range(4)), strict=False)
        if all(b.start - a.start == quarter for a, b in itertools.pairwise(hour))
    ]
    best = max(hours, key=lambda hour: (_volume(hour), _coverage(hour)), default=None)
    if best is None or not _volume(best):
        return None
    known = [part.counts for part in best if part.counts is not None]
    remarks = []
    factor: float | None = None
    if missing := len(best) - len(known):
        remarks.append(f"{missing} of its 4 quarters not known: volume is a lower bound, no PHF")
    else:
        factor = peak_hour_factor([sum(counts.values()) for counts in known])
        if _coverage(best) < 1:
            remarks.append("partly observed: volume is a lower bound, PHF may be off")
    if any(part.counts is None for part in quarters if part not in best):
        remarks.append("other quarters are not known: the true peak may lie there")
    together = {name: sum(counts[name] for counts in known) for name in known[0]}
    return PeakHour(
        start=best[0].start,
        volume=_volume(best),
        factor=factor,
        heavy_share=heavy_share(together),
        coverage=_coverage(best),
        remarks=tuple(remarks),
    )


def _volume(hour: Sequence[Quarter]) -> float:
    return sum(sum(part.counts.values()) for part in hour if part.counts is not None)


def _coverage(hour: Sequence[Quarter]) -> float:
    return sum(part.coverage for part in hour) / len(hour)


def peaks(report: Report) -> list[PeakRow]:
    """The peak-hour table of every movement and of every line in each direction.

    Where a model tells road users on foot or bicycle from motor vehicles, each series has a row
    for all road users and a row for motor vehicles.
    """
    series = [*movement_series(report), *line_series(report)]
    own = report.settings.interval_seconds
    if QUARTER % own:
        why = f"intervals of {step(own)} do not fill quarters of an hour"
        return [PeakRow(one, "all road users", None, why) for one in series]
    if length(report) < 3600:
        return [
            PeakRow(one, "all road users", None, "the recording is shorter than an hour")
            for one in series
        ]
    counts = tally(report, QUARTER)
    motor = tuple(name for name in counts.classes if name in MOTOR)
    groups = {"all road users": counts.classes}
    if motor and motor != counts.classes:
        groups["motor vehicles"] = motor
    rows = []
    for one in series:
        for name, classes in groups.items():
            peak = peak_hour(_quarters(counts, one, classes))
            rows.append(PeakRow(one, name, peak, "" if peak else "none was counted"))
    return rows


def _quarters(counts: Tally, series: Series, classes: Sequence[str]) -> list[Quarter]:
    quarters = []
    for start in counts.starts:
        values = {name: counts.value(series, start, name) for name in classes}
        known = {name: value for name, value in values.items() if value is not None}
        quarters.append(
            Quarter(
                start,
                known if known and len(known) == len(values) else None,
                counts.coverage(start, series),
            )
        )
    return quarters
