"""Sights and passages → who waits in one queue, how fast it is served, and how long it takes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import shapely
from scipy.stats import gamma

from passerby.histogram import Histogram
from passerby.kinds import KINDS
from passerby.measures.intervals import Interval
from passerby.measures.measure import (
    End,
    LinePlace,
    Measure,
    Passage,
    Sight,
    Span,
    Value,
    ZonePlace,
)
from passerby.measures.motion import LAG
from passerby.moment import CLASSES, Floats, Ints

# m/s below which somebody joins, above which somebody leaves, and seconds for which that must
# last. People in queues shuffle; a walk begins at about 0.7 m/s. Vehicles: a queue begins below
# 5 km/h and ends above 10 km/h (as in microsimulation: PTV Vissim's queue counters).
_PERSON_SPEEDS = (0.5, 1.0)
_VEHICLE_SPEEDS = (5 / 3.6, 10 / 3.6)
_JOIN_SECONDS = 1.0
_LEAVE_SECONDS = 2.0

_BODY = 1.70  # metres that a box of a person is tall, where the ground is not known
_MEMORY = 1.0  # seconds over which the speed in the picture is smoothed

_WINDOW = 600.0  # seconds whose services tell the rate
_LEAST_SERVED = 10
_COUNT_VARIANCE = 1 / 12 + 1 / 4  # a gap is under way; a person more or less is ahead
_SHARE = 0.9  # of the interval around a wait
_BIN = 1.0  # seconds


class Wait(NamedTuple):
    """What somebody who joins now faces, seconds: expected, and the ends of its 90 % interval."""

    expected: float
    low: float
    high: float


@dataclass(slots=True)
class _Queued:
    """What one interval knows of the queue; integrals over observed seconds."""

    members: float = 0.0
    members_max: float | None = None
    metres: float = 0.0
    metres_seconds: float = 0.0
    metres_max: float | None = None
    waits: Floats = field(default_factory=lambda: np.zeros(3))
    waits_seconds: float = 0.0
    seconds: float = 0.0
    trails: set[int] = field(default_factory=set)
    served: int = 0
    observed: Histogram = field(default_factory=lambda: Histogram(_BIN))
    followed: int = 0  # stays in it
    delays: Histogram = field(default_factory=lambda: Histogram(_BIN))


@dataclass(slots=True)
class _User:
    """One road user in the zone.

    Attributes:
        entered: when first seen in the zone.
        whole: whether it was seen to come in.
        joined: when it joined, None while it has not.
        since: since when it is slow (or, of a member, fast or outside); NaN where it is not.
        waited: whether it ever was a member.
        here: whether it was in the zone, before the head, when last in view.
        seen: when last in view.
        inside: when last in the zone, before the head.
        away: how far from the head when a member was last slow or came nearer, pixels.
        pace: smoothed metres per second in the picture; its place then, and when.
    """

    entered: float
    whole: bool
    joined: float | None = None
    since: float = math.nan
    waited: bool = False
    here: bool = True
    seen: float = 0.0
    inside: float = 0.0
    away: float = math.inf
    pace: float = math.nan
    place: tuple[float, float] = (0.0, 0.0)


class Queue(Measure):
    """A queue: the zone in which it stands, and the line, its head, at which it is served.

    Whoever is in the zone joins once slow (people below 0.5 m/s, vehicles below 5 km/h) for
    1 s, since the beginning of that. A member leaves by crossing the head, or when faster than
    1.0 m/s (10 km/h) or out of the zone for 2 s, or lost from view for longer than the bridging
    time. Where the ground is not known, speeds of people are those in the picture, with a box
    taken for 1.70 m; those of vehicles then take the box's height for 1.5 m. Lengths are unknown.

    - ``queue_mean``, ``queue_max``: members, as for occupancy.
    - ``queue_length_mean``, ``queue_length_max``: metres from the head to the member that is
      farthest from it, as the crow flies: of a winding queue that is less than its length.
    - ``service_rate``: crossings of the head in the queue's direction ÷ observed seconds.
    - ``wait_expected``: N × ḡ, with N members ahead and ḡ the mean time between two services while
      somebody waited, over the last ten minutes; of fewer than 10 such times it is unknown. A gap
      in which nobody waited tells of demand, and is left out. By Little's reasoning the wait of
      the last in line is N services, whatever the arrivals. ``wait_expected_low`` and ``_high``
      hold 90 % of the waits: the sum of N gaps of mean ḡ and variance s² has variance N s², its
      mean N ḡ is uncertain by N² s² / n after n gaps, N by a person more or less who joins just
      now, and a gap is under way (together ⅓ ḡ²); the sum is taken for gamma distributed.
      All three are means over the seconds at which they were known.
    - ``wait_observed_median``: from joining to the head, of those followed all the way; who leaves
      otherwise, or is lost, waited at least so long (Kaplan–Meier). It holds one's own service,
      which N × ḡ does not. Who was there when the recording began is left out.
    - ``delay_mean`` (vehicles): time from entering the zone to the head, less the 15th percentile
      of that time among those who never stopped in it; unknown under 5 of those.

    Source: D. Gross et al., Fundamentals of Queueing Theory, 4th ed., Wiley 2008 (waits from
    services); Highway Capacity Manual (delay against free flow).
    """

    def __init__(
        self,
        name: str,
        zone: ZonePlace,
        head: LinePlace,
        *,
        forward: bool,
        classes: tuple[str, ...],
        bridge_seconds: float = 2.0,
    ) -> None:
        """Prepare to measure.

        Args:
            name: of the queue.
            zone: in which it stands.
            head: the line that the first one crosses when served.
            forward: the direction of that crossing.
            classes: who queues here.
            bridge_seconds: how long a member may be out of view.
        """
        self._name, self._zone, self._head, self._forward = name, zone, head, forward
        self._codes = np.array([CLASSES.index(class_) for class_ in classes], np.int64)
        self._class = classes[0] if len(classes) == 1 else "vehicle"
        self._vehicles = "person" not in classes
        self._slow, self._fast = _VEHICLE_SPEEDS if self._vehicles else _PERSON_SPEEDS
        self._tall = 1.5 if self._vehicles else _BODY
        self._bridge = bridge_seconds
        self._line = None if head.metres is None else shapely.LineString(head.metres)
        self._users: dict[int, _User] = {}
        self._services: deque[float] = deque()  # times, in order
        self._busy: deque[tuple[float, float]] = deque()  # when somebody waited: from, to
        self._free: deque[float] = deque(maxlen=200)  # traversals of who never stopped
        self._began: float | None = None
        self._wait: Wait | None = None
        self._second: float = -math.inf
        self._counts: list[float] = []
        self._lengths: list[float] = []
        self._of: _Queued | None = None

    @property
    def wait(self) -> Wait | None:
        """What somebody who joins now faces; None while it is not known."""
        return self._wait

    def tick(self, time: float) -> None:
        """Take note of the time: a second that is over goes into its interval's maxima."""
        second = math.floor(time) if math.isfinite(time) else time
        if second == self._second:
            return
        if self._of is not None and self._counts:
            median = float(np.median(self._counts))
            self._of.members_max = max(self._of.members_max or 0.0, median)
        if self._of is not None and self._lengths:
            median = float(np.median(self._lengths))
            self._of.metres_max = max(self._of.metres_max or 0.0, median)
        self._counts, self._lengths = [], []
        self._second = second
        self._wait = self._expected(time) if math.isfinite(time) else None

    def accept(self, sight: Sight, spans: list[Span]) -> None:
        """Take who is in view at a time, and the parts of intervals for which that stands."""
        step, time = sight.step, sight.step.time
        if self._began is None:
            self._began = time
        asked = np.flatnonzero(np.isin(step.codes, self._codes))
        inside = self._zone.polygon.holds(step.seen[asked])
        # Pixels before the head; below 0 for who is past it.
        before = self._head.segment.distance(step.seen[asked]) * (-1 if self._forward else 1)
        speeds = self._speeds(sight, asked)
        for row, here, away, speed in zip(
            asked.tolist(), (inside & (before >= 0)).tolist(), before.tolist(), speeds, strict=True
        ):
            self._see(int(step.trails[row]), time, here, away, speed, spans)
        self._forget(time, spans)
        members = {trail for trail, user in self._users.items() if self._waits(user)}
        length = self._length(sight, asked, members)
        for span in spans:
            self.tick(span.time)
            self._of = held = self._held(span.interval)
            held.seconds += span.seconds
            held.members += len(members) * span.seconds
            held.trails |= members
            self._counts.append(len(members))
            if length is not None:
                held.metres += length * span.seconds
                held.metres_seconds += span.seconds
                self._lengths.append(length)
            if self._wait is not None:
                held.waits += np.array(self._wait) * span.seconds
                held.waits_seconds += span.seconds
        if members and spans:
            self._note_busy(spans[0].time, spans[-1].time + spans[-1].seconds)

    def passed(self, passage: Passage) -> None:
        """Take note that somebody crossed a line; told one bridging time after it."""
        if passage.line != self._head.name or passage.forward != self._forward:
            return
        if passage.code not in self._codes:
            return
        held = self._held(passage.interval)
        held.served += 1
        self._services.append(passage.time)
        user = self._users.pop(passage.trail, None)
        if user is None:
            return
        if user.joined is not None and user.whole:
            held.observed.add(max(passage.time - user.joined, 0.0))
            held.followed += 1
        taken = passage.time - user.entered
        if user.whole and not user.waited:
            self._free.append(taken)
        if user.whole and len(self._free) >= KINDS["delay_mean"].least:
            free = float(np.quantile(self._free, 0.15))
            held.delays.add(max(taken - free, 0.0))

    def ended(self, end: End) -> None:
        """Take note that a trail ended."""
        user = self._users.pop(end.trail, None)
        if user is not None and user.joined is not None:
            self._cut_off(user, end.seen, end.interval)

    def values(self, interval: Interval) -> Iterator[Value]:
        """The rows of an interval that closes."""
        q = self._held(interval)
        people, known = len(q.trails), q.seconds > 0
        rate = q.served / interval.observed if interval.observed else None
        length = q.metres / q.metres_seconds if q.metres_seconds else None
        waits = (q.waits / q.waits_seconds).tolist() if q.waits_seconds else [None] * 3
        numbers: dict[str, tuple[float | None, int]] = {
            "queue_mean": (q.members / q.seconds if known else None, people),
            "queue_max": (q.members_max, people),
            "queue_length_mean": (length, people),
            "queue_length_max": (q.metres_max, people),
            "service_rate": (rate, q.served),
            "wait_expected": (waits[0], q.served),
            "wait_expected_low": (waits[1], q.served),
            "wait_expected_high": (waits[2], q.served),
        }
        for kind, (value, n) in numbers.items():
            yield self._row(kind, value, None if value is None else n)
        value = KINDS["wait_observed_median"].value_of(q.observed, q.followed)
        yield self._row("wait_observed_median", value, q.followed, q.observed)
        if self._vehicles:
            delayed = round(sum(q.delays.counts.values()))
            value = KINDS["delay_mean"].value_of(q.delays, delayed)
            yield self._row("delay_mean", value, delayed, q.delays)

    def _row(
        self, kind: str, value: float | None, n: int | None, histogram: Histogram | None = None
    ) -> Value:
        return Value(self._name, kind, self._class, "", value, n, histogram)

    @staticmethod
    def _waits(user: _User) -> bool:
        return user.joined is not None and user.here

    def _held(self, interval: Interval) -> _Queued:
        held: _Queued = interval.held.setdefault(self, _Queued())
        return held

    def _speeds(self, sight: Sight, asked: Ints) -> list[float]:
        """Metres per second of the road users asked for; NaN where not known."""
        speeds = np.hypot(*sight.velocity[asked].T)
        if self._line is not None or not np.isnan(sight.velocity).all():
            return list(speeds.tolist())
        step = sight.step
        found = []
        scale = self._tall / np.maximum(step.heights[asked], 1.0)
        for row, per_pixel in zip(asked.tolist(), scale.tolist(), strict=True):
            user = self._users.get(int(step.trails[row]))
            if user is None or not step.time > user.seen:
                found.append(math.nan)
                continue
            x, y = step.seen[row].tolist()
            gap = step.time - user.seen
            now = math.dist((x, y), user.place) * per_pixel / gap
            weight = 1.0 if math.isnan(user.pace) else min(gap / _MEMORY, 1.0)
            user.pace = now if math.isnan(user.pace) else user.pace + weight * (now - user.pace)
            found.append(user.pace)
        for row in asked.tolist():
            user = self._users.get(int(step.trails[row]))
            if user is not None:
                x, y = step.seen[row].tolist()
                user.place = (x, y)
        return found

    def _see(
        self, trail: int, time: float, here: bool, away: float, speed: float, spans: list[Span]
    ) -> None:
        """Take note of one road user: join and leave are hysteretic."""
        user = self._users.get(trail)
        if user is None:
            if here:
                whole = self._began is not None and time - self._began > self._bridge
                self._users[trail] = _User(time, whole, seen=time, inside=time)
            return
        user.seen, user.here = time, here
        if here:
            user.inside = time
        if user.joined is None:
            if not here:
                # Its crossing of the head may be told only now: it is kept until then.
                user.since = math.nan
                if time - user.inside > self._bridge + 1:
                    del self._users[trail]
            elif not speed < self._slow:
                user.since = math.nan
            elif math.isnan(user.since):
                user.since = time
            elif time - user.since >= _JOIN_SECONDS:
                # A speed is that of half a second ago.
                user.joined = max(user.since - LAG, user.entered)
                user.waited, user.since, user.away = True, math.nan, away
                self._note_busy(user.joined, time)
                if spans:  # the seconds before it was known
                    self._held(spans[0].interval).members += time - user.joined
        elif here and (not speed > self._fast or away < user.away):
            user.since, user.away = math.nan, away  # who hurries up to the head still waits
        elif math.isnan(user.since):
            user.since = time
        elif time - user.since >= _LEAVE_SECONDS + self._bridge * (not here):
            # Who crossed the head has its passage told by now, and is no longer here.
            if spans:
                self._cut_off(user, user.since, spans[0].interval)
            user.joined, user.since = None, math.nan
            if not here:
                del self._users[trail]

    def _forget(self, time: float, spans: list[Span]) -> None:
        for trail in [t for t, u in self._users.items() if time - u.seen > self._bridge]:
            user = self._users.pop(trail)
            if user.joined is not None and spans:
                self._cut_off(user, user.seen, spans[0].interval)

    def _cut_off(self, user: _User, until: float, interval: Interval) -> None:
        """A wait whose end was not seen."""
        assert user.joined is not None
        if not user.whole:
            return  # nobody knows how long before it was met
        held = self._held(interval)
        held.observed.add(max(until - user.joined, 0.0), censored=True)
        held.followed += 1

    def _length(self, sight: Sight, asked: Ints, members: set[int]) -> float | None:
        if self._line is None:
            return None
        rows = [row for row in asked.tolist() if int(sight.step.trails[row]) in members]
        if not rows:
            return 0.0 if not members else None
        places = sight.metres[rows]
        if not np.isfinite(places).all():
            return None
        return float(shapely.distance(shapely.points(places), self._line).max())

    def _note_busy(self, begin: float, end: float) -> None:
        if self._busy and begin <= self._busy[-1][1] + 1e-3:
            first, last = self._busy[-1]
            self._busy[-1] = (min(first, begin), max(last, end))
        else:
            self._busy.append((begin, end))

    def _expected(self, time: float) -> Wait | None:
        """The wait of somebody who joins now, from the services of the last minutes."""
        while self._services and self._services[0] < time - _WINDOW:
            self._services.popleft()
        while self._busy and self._busy[0][1] < time - _WINDOW:
            self._busy.popleft()
        gaps = self._gaps(time)
        members = sum(map(self._waits, self._users.values()))
        count = len(gaps)
        if count < _LEAST_SERVED:
            return None
        if not members:
            return Wait(0.0, 0.0, 0.0)
        mean, variance = float(gaps.mean()), float(gaps.var(ddof=1))
        expected = members * mean
        spread = variance * (members + members**2 / count) + _COUNT_VARIANCE * mean**2
        shape = expected**2 / spread
        low, high = gamma.ppf([(1 - _SHARE) / 2, (1 + _SHARE) / 2], shape, scale=expected / shape)
        return Wait(expected, float(low), float(high))

    def _gaps(self, time: float) -> Floats:
        """Seconds between two services throughout which somebody waited.

        One that lasts longer than the others did is among them before it ends.
        """
        times = np.array(self._services)
        if len(times) < 2 or not self._busy:
            return np.zeros(0)
        begins, ends = np.array(self._busy).T
        at = np.searchsorted(begins, times[:-1] + 1e-9) - 1
        whole = (at >= 0) & (ends[at] >= times[1:] - 1e-9)
        gaps = np.diff(times)[whole]
        last = self._services[-1]
        if begins[-1] <= last and len(gaps) and time - last > gaps.max():
            gaps = np.append(gaps, time - last)
        return np.asarray(gaps)
