"""Passages → rates at one line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from passerby.histogram import Histogram
from passerby.kinds import KINDS
from passerby.measures.intervals import Interval
from passerby.measures.measure import LinePlace, Measure, Passage, Value
from passerby.moment import CLASSES

_PERSON = "person"


class LineFlow(Measure):
    """How many cross one line per time, and how many of them against the others.

    With N crossings of a class in a direction, T observed seconds of the interval, and b the
    length of the line in metres:

    - ``flow_rate``: N / T, 1/s, by class and direction.
    - ``specific_flow``: N / (T b), 1/(m·s), of people by direction; unknown where the ground is.
      In a steady stream across the line and at right angles to it, that is density × speed, and
      in one at another angle, the part of it across the line. The whole line is taken to be walked
      across: draw it from wall to wall.
    - ``counter_flow_share``: crossings in the rarer direction as a share of those in both, 0 to
      0.5, by class.

    ``n`` is N, of both directions for the share.

    Source: A. Seyfried, B. Steffen, W. Klingsch and M. Boltes, The fundamental diagram of
    pedestrian movement revisited, Journal of Statistical Mechanics (2005) P10002.
    """

    def __init__(self, line: LinePlace, classes: tuple[str, ...]) -> None:
        """Prepare to measure.

        Args:
            line: where.
            classes: those that the detector can tell; each has rows.
        """
        self._line = line
        self._classes = classes
        self._length = None if line.metres is None else math.dist(*line.metres)

    def passed(self, passage: Passage) -> None:
        """Take note that somebody crossed a line."""
        if passage.line == self._line.name:
            counts = passage.interval.held.setdefault(self, Counter())
            counts[CLASSES[passage.code], passage.forward] += 1

    def values(self, interval: Interval) -> Iterator[Value]:
        """The rows of an interval that closes."""
        place, seconds = self._line.name, interval.observed
        counts: Counter[tuple[str, bool]] = interval.held.get(self, Counter())
        for class_ in self._classes:
            directions = Histogram(1.0)
            for forward in (True, False):
                direction, n = "forward" if forward else "backward", counts[class_, forward]
                if n:
                    directions.add(0.0 if forward else 1.0, n)
                rate = n / seconds if seconds else None
                row = Value(place, "flow_rate", class_, direction, rate, n)
                yield row
                if class_ == _PERSON:
                    flow = rate / self._length if rate is not None and self._length else None
                    known = None if flow is None else n
                    yield row._replace(kind="specific_flow", value=flow, n=known)
            kind, both = "counter_flow_share", counts[class_, True] + counts[class_, False]
            share = KINDS[kind].value_of(directions, both)
            yield Value(place, kind, class_, "", share, both, directions)
