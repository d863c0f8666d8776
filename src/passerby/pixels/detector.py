"""Pictures → Detections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from passerby.models import Model, find, once_loaded
from passerby.moment import CLASSES, Detections, Ints
from passerby.pixels.families import recognise
from passerby.pixels.network import load_network
from passerby.pixels.picture import Picture, Scalable, Still

FLOOR = 0.10
"""Scores below this are noise for every family; the tracker makes use of those above it."""

# People, two-wheelers, vehicles: a car, a bus and a truck in one place are one vehicle seen
# doubtfully. Boxes of one group that overlap more are one road user; people walk closer
# together than vehicles drive.
_GROUPS = np.array([0, 1, 2, 1, 2, 2, 2])
_OVERLAPS = (0.6, 0.6, 0.45)
assert len(_GROUPS) == len(CLASSES)


class Detector:
    """A loaded detector."""

    def __init__(self, model: Model, path: Path, threads: int = 1) -> None:
        self._network = load_network(path, threads)
        self._family = recognise(self._network, path.name)
        height, width = self._network.input_shape[2:]
        self.model = once_loaded(model, self._family.name, self._family.classes, (width, height))

    @classmethod
    def load(cls, model: str | Path | None = None, threads: int = 1) -> Detector:
        """Load a detector.

        Args:
            model: a name that ``passerby models`` lists, a path to an ONNX or OpenVINO file, or
                None for the embedded default.
            threads: CPU threads for one inference.

        Raises:
            ModelError: unknown name, missing or damaged file, or of no family understood.
        """
        facts, path = find(model)
        return cls(facts, path, threads)

    def detect(
        self, pictures: Sequence[Picture | Scalable], threshold: float | None = None
    ) -> list[Detections]:
        """Find road users.

        Args:
            pictures: (H, W, 3) BGR pictures of any size, or frames.
            threshold: smallest score; :data:`FLOOR` by default.

        Returns:
            One :class:`Detections` per picture, boxes in its pixels and within it.
        """
        floor = FLOOR if threshold is None else threshold
        return [
            self._detect(Still(picture) if isinstance(picture, np.ndarray) else picture, floor)
            for picture in pictures
        ]

    def _detect(self, picture: Scalable, floor: float) -> Detections:
        tensor, placement = self._family.prepare(picture)
        raw = self._family.read(self._network.run(tensor), floor)
        boxes = placement.to_picture(raw.boxes)
        width, height = picture.size
        boxes = np.clip(boxes, 0, [width, height, width, height])
        found = Detections(boxes, raw.scores, raw.codes)
        solid = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
        found = found[solid]
        return found[_without_doubles(found)]


def _without_doubles(found: Detections) -> Ints:
    """Indices that remain after non-maximum suppression within each group of classes."""
    corners, sizes = found.boxes[:, :2], found.boxes[:, 2:] - found.boxes[:, :2]
    rectangles = np.concatenate([corners, sizes], axis=1)
    kept = [np.zeros(0, np.int64)]
    for group, overlap in enumerate(_OVERLAPS):
        here = np.flatnonzero(_GROUPS[found.codes] == group)
        best = cv2.dnn.NMSBoxes(rectangles[here].tolist(), found.scores[here].tolist(), 0, overlap)
        kept.append(here[np.asarray(best, np.int64).reshape(-1)])
    return np.concatenate(kept)
