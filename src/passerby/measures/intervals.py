"""What was measured, sorted into intervals of the site's clock, and closed into rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any

from passerby.clock import from_posix, interval_start
from passerby.measurement import Measurement
from passerby.measures.occupancy import Occupancy
from passerby.moment import CLASSES
from passerby.site import Camera

# Seconds that are no time at all: times are floats, POSIX times are exact to a quarter of a µs.
_INSTANT = 1e-5


@dataclass(slots=True)
class Interval:
    """An interval that is still open.

    Attributes:
        start: POSIX seconds.
        observed: seconds that were observed.
        crossings: by line, direction and class code.
        movements: by movement and class code.
        zones: by zone.
        needs: when the earliest of the trails began that ended in it, POSIX seconds.
        held: what other measures hold of this interval, by measure.
    """

    start: float
    observed: float = 0.0
    crossings: Counter[tuple[str, bool, int]] = field(default_factory=Counter)
    movements: Counter[tuple[str, int]] = field(default_factory=Counter)
    zones: dict[str, Occupancy] = field(default_factory=dict)
    needs: float = math.inf
    held: dict[Any, Any] = field(default_factory=dict)


class Intervals:
    """The open intervals of one camera. A closed one is never opened again."""

    def __init__(self, seconds: int, zone: tzinfo) -> None:
        """Begin before the first frame.

        Args:
            seconds: length of an interval; at least 60, divides an hour.
            zone: of the site: intervals are aligned to its wall clock.

        Raises:
            ValueError: a length that cannot be aligned to the clock, or below a minute.
        """
        if seconds < 60 or 3600 % seconds:
            raise ValueError(f"an interval of {seconds} s is below a minute or divides no hour")
        self.seconds = seconds
        self._zone = zone
        self._open: list[Interval] = []

    def spans(self, time: float, seconds: float) -> list[tuple[float, float, Interval]]:
        """Mark ``seconds`` from ``time`` on as observed.

        Returns:
            (from, seconds, interval) for each interval they fall in, in order.
        """
        end = time + seconds
        self.open_until(time)
        while self._open[-1].start + self.seconds < end - _INSTANT:
            self._open.append(Interval(self._open[-1].start + self.seconds))
        spans = []
        for interval in self._open:
            low, high = max(time, interval.start), min(end, interval.start + self.seconds)
            # POSIX times are too coarse for their difference to give the seconds back.
            inside = seconds if (low, high) == (time, end) else high - low
            if inside > 0:
                interval.observed += inside
                spans.append((low, inside, interval))
        return spans

    def at(self, time: float) -> Interval:
        """The interval that holds ``time``; the first open one where that is closed already."""
        return next(i for i in self._open if i.start + self.seconds > time)

    @property
    def oldest(self) -> float:
        """Start of the oldest open interval, POSIX seconds; infinite where there is none."""
        return self._open[0].start if self._open else math.inf

    @property
    def needs(self) -> float:
        """When the earliest of the trails began that ended in an open interval."""
        return min((interval.needs for interval in self._open), default=math.inf)

    def close(self, until: float) -> list[Interval]:
        """Close the intervals that end at ``until`` or before, and give them in order."""
        closed = [i for i in self._open if i.start + self.seconds <= until]
        self._open = self._open[len(closed) :]
        return closed

    def open_until(self, time: float) -> None:
        """Open every interval up to the one that holds ``time``: a gap has intervals too."""
        if not self._open:
            self._open.append(Interval(interval_start(time, self.seconds, self._zone)))
        while self._open[-1].start + self.seconds <= time:
            self._open.append(Interval(self._open[-1].start + self.seconds))

    def blank(self, interval: Interval, site: str, name: str) -> Measurement:
        """What all rows of an interval have in common; their value is unknown as yet."""
        return Measurement(
            site,
            name,
            place="",
            kind="",
            class_="",
            direction="",
            start=from_posix(interval.start, self._zone),
            seconds=self.seconds,
            value=None,
            n=None,
            coverage=round(min(interval.observed / self.seconds, 1.0), 6),
        )

    def rows(
        self, interval: Interval, site: str, name: str, camera: Camera, classes: tuple[str, ...]
    ) -> Iterator[Measurement]:
        """The rows of a closed interval: one for everything that could have been counted."""
        blank = self.blank(interval, site, name)
        seen = blank.coverage > 0
        for class_ in classes:
            code = CLASSES.index(class_)
            for line in camera.lines:
                for forward in (True, False):
                    count = interval.crossings[line, forward, code] if seen else None
                    direction = "forward" if forward else "backward"
                    yield replace(
                        blank,
                        place=line,
                        kind="crossings",
                        class_=class_,
                        direction=direction,
                        value=count,
                        n=count,
                    )
            for movement in camera.movements:
                count = interval.movements[movement, code] if seen else None
                yield replace(
                    blank, place=movement, kind="movement", class_=class_, value=count, n=count
                )
            for zone in camera.zones:
                held = interval.zones.get(zone) if seen else None
                row = replace(blank, place=zone, class_=class_)
                n = len(held.trails[code]) if held else None
                mean = held.mean(code) if held else None
                peak = float(held.peak[code]) if held else None
                yield replace(row, kind="occupancy_mean", value=mean, n=n)
                yield replace(row, kind="occupancy_max", value=peak, n=n)
