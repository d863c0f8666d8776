"""Follows the road users of one camera."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from passerby.geometry import areas, intersections
from passerby.moment import Detections, Floats, Ints, Moment
from passerby.tracker.pages import INSTANT, Page, Pages, find
from passerby.tracker.tracks import Mask, Tracks, sizes, to_boxes, to_places
from passerby.tracker.tuning import GROUPS, Tuning

MAX_BRIDGE_SECONDS = 5.0
"""A track unseen for longer is forgotten, whatever is asked: tracks are short memories."""

_CONSECUTIVE_SECONDS = 1.0  # frames further apart do not follow each other


class Tracker:
    """Follows the road users of one camera."""

    def __init__(
        self,
        tuning: Tuning | None = None,
        *,
        bridge_seconds: float = 2.0,
        look_ahead: float | None = None,
    ) -> None:
        """Begin with an empty street.

        Args:
            tuning: assumptions.
            bridge_seconds: how long a track may be unseen, 0 to 5 s.
            look_ahead: seconds between a frame and its telling; ``bridge_seconds`` where None,
                0 to hear of each frame at once (bridged boxes are then predicted, not
                interpolated, and the first boxes of a track are never told).

        Raises:
            ValueError: a bridging time outside its range.
        """
        if not 0 <= bridge_seconds <= MAX_BRIDGE_SECONDS:
            raise ValueError(f"bridge_seconds is {bridge_seconds}; it must be from 0 to 5 s")
        self._tuning = tuning or Tuning()
        self._bridge = bridge_seconds
        self._look_ahead = bridge_seconds if look_ahead is None else look_ahead
        self._next_id = 1
        self._tracks = self._begin(0.0, Detections.empty(), np.zeros((0, 4)))
        self._pages = Pages(self._tuning.smooth)
        self._time: float | None = None

    def accept(self, index: int, time: float, found: Detections) -> list[Moment]:
        """Take one analysed frame; times must rise.

        Args:
            index: number of the frame.
            time: seconds.
            found: its boxes, doubtful ones too.

        Returns:
            the frames that can now be told, oldest first; their ``seconds`` are 0, for the
            tracker does not know the plan.
        """
        step = 0.0 if self._time is None else time - self._time
        self._tracks.predict(step, self._tuning)
        self._time = time
        # Who was in the frame before was not out of sight, however rare the frames are.
        least = min(step, _CONSECUTIVE_SECONDS)
        seen = self._tracks.seen
        hoped = time - seen <= max(self._bridge, least) + INSTANT
        needed = hoped | (seen >= self._pages.oldest - INSTANT)
        if not needed.all():
            self._tracks = self._tracks.take(needed)
        scores, trust = self._match(time, found, least)
        t = self._tracks
        self._note_parts(np.flatnonzero(scores))
        places = np.where((scores > 0)[:, None], t.last, t.place)
        self._pages.add(Page(index, time, t.ids.copy(), places, scores, trust))
        return self._tell(time - self._look_ahead)

    def finish(self) -> list[Moment]:
        """Tell the frames that are left."""
        return self._tell(np.inf)

    def _match(self, time: float, found: Detections, least: float) -> tuple[Floats, Floats]:
        """Associate in two stages, correct, begin.

        Args:
            time: seconds.
            found: boxes.
            least: seconds for which every track may be unseen.

        Returns:
            (N,) scores and (N,) trust by track, 0 where not seen.
        """
        u, t = self._tuning, self._tracks
        places = to_places(found.boxes)
        limit = u.limits(found.codes)
        sure = found.scores >= limit
        doubtful = ~sure & (found.scores >= u.doubtful * limit)
        gain = self._gain(places, GROUPS[found.codes], np.where(sure, *u.overlap))
        unseen = time - t.seen
        free, pairs = np.ones(len(t), bool), []
        for boxes, patience in (
            (sure, self._bridge),
            (doubtful, min(self._bridge, u.doubtful_seconds)),
        ):
            rows = np.flatnonzero(free & (unseen <= max(patience, least) + INSTANT))
            columns = np.flatnonzero(boxes)
            if len(rows) and len(columns):
                possible = gain[rows[:, None], columns]
                a, b = linear_sum_assignment(possible, maximize=True)
                good = possible[a, b] > 0
                pairs.append((rows[a[good]], columns[b[good]]))
                free[pairs[-1][0]] = False
        used = np.zeros(len(found), bool)
        scores, trust = np.zeros(len(t)), np.zeros(len(t))
        if pairs:
            rows, columns = map(np.concatenate, zip(*pairs, strict=True))
            seen, codes = places[columns], found.codes[columns]
            used[columns] = True
            scores[rows] = found.scores[columns]
            self._pages.bridge(t.ids[rows], t.seen[rows], t.last[rows], time, seen)
            trust[rows] = t.correct(rows, time, seen, codes, scores[rows], u)
        fresh = sure & ~used
        if fresh.any():
            fresh &= ~self._doubles(found, used)
            self._tracks = t.join(self._begin(time, found[fresh], places[fresh]))
        new = found.scores[fresh]
        return np.concatenate([scores, new]), np.concatenate([trust, new])

    def _gain(self, places: Floats, groups: Ints, overlaps: Floats) -> Floats:
        """(N, M) how well each track and each place belong together, 0 where they cannot."""
        u, t = self._tuning, self._tracks
        size = sizes(t.place)
        spread = np.sqrt(t.var_place[:, 0])
        similarity = _similarity(t.place, places, (u.margin + u.margin_spread * spread) * size)
        heights = t.place[:, None, 3] / places[:, 3]
        possible = (
            (similarity >= overlaps)
            & (t.group[:, None] == groups)
            & (heights >= u.same_size)
            & (heights <= 1 / u.same_size)
        )
        x, y = (t.place[:, None, axis] - places[:, axis] for axis in (0, 1))
        deviation = size * np.sqrt(spread**2 + u.noise[0] ** 2)
        # In squared standard deviations, as a share of three of them.
        far = np.minimum((x * x + y * y) / np.square(3 * deviation)[:, None], 1)
        gain = similarity - u.distance_weight * far + u.match_bonus
        # What cannot be has no gain: a good match is not given up to make a second, bad one.
        return np.where(possible, np.maximum(gain, 0), 0)

    def _doubles(self, found: Detections, used: Mask) -> Mask:
        """Which boxes lie in one that is matched: a part of somebody, not somebody else."""
        group = GROUPS[found.codes]
        area = areas(found.boxes)
        share = intersections(found.boxes, found.boxes[used])
        share /= np.minimum(area[:, None], area[used][None])
        same = group[:, None] == group[used][None]
        return np.asarray(((share > self._tuning.double) & same).any(axis=1))

    def _note_parts(self, rows: Ints) -> None:
        """Note which of the tracks just seen lie in a likelier road user just seen."""
        t = self._tracks
        boxes, score, group = to_boxes(t.last[rows]), t.score[rows], t.group[rows]
        share = intersections(boxes, boxes) / areas(boxes)[:, None]
        likelier = (score[None] > score[:, None]) & (group[None] == group[:, None])
        t.parts[rows] += ((share > self._tuning.part) & likelier).any(axis=1)

    def _begin(self, time: float, found: Detections, places: Floats) -> Tracks:
        first = self._next_id
        self._next_id += len(found)
        ids = np.arange(first, self._next_id)
        return Tracks.begin(ids, time, places, found.codes, found.scores, self._tuning)

    def _tell(self, until: float) -> list[Moment]:
        moments = []
        while (page := self._pages.due(until)) is not None:
            rows, keep = find(self._tracks.ids, page.ids)  # ids rise with age: both are sorted
            rows = rows[keep]
            real = self._real(rows) & self._not_gone(rows, page.time, until)
            keep[keep] = real
            moments.append(
                Moment(
                    page.index,
                    page.time,
                    0.0,
                    page.ids[keep],
                    to_boxes(self._pages.smoothed(page, keep)),
                    self._tracks.code[rows[real]],
                    page.scores[keep],
                )
            )
            self._pages.turn()
        return moments

    def _real(self, rows: Ints) -> Mask:
        """Which tracks are road users: seen long enough, whole, and not street furniture."""
        u, t = self._tuning, self._tracks
        limit = u.limits(t.code[rows])
        score = t.score[rows]
        lively = (t.moved[rows] >= u.moved) | (score >= limit + u.convincing * (1 - limit))
        old = (t.hits[rows] >= u.hits) & (t.seen[rows] - t.born[rows] >= u.age - INSTANT)
        whole = (t.parts[rows] < u.part_often * t.hits[rows]) | (score >= u.part_score * limit)
        return np.asarray(old & lively & whole)

    def _not_gone(self, rows: Ints, time: float, until: float) -> Mask:
        """Which tracks were seen at ``time`` or later, or may still be."""
        t = self._tracks
        if self._time is None or until == np.inf:
            return np.asarray(t.seen[rows] >= time - INSTANT)
        hoped = self._time - t.seen[rows] <= self._bridge
        return np.asarray((t.seen[rows] >= time - INSTANT) | hoped)


def _similarity(expected: Floats, places: Floats, margin: Floats) -> Floats:
    """(N, M) intersection over union of boxes that are all grown by the track's (N,) margin."""
    grow = 2 * margin[:, None]
    wide_a, wide_b = expected[:, None, 2] + grow, places[:, 2] + grow
    tall_a, tall_b = expected[:, None, 3] + grow, places[:, 3] + grow
    x, y = (np.abs(expected[:, None, axis] - places[:, axis]) for axis in (0, 1))
    wide = np.minimum((wide_a + wide_b) / 2 - x, np.minimum(wide_a, wide_b))
    tall = np.minimum((tall_a + tall_b) / 2 - y, np.minimum(tall_a, tall_b))
    shared = np.maximum(wide, 0) * np.maximum(tall, 0)
    return np.asarray(shared / (wide_a * tall_a + wide_b * tall_b - shared))
