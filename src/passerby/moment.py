"""What the detector and the tracker say: plain arrays, no picture.

Boxes are ``x1, y1, x2, y2`` in pixels of the source, y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import supervision

CLASSES: tuple[str, ...] = (
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "bus",
    "truck",
    "vehicle",
)
"""Every class a road user can have; a code is an index into this tuple.

``vehicle`` is for models that do not tell cars, buses and trucks apart.
"""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NAMES = np.array(CLASSES)


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes found in one frame.

    Attributes:
        boxes: (N, 4) pixels of the source.
        scores: (N,) confidence, 0 to 1.
        codes: (N,) indices into :data:`CLASSES`.
    """

    boxes: Floats
    scores: Floats
    codes: Ints

    @classmethod
    def empty(cls) -> Detections:
        """No detection at all."""
        return cls(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, keep: NDArray[Any]) -> Detections:
        """The detections chosen by a mask or by indices."""
        return Detections(self.boxes[keep], self.scores[keep], self.codes[keep])

    @property
    def classes(self) -> NDArray[np.str_]:
        """(N,) class names."""
        return _NAMES[self.codes]


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """All confirmed tracks at one time. Lives in memory only.

    Attributes:
        index: 0-based number of the frame in its source.
        time: seconds; POSIX time where the clock is known, else since the start of the recording.
        seconds: the span it stands for, from ``time`` on: up to the next analysed frame, or one
            planned period where the next one is missing or too far.
        ids: (N,) numbers that last as long as a track does. They start anew in every run and
            must never be written or sent.
        boxes: (N, 4) pixels of the source.
        codes: (N,) indices into :data:`CLASSES`, by vote over the track so far.
        scores: (N,) confidence, 0 to 1; 0 where the box is not seen but bridged.
    """

    index: int
    time: float
    seconds: float
    ids: Ints
    boxes: Floats
    codes: Ints
    scores: Floats

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def classes(self) -> NDArray[np.str_]:
        """(N,) class names."""
        return _NAMES[self.codes]

    def to_supervision(self) -> supervision.Detections:
        """The same boxes as ``supervision.Detections``.

        Raises:
            ImportError: where supervision is not installed.
        """
        import supervision

        return supervision.Detections(
            xyxy=self.boxes.astype(np.float32),
            confidence=self.scores.astype(np.float32),
            class_id=self.codes.copy(),
            tracker_id=self.ids.copy(),
            data={"class_name": self.classes},
        )
