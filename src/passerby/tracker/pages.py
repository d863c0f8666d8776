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
_STILL = 1e-4  # s²; times closer together than that give no slope


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

    def __init__(self, smooth: float) -> None:
        """Begin empty.

        Args:
            smooth: standard deviation of the weights of smoothing, seconds.
        """
        self._smooth = smooth
        self._reach = _REACH * smooth
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
        ids, smooth = page.ids[keep], page.places[keep]
        near = [p for p in (*self._told, *self._untold) if abs(p.time - page.time) <= self._reach]
        row, there = find(ids, np.concatenate([p.ids for p in near]))
        if not there.any():
            return smooth
        row = row[there]
        away = np.repeat([p.time - page.time for p in near], [len(p.ids) for p in near])[there]
        places = np.concatenate([p.places for p in near])[there]
        trust = np.concatenate([p.trust for p in near])[there]

        weight = trust * np.exp(-0.5 * (away / self._smooth) ** 2)
        whole = np.bincount(row, weight, len(ids))
        known = np.flatnonzero(whole > 0)  # the others were out of sight all the time
        whole = whole[known]

        def mean(values: Floats) -> Floats:
            return np.asarray(np.bincount(row, weight * values, len(ids))[known] / whole)

        mean_away = mean(away)
        spread = np.maximum(mean(away**2) - mean_away**2, _STILL)
        for axis in (0, 1):
            value = places[:, axis] - smooth[row, axis]  # small numbers lose no digits
            middle = mean(value)
            slope = (mean(away * value) - mean_away * middle) / spread
            smooth[known, axis] += middle - slope * mean_away
        for axis in (2, 3):
            smooth[known, axis] = np.exp(mean(np.log(places[:, axis])))
        return smooth


def find(known: Ints, wanted: Ints) -> tuple[Ints, Mask]:
    """(N,) where wanted numbers belong among sorted known ones, and whether they are there."""
    place = np.searchsorted(known, wanted)
    there = place < len(known)
    there[there] = known[place[there]] == wanted[there]
    return place, there
