"""The empty street: what a camera shows once nobody is there. It fails closed.

A pixel is shown only where all of this holds; anything else is a flat fill:

1. there are enough samples, spread over seconds, in which no box, however doubtful, touched it
   within a second before or after. The median of these *empty* samples is the street;
2. they agree: what keeps changing is no street;
3. what was found here does not look like the street. A passer-by differs from what is behind her.
   Whoever stands or sleeps in one place and is missed in most frames becomes the median herself,
   and the few boxes that hold the same tell her;
4. the detector, looking closely at the result, finds nobody in it, and neither a face nor a plate
   is found (see :mod:`passerby.pixels.redaction`).

Nothing here can hide somebody who never moves and whom the detector never finds, not even with a
low score and in parts of the picture.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.moment import Detections, Floats
from passerby.pixels.picture import Picture, Scalable
from passerby.pixels.redaction import Look, grow, look_closely, mark, meant, redact
from passerby.redacted import RedactedImage

_WIDEST = 640
_DOUBTFUL = 0.10  # score from which a box counts

_SAMPLES = 32  # kept at most; of more, every second one goes
_INTERVAL = 0.5  # seconds between samples, doubled each time
_AROUND = 1.0  # seconds before and after a sample in which a box spoils it
_LIGHT = 16  # grey levels; samples in a light further from the usual are left out
_EMPTY_SAMPLES = 5
_EMPTY_SECONDS = 3.0
_AGREEING = 0.8  # share of the empty samples that must lie
_SPREAD = 30  # grey levels from each other at most

_SIGHTS = 4096  # kept at most, an even choice, about 1 kB each
_CONTENT = (12, 24)  # width and height that what a box holds is brought to for comparison
_CORE = -0.15  # of a box's size is left out on each side: there it holds street
_DIFFERENT = 20  # grey levels
_CHANGED = 0.3  # share of a box that must differ from the street for a passer-by
_CORRELATED = 0.9  # above it, two are alike in another light
_FOUND = 0.03  # boxes like the street, per frame in which it was empty, that tell somebody
_FOUND_CLOSELY = 0.10  # the same for the closer look, which errs more often


@dataclass(slots=True)
class _Sample:
    time: float
    picture: Picture
    covered: NDArray[np.uint8]


class EmptyStreet:
    """Collects samples of one camera and makes the empty street of them.

    Memory is bounded, about 40 MB at 640x480, however long the recording.
    """

    def __init__(self, size: tuple[int, int], look: Look) -> None:
        """Begin with nothing.

        Args:
            size: width and height of the pictures to come.
            look: the detector, for the closer look at samples and result.
        """
        self._scale = min(_WIDEST / size[0], 1.0)
        width, height = (max(round(side * self._scale), 1) for side in size)
        self._size = (width, height)
        self._look = look
        self._interval = _INTERVAL
        self._samples: list[_Sample] = []
        self._recent: deque[tuple[float, Floats]] = deque()
        self._sights = _Sights()

    def accept(self, time: float, picture: Scalable, found: Detections) -> None:
        """Take an analysed frame; to be called for every one, in order of time.

        Args:
            time: seconds.
            picture: masks painted.
            found: every doubtful box too.
        """
        boxes = meant(found, picture.size, _DOUBTFUL) * self._scale
        self._recent.append((time, boxes))
        while time - self._recent[0][0] > _AROUND:
            self._recent.popleft()
        for sample in reversed(self._samples):
            if time - sample.time > _AROUND:
                break
            mark(sample.covered, grow(boxes))
        last = self._samples[-1] if self._samples else None
        compare = time - self._sights.time >= _INTERVAL
        keep = last is None or time - last.time >= self._interval
        if not (compare or keep):
            return
        # Area is slow where it has little to average.
        how = cv2.INTER_AREA if self._scale <= 0.5 else cv2.INTER_LINEAR
        small = picture.scaled(self._size, how)
        if compare:
            self._sights.accept(time, small, boxes, last.picture if last else small)
        if keep:
            lately = np.concatenate([boxes for _, boxes in self._recent])
            self._samples.append(_Sample(time, small, self._inside(lately)))
        if len(self._samples) > _SAMPLES:
            self._samples = self._samples[::2]
            self._interval *= 2

    def image(self, masks: Sequence[Sequence[tuple[float, float]]]) -> RedactedImage | None:
        """The empty street so far, at most 640 pixels wide.

        Args:
            masks: polygons never to be shown, fractions of width and height.

        Returns:
            None where next to nothing could be proven empty.
        """
        samples = _in_usual_light(self._samples)
        if not samples:
            return None
        looks = [look_closely(self._look, s.picture, _DOUBTFUL) for s in samples]
        for sample, boxes in zip(samples, looks, strict=True):
            mark(sample.covered, grow(boxes))
        street, empty = _median(samples)
        hidden = empty == 0
        told = np.zeros(empty.shape)
        for box in self._sights.like(street, ~hidden):
            told += self._inside(box[None])
        hidden |= told * self._sights.weight >= _FOUND * empty
        told[:] = 0
        for sample, boxes in zip(samples, looks, strict=True):
            shown = _contents(street, boxes), _proven(~hidden, boxes)
            told += self._inside(boxes[_alike(_contents(sample.picture, boxes), *shown)])
        hidden |= told / len(samples) >= _FOUND_CLOSELY * empty
        hidden |= self._masked(masks)
        return redact(street, hidden, self._look)

    def _inside(self, boxes: Floats) -> NDArray[np.uint8]:
        """(H, W) 1 in the boxes and their margin."""
        inside = np.zeros(self._size[::-1], np.uint8)
        mark(inside, grow(boxes))
        return inside

    def _masked(self, masks: Sequence[Sequence[tuple[float, float]]]) -> NDArray[np.bool_]:
        """(H, W) where the masks are, a few pixels more for what ran over their edge."""
        masked = np.zeros(self._size[::-1], np.uint8)
        for mask in masks:
            corners = np.round(np.array(mask) * self._size).astype(np.int32)
            cv2.fillPoly(masked, [corners], 1)
            cv2.polylines(masked, [corners], True, 1, thickness=5)
        return masked > 0


class _Sights:
    """An even choice of the boxes that held what had been there in the last sample too.

    Attributes:
        time: of the last frame that was compared, seconds.
    """

    def __init__(self) -> None:
        self.time = -np.inf
        self._frames = 0
        self._seen = 0
        self._boxes = np.zeros((_SIGHTS, 4))
        self._contents = np.zeros((_SIGHTS, *_CONTENT[::-1], 3), np.uint8)
        self._random = np.random.default_rng(0)

    @property
    def weight(self) -> float:
        """Boxes per frame that one kept box stands for."""
        return max(self._seen / _SIGHTS, 1.0) / max(self._frames, 1)

    def accept(self, time: float, picture: Picture, boxes: Floats, before: Picture) -> None:
        """Compare what boxes hold with what was there before."""
        self.time = time
        self._frames += 1
        contents = _contents(picture, boxes)
        still = _alike(contents, _contents(before, boxes), np.ones(contents.shape[:3], np.bool_))
        for box, content in zip(boxes[still], contents[still], strict=True):
            # Reservoir sampling (Vitter, 1985, algorithm R).
            slot = self._seen if self._seen < _SIGHTS else self._random.integers(self._seen + 1)
            self._seen += 1
            if slot < _SIGHTS:
                self._boxes[slot], self._contents[slot] = box, content

    def like(self, street: Picture, proven: NDArray[np.bool_]) -> Floats:
        """(N, 4) the kept boxes that hold what the street shows where it is proven."""
        boxes = self._boxes[: self._seen]
        shown = _contents(street, boxes), _proven(proven, boxes)
        return boxes[_alike(self._contents[: self._seen], *shown)]


def _contents(picture: Picture, boxes: Floats) -> Picture:
    """(N, h, w, 3) what boxes hold in their middle, brought to one size."""
    height, width = picture.shape[:2]
    contents = np.zeros((len(boxes), *_CONTENT[::-1], *picture.shape[2:]), np.uint8)
    core = grow(boxes, _CORE)
    left, top = np.clip(core[:, :2].astype(np.int64), 0, [width - 1, height - 1]).T
    right = np.maximum(np.ceil(core[:, 2]).astype(np.int64), left + 1)
    bottom = np.maximum(np.ceil(core[:, 3]).astype(np.int64), top + 1)
    for content, x1, y1, x2, y2 in zip(contents, left, top, right, bottom, strict=True):
        content[:] = cv2.resize(picture[y1:y2, x1:x2], _CONTENT, interpolation=cv2.INTER_AREA)
    return contents


def _proven(proven: NDArray[np.bool_], boxes: Floats) -> NDArray[np.bool_]:
    """(N, h, w) which part of what boxes hold lies where the street is proven."""
    return _contents(proven.astype(np.uint8) * 255, boxes) > 127


def _alike(seen: Picture, shown: Picture, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) whether two contents show the same thing, in one light or in two.

    Args:
        seen: (N, h, w, 3).
        shown: (N, h, w, 3).
        where: (N, h, w) the part that is compared; nothing is like nothing.
    """
    one, other = seen.astype(np.float32), shown.astype(np.float32)
    size = where.sum(axis=(1, 2))
    changed = ((np.abs(one - other).max(axis=3) > _DIFFERENT) & where).sum(axis=(1, 2))
    one, other = one * where[..., None], other * where[..., None]
    count = np.maximum(size, 1)[:, None, None, None]
    one -= one.sum(axis=(1, 2), keepdims=True) / count
    other -= other.sum(axis=(1, 2), keepdims=True) / count
    one, other = one * where[..., None], other * where[..., None]
    product = (one * other).sum(axis=(1, 2, 3))
    power = np.sqrt((one**2).sum(axis=(1, 2, 3)) * (other**2).sum(axis=(1, 2, 3)))
    alike = (changed < _CHANGED * size) | (product > _CORRELATED * power)
    return np.asarray(alike & (size > 0))


def _in_usual_light(samples: Sequence[_Sample]) -> list[_Sample]:
    """The samples about as bright as most are: the median of day and night is neither."""
    light = np.array([sample.picture.mean() for sample in samples])
    usual = np.abs(light - np.median(light)) <= _LIGHT if len(light) else light
    return [sample for sample, keep in zip(samples, usual, strict=True) if keep]


def _median(samples: Sequence[_Sample]) -> tuple[Picture, Floats]:
    """The median of the empty samples, and their share: 0 where they are few or disagree.

    Where none is empty it is the median of all, of use to a detector only.
    """
    times = np.array([sample.time for sample in samples])
    empty = np.stack([sample.covered == 0 for sample in samples])
    values = np.stack([sample.picture for sample in samples])
    count = empty.sum(axis=0)
    values[~empty & (count > 0)] = 255  # sorts to the end
    values.sort(axis=0)
    held = np.where(count > 0, count, len(samples))

    def at(share: float) -> Picture:
        place = np.round((held - 1) * share).astype(np.int64)
        return np.asarray(np.take_along_axis(values, place[None, ..., None], axis=0)[0])

    seconds = times[::-1][empty[::-1].argmax(axis=0)] - times[empty.argmax(axis=0)]
    rest = (1 - _AGREEING) / 2
    spread = (at(1 - rest).astype(np.int64) - at(rest)).max(axis=2)
    proven = (count >= _EMPTY_SAMPLES) & (seconds >= _EMPTY_SECONDS) & (spread <= _SPREAD)
    return at(0.5), np.where(proven, count / len(samples), 0.0)
