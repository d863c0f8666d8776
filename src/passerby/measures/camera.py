"""All measures of one camera: Moments in, closed rows out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import tzinfo

from passerby.geometry import Polygon, Segment, in_pixels
from passerby.ground import Ground
from passerby.measurement import Measurement
from passerby.measures.crossings import Crossing, LineCrossings
from passerby.measures.intervals import Interval, Intervals
from passerby.measures.measure import End, Passage, Span
from passerby.measures.motion import Motion
from passerby.measures.movements import Movements
from passerby.measures.occupancy import Occupancy, ZoneCounter
from passerby.measures.places import measures_of
from passerby.measures.trails import Step, Trails
from passerby.moment import Moment
from passerby.site import Camera

# An interrupted run starts again where the oldest road user in view was first seen, but never
# further back: who stands there for longer is met again in the middle of the stay.
_LOOK_BACK_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _Event:
    """A crossing or a movement that waits for its class."""

    time: float
    trail: int
    place: str
    forward: bool | None  # None for a movement


class CameraMeasures:
    """Counts at the lines, movements and zones of one camera.

    The class of a crossing is fixed by vote one bridging time after it, an interval closes only
    then, and a closed row is never revised: a crossing that is decided later (somebody stood on
    the line for longer) belongs to the first interval still open.
    """

    def __init__(
        self,
        *,
        site: str,
        name: str,
        camera: Camera,
        size: tuple[int, int],
        classes: tuple[str, ...],
        zone: tzinfo,
        interval_seconds: int = 900,
        bridge_seconds: float = 2.0,
        ground: Ground | None = None,
        saturation: float = 2.0,
    ) -> None:
        """Prepare to measure.

        Args:
            site: name of the site, for the rows.
            name: name of the camera, for the rows.
            camera: what to measure, in fractions of the picture.
            size: width and height of the picture in pixels.
            classes: the classes that the detector can tell; each has a row.
            zone: of the site.
            interval_seconds: length of an interval; at least 60, divides an hour.
            bridge_seconds: how long a road user may be out of sight.
            ground: the map from the picture to metres; None where it is not known.
            saturation: people/m² above which the detector under-counts.

        Raises:
            ValueError: an interval below a minute, or one that divides no hour.
        """
        self._site, self._name, self._camera = site, name, camera
        self._classes = classes
        self._bridge = bridge_seconds
        self._trails = Trails(camera.reference, size, bridge_seconds)
        self._motion = Motion(ground, size)
        self._intervals = Intervals(interval_seconds, zone)
        self._movements = Movements(camera.movements)
        self._lines = [
            LineCrossings(line, Segment(*in_pixels(ends, size)))
            for line, ends in camera.lines.items()
        ]
        self._zones = {
            zone: ZoneCounter(Polygon(in_pixels(corners, size)))
            for zone, corners in camera.zones.items()
        }
        self._measures = measures_of(
            camera, size, classes, ground, saturation=saturation, bridge_seconds=bridge_seconds
        )
        self._waiting: list[_Event] = []
        self._end = -math.inf

    def accept(self, moment: Moment) -> list[Measurement]:
        """Add one Moment; times must rise.

        Returns:
            the rows of the intervals that closed.
        """
        self._fix_classes(before=moment.time)
        self._end_trails(moment.time)
        self._tick(moment.time)
        self._intervals.open_until(moment.time)
        rows = self._rows(self._intervals.close(moment.time - self._bridge))
        spans = [Span(*span) for span in self._intervals.spans(moment.time, moment.seconds)]
        step = self._trails.accept(moment)
        sight = self._motion.accept(step)
        self._note([made for line in self._lines for made in line.accept(step)])
        self._count_zones(step, spans)
        for measure in self._measures:
            measure.accept(sight, spans)
        self._end = moment.time + moment.seconds
        return rows

    def finish(self) -> list[Measurement]:
        """End all trails and close all intervals."""
        self._fix_classes(before=math.inf)
        self._end_trails(math.inf)
        self._tick(math.inf)
        return self._rows(self._intervals.close(math.inf))

    @property
    def needed_since(self) -> float:
        """Where a run must start again to come to the same open intervals, POSIX seconds."""
        oldest = min(self._trails.oldest, self._intervals.needs)
        trail = max(oldest, self._end - _LOOK_BACK_SECONDS)
        return min(trail, self._intervals.oldest, self._end) - self._bridge

    def _note(self, crossings: list[Crossing]) -> None:
        for crossing in sorted(crossings, key=lambda c: c.time):
            made = self._movements.accept(crossing)
            self._waiting.append(
                _Event(crossing.time, crossing.trail, crossing.line, crossing.forward)
            )
            self._waiting += [_Event(m.time, m.trail, m.movement, None) for m in made]

    def _fix_classes(self, before: float) -> None:
        """Book the events whose bridging time is over, by the votes up to then."""
        due = [e for e in self._waiting if e.time + self._bridge < before]
        self._waiting = [e for e in self._waiting if e.time + self._bridge >= before]
        for event in due:
            self._book(event, self._trails.code(event.trail))

    def _end_trails(self, time: float) -> None:
        # Only the end of the recording cuts off who is still in view.
        in_view = self._trails.in_view if time == math.inf else frozenset()
        ended = self._trails.ended(time)
        self._note(
            [
                c
                for one in ended
                for line in self._lines
                for c in line.end(one.trail, one.trail in in_view)
            ]
        )
        codes = {one.trail: one.code for one in ended}
        for event in [e for e in self._waiting if e.trail in codes]:
            self._waiting.remove(event)
            self._book(event, codes[event.trail])
        for trail, code, born, seen in ended:
            self._movements.end(trail)
            end = End(trail, code, seen, trail in in_view, self._intervals.at(seen))
            end.interval.needs = min(end.interval.needs, born)
            for measure in self._measures:
                measure.ended(end)

    def _book(self, event: _Event, code: int) -> None:
        interval = self._intervals.at(event.time)
        if event.forward is None:
            interval.movements[event.place, code] += 1
            return
        interval.crossings[event.place, event.forward, code] += 1
        speed = self._motion.speed_at(event.trail, event.time)
        passage = Passage(
            event.place, event.trail, code, event.forward, event.time, speed, interval
        )
        for measure in self._measures:
            measure.passed(passage)

    def _tick(self, time: float) -> None:
        for zone in self._zones.values():
            zone.tick(time)
        for measure in self._measures:
            measure.tick(time)

    def _count_zones(self, step: Step, spans: list[Span]) -> None:
        for name, zone in self._zones.items():
            zone.accept(step, [(t, s, i.zones.setdefault(name, Occupancy())) for t, s, i in spans])

    def _rows(self, closed: list[Interval]) -> list[Measurement]:
        rows: list[Measurement] = []
        for interval in closed:
            rows += self._intervals.rows(
                interval, self._site, self._name, self._camera, self._classes
            )
            blank = self._intervals.blank(interval, self._site, self._name)
            for measure in self._measures:
                for value in measure.values(interval):
                    row = replace(blank, **value._asdict())
                    seen = blank.coverage > 0
                    rows.append(row if seen else replace(row, value=None, n=None, histogram=None))
        return rows
