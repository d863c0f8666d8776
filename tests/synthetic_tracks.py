"""Road users made up for the tests of the measures, as Moments that a perfect watch would tell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import TypeVar

import numpy as np

from passerby.measurement import Measurement
from passerby.measures.camera import CameraMeasures
from passerby.moment import CLASSES, Moment
from passerby.site import Camera, make_camera

_T = TypeVar("_T")

SIZE = (800, 600)
HEIGHT = 100.0
"""Of a road user's box, pixels: one is beyond a line from 25 pixels on."""
WALK = 80.0
"""1.4 m/s for a person of 1.7 m who is 100 pixels high."""


@dataclass(frozen=True)
class RoadUser:
    """One road user.

    Attributes:
        path: (time, x, y) of the ground point; straight and steady in between; there is nobody
            before the first and after the last.
        ids: (since, id): each holds until the next. A list of two has one switch of identity.
        size: width and height of the box in pixels.
        classes: (since, class), likewise.
        hidden: (from, to) in which there is no box.
        sway: how far the ground point is off the path, up and down in turn from frame to frame.
    """

    path: Sequence[tuple[float, float, float]]
    ids: Sequence[tuple[float, int]] = ((-math.inf, 1),)
    size: tuple[float, float] = (40.0, HEIGHT)
    classes: Sequence[tuple[float, str]] = ((-math.inf, "person"),)
    hidden: Sequence[tuple[float, float]] = ()
    sway: float = 0.0

    def box(self, time: float, frame: int) -> list[float] | None:
        """The box at a time, None where there is none."""
        times, xs, ys = zip(*self.path, strict=True)
        if not times[0] <= time <= times[-1] or any(a <= time < b for a, b in self.hidden):
            return None
        x = float(np.interp(time, times, xs))
        y = float(np.interp(time, times, ys)) + self.sway * (-1) ** frame
        width, height = self.size
        return [x - width / 2, y - height, x + width / 2, y]


def walk(
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    speed: float = WALK,
    begin: float = 0.0,
    number: int = 1,
) -> RoadUser:
    """Somebody who walks straight from one point to another."""
    seconds = math.dist(start, end) / speed
    return RoadUser([(begin, *start), (begin + seconds, *end)], [(-math.inf, number)])


def moments(
    users: Iterable[RoadUser],
    *,
    seconds: float | None = None,
    fps: float = 10.0,
    every: int = 1,
    start: float = 0.0,
    clip: bool = False,
) -> list[Moment]:
    """What is told of these road users.

    Args:
        users: all of them.
        seconds: length of the recording; to the end of all paths and 5 s more where None.
        fps: frames per second.
        every: every so manieth frame is analysed.
        start: POSIX time of the first frame; paths begin there.
        clip: cut boxes off at the edge of the picture, as detectors do.
    """
    users = list(users)
    if seconds is None:
        seconds = max((user.path[-1][0] for user in users), default=0.0) + 5
    told = []
    for frame in range(0, math.ceil(seconds * fps - 1e-9), every):
        time = frame / fps
        seen = []
        for user in users:
            box = user.box(time, frame)
            if box is not None and clip:
                box = [min(max(c, 0.0), SIZE[i % 2]) for i, c in enumerate(box)]
            if box is not None and box[0] < box[2] and box[1] < box[3]:
                seen.append((_at(user.ids, time), box, _at(user.classes, time)))
        told.append(
            Moment(
                frame,
                start + time,
                every / fps,
                np.array([number for number, _, _ in seen], np.int64),
                np.array([box for _, box, _ in seen], np.float64).reshape(-1, 4),
                np.array([CLASSES.index(class_) for _, _, class_ in seen], np.int64),
                np.full(len(seen), 0.9),
            )
        )
    return told


def camera(**lines: tuple[float, float, float, float]) -> Camera:
    """A camera with lines in pixels."""
    width, height = SIZE
    ends = {
        name: ((x1 / width, y1 / height), (x2 / width, y2 / height))
        for name, (x1, y1, x2, y2) in lines.items()
    }
    return make_camera(lines=ends)


COUNTS = ("crossings", "movement", "occupancy_mean", "occupancy_max")

GATE = camera(gate=(100, 300, 700, 300))
"""A line from left to right across the middle: forward is down."""


def measures(
    of: Camera,
    *,
    zone: tzinfo = UTC,
    interval_seconds: int = 60,
    bridge_seconds: float = 2.0,
    classes: tuple[str, ...] = CLASSES[:-1],
) -> CameraMeasures:
    """The measures of a camera whose pictures are of :data:`SIZE`."""
    return CameraMeasures(
        site="Square",
        name="north",
        camera=of,
        size=SIZE,
        classes=classes,
        zone=zone,
        interval_seconds=interval_seconds,
        bridge_seconds=bridge_seconds,
    )


def measure(
    told: Iterable[Moment],
    of: Camera = GATE,
    *,
    zone: tzinfo = UTC,
    interval_seconds: int = 60,
    bridge_seconds: float = 2.0,
) -> list[Measurement]:
    """The rows that are counts, in the order in which they closed."""
    of_camera = measures(
        of, zone=zone, interval_seconds=interval_seconds, bridge_seconds=bridge_seconds
    )
    rows = [row for moment in told for row in of_camera.accept(moment)] + of_camera.finish()
    return [row for row in rows if row.kind in COUNTS]


def totals(rows: Iterable[Measurement], kind: str = "crossings") -> Counter[tuple[str, str]]:
    """Sums over intervals and classes by (place, direction); what is 0 is left out."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.kind == kind and row.value:
            sums[row.place, row.direction] += int(row.value)
    return sums


def passed(users: Iterable[RoadUser], of: Camera = GATE, clip: bool = False) -> tuple[int, int]:
    """How many passed the only line of a camera forward and backward."""
    sums = totals(measure(moments(users, clip=clip), of))
    (line,) = of.lines
    return sums[line, "forward"], sums[line, "backward"]


def _at(since: Sequence[tuple[float, _T]], time: float) -> _T:
    return [value for begin, value in since if begin <= time + 1e-9][-1]
