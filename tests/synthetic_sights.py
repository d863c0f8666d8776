"""Road users made up in metres, as Steps and Sights of a camera that looks down on a square."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

import numpy as np
from numpy.typing import ArrayLike

from passerby.geometry import Segment
from passerby.ground import Ground
from passerby.measures.intervals import Intervals
from passerby.measures.measure import LinePlace, Measure, Passage, Sight, Span, Value
from passerby.measures.trails import Step
from passerby.moment import CLASSES, Floats

SIZE = (1600, 1200)
START = 1_699_999_200.0
"""A full hour, POSIX seconds."""
GROUND = Ground(np.array([[0.02, 0.0, -16.0], [0.0, -0.03, 36.0], [0.0, 0.0005, 0.5]]), 0.0, "made")
"""Far away is at the top of the picture; no horizon in it."""


def step(
    time: float,
    metres: ArrayLike,
    *,
    trails: Iterable[int] | None = None,
    class_: str = "person",
    before: tuple[float, Floats] | None = None,
    size: tuple[float, float] = (40.0, 100.0),
) -> Step:
    """Road users with their feet at (N, 2) places, at ``before`` last time."""
    points = GROUND.to_picture(np.asarray(metres, np.float64).reshape(-1, 2))
    count = len(points)
    since, places = before if before else (np.nan, np.full((count, 2), np.nan))
    left_top, right_bottom = np.array([-size[0] / 2, -size[1]]), np.array([size[0] / 2, 0.0])
    return Step(
        time,
        np.arange(count) if trails is None else np.array(list(trails), np.int64),
        points,
        points,
        GROUND.to_picture(places) if before else places,
        np.full(count, since),
        np.concatenate([points + left_top, points + right_bottom], axis=1),
        np.full(count, CLASSES.index(class_)),
    )


def line(name: str, a: tuple[float, float], b: tuple[float, float]) -> LinePlace:
    """A line between two places in metres."""
    metres = np.array([a, b], np.float64)
    return LinePlace(name, Segment(*GROUND.to_picture(metres)), metres)


def watch(
    measure: Measure,
    sights: Iterable[tuple[Sight, float]] = (),
    passages: Iterable[tuple[float, str, bool, float | None]] = (),
    *,
    seconds: int = 60,
) -> list[dict[tuple[str, str, str], Value]]:
    """Tell a measure all that there is to see, and let each interval close.

    Args:
        measure: of a line or a zone.
        sights: (sight, seconds for which it stands).
        passages: (time, class, forward, m/s) across the line ``gate``, each by another trail;
            none after the last sight.
        seconds: length of an interval.

    Returns:
        values by (kind, class, direction), for each interval in order.
    """
    intervals = Intervals(seconds, UTC)
    waiting = list(enumerate(passages))
    told = []

    def close(until: float) -> None:
        for interval in intervals.close(until):
            values = list(measure.values(interval))
            told.append({(v.kind, v.class_, v.direction): v for v in values})
            assert len(told[-1]) == len(values), "each row comes once"

    for sight, lasts in sights:
        now = sight.step.time
        intervals.open_until(now)
        for trail, (time, class_, forward, speed) in [p for p in waiting if p[1][0] <= now]:
            code, interval = CLASSES.index(class_), intervals.at(time)
            measure.passed(Passage("gate", trail, code, forward, time, speed, interval))
        waiting = [p for p in waiting if p[1][0] > now]
        measure.tick(now)
        close(now)
        measure.accept(sight, [Span(*span) for span in intervals.spans(now, lasts)])
    assert not waiting, "passages after the last sight"
    measure.tick(np.inf)
    close(np.inf)
    return told


def nobody(times: Iterable[float], lasts: float = 1.0) -> list[tuple[Sight, float]]:
    """Sights of an empty square."""
    blank = np.zeros((0, 2))
    return [(Sight(step(time, blank), blank, blank), lasts) for time in times]
