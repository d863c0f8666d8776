"""What was seen in the last seconds, kept until it is told and smoothed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from passerby.moment import Floats, Ints
from passerby.tracker.tracks import Mask

INSTANT = 1e-9  # seconds; times are floats
_REACH = 2.0  # standard deviations; what is farther away in time has no weight
_BRIDGED_TRUST = 0.02  # a straight line over a gap gives way to whatever was seen


@dataclass(slots=True)
class Page:
    """One frame: every track alive then, as parallel arrays in order of ids.

    Attributes:
        index: number of the frame.
        time: seconds.
        ids: (N,).
        places: (N, 4) as seen, or where the track is thought to be.
        scores: (N,) 0 where not seen.
        trust: (N,) weights of the places, 0 where not seen.
    """

    index: int
    time: float
    ids: Ints
    places: Floats
    scores: Floats
    trust: Floats


class Pages:
    """The frames of the last seconds, oldest first."""

    def __init__(self, smooth: tuple[float, float]) -> None:
        """Begin empty.

        Args:
            smooth: standard deviations in seconds for positions and sizes.
        """
        self._smooth = smooth
        self._reach = _REACH * max(smooth)
        self._untold: deque[Page] = deque()
        self._told: deque[Page] = deque()

    def add(self, page: Page) -> None:
        """Add the newest frame."""
        self._untold.append(page)

    @property
    def oldest(self) -> float:
        """Time of the oldest frame that is not told yet; infinite where there is none."""
        return self._untold[0].time if self._untold else np.inf

    def due(self, until: float) -> Page | None:
        """The oldest frame that is not told yet, if it is no later than ``until``."""
        if self._untold and self._untold[0].time <= until + INSTANT:
            return self._untold[0]
        return None

    def turn(self) -> None:
        """Mark the oldest untold frame as told, and forget what smoothing needs no more."""
        page = self._untold.popleft()
        self._told.append(page)
        while self._told[0].time < page.time - self._reach:
            self._told.popleft()

    def bridge(self, ids: Ints, seen: Floats, before: Floats, time: float, now: Floats) -> None:
        """Write straight lines over what was guessed while tracks were out of sight.

        Args:
            ids: (N,) tracks seen at ``time``.
            seen: (N,) when they were seen before.
            before: (N, 4) where that was.
            time: of the frame that is about to be added.
            now: (N, 4) where they are.
        """
        for page in reversed(self._untold):
            gap = np.flatnonzero(seen < page.time - INSTANT)
            if not len(gap):
                return
            at = np.searchsorted(page.ids, ids[gap])
            share = ((page.time - seen[gap]) / (time - seen[gap]))[:, None]
            page.places[at] = before[gap] + share * (now[gap] - before[gap])
            page.trust[at] = _BRIDGED_TRUST

    def smoothed(self, page: Page, keep: Mask) -> Floats:
        """Places of the chosen tracks of a page, by what was seen before and after it.

        Positions follow a straight line fitted to the neighbouring frames, sizes are their
        geometric mean; both are weighted by a Gaussian of time and by trust (local linear and
        local constant regression: Fan & Gijbels, "Local Polynomial Modelling", 1996).

        Args:
            page: which frame.
            keep: (N,) which of its tracks.

        Returns:
            (M, 4) places of the chosen tracks.
        """
        ids, own = page.ids[keep], page.places[keep]
        near = [p for p in (*self._told, *self._untold) if abs(p.time - page.time) <= self._reach]
        places = np.tile(own, (len(near), 1, 1))
        trust = np.zeros((len(near), len(ids)))
        for number, other in enumerate(near):
            at = np.minimum(np.searchsorted(other.ids, ids), max(len(other.ids) - 1, 0))
            there = other.ids[at] == ids if len(other.ids) else np.zeros(len(ids), bool)
            places[number, there] = other.places[at[there]]
            trust[number, there] = other.trust[at[there]]
        away = np.array([p.time for p in near]) - page.time
        narrow, wide = (np.exp(-0.5 * (away / s) ** 2)[:, None] * trust for s in self._smooth)
        smooth = own.copy()
        known = narrow.sum(axis=0) > 0
        position = _line(away, places[:, :, :2], narrow)
        size = np.exp((wide[..., None] * np.log(places[:, :, 2:])).sum(axis=0) / _some(wide))
        smooth[known] = np.concatenate([position, size], axis=1)[known]
        return smooth


def _line(away: Floats, values: Floats, weights: Floats) -> Floats:
    """(M, 2) value at 0 of the weighted least-squares lines through (P, M, 2) values."""
    w = weights[..., None]
    x = away[:, None, None]
    total = _some(weights)
    mean_x, mean = (w * x).sum(axis=0) / total, (w * values).sum(axis=0) / total
    spread = (w * (x - mean_x) ** 2).sum(axis=0)
    slope = (w * (x - mean_x) * (values - mean)).sum(axis=0) / np.maximum(spread, 1e-9)
    return np.asarray(mean - slope * mean_x)


def _some(weights: Floats) -> Floats:
    """(M, 1) sums that can be divided by."""
    return np.asarray(np.maximum(weights.sum(axis=0), 1e-12)[:, None])
