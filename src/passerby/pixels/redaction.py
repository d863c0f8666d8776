"""The one place where a picture becomes bytes that may leave, once who is in it is destroyed."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.geometry import areas
from passerby.moment import Detections, Floats
from passerby.pixels.faces import find_faces
from passerby.pixels.picture import Picture
from passerby.pixels.plates import find_plates
from passerby.pixels.views import views
from passerby.redacted import RedactedImage

Look = Callable[[Picture], Detections]
"""A detector for one picture. It should give every doubtful box too."""

FLAT = np.array([128, 128, 128], np.uint8)
"""The colour of what is not shown, BGR."""

_MARGIN = 0.15  # of a box's size, on each side; detectors draw boxes tight
_DOUBTFUL = 0.15  # score from which a road user is destroyed
_SPRAWL = 0.5  # share of the picture
_SPRAWL_SCORE = 0.4
_LEAST = 0.03  # share of the picture below which it helps nobody
_QUALITY = 85


def look_closely(look: Look, picture: Picture, threshold: float) -> Floats:
    """(N, 4) boxes of road users in the picture and in its parts, pixels of the picture."""
    return np.concatenate(
        [meant(look(part), part.shape[:2], threshold) + offset for part, offset in views(picture)]
    )


def meant(found: Detections, size: tuple[int, ...], threshold: float) -> Floats:
    """(N, 4) boxes with a score of at least the threshold that mean something in a picture.

    A box over more than half of the picture must be surer than others: where a detector sees
    little, it draws such boxes around nothing.
    """
    sprawls = areas(found.boxes) > _SPRAWL * size[0] * size[1]
    return found.boxes[found.scores >= np.where(sprawls, max(_SPRAWL_SCORE, threshold), threshold)]


def grow(boxes: Floats, margin: float = _MARGIN) -> Floats:
    """(N, 4) boxes that reach a share of their size further on each side."""
    by = (boxes[:, 2:] - boxes[:, :2]) * margin
    return np.concatenate([boxes[:, :2] - by, boxes[:, 2:] + by], axis=1)


def mark(mask: NDArray[np.uint8], boxes: Floats) -> None:
    """Set an (H, W) mask to 1 in (N, 4) boxes, touched pixels included, in place."""
    height, width = mask.shape
    low = np.clip(np.floor(boxes[:, :2]), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(boxes[:, 2:]), 0, [width, height]).astype(int)
    for (left, top), (right, bottom) in zip(low.tolist(), high.tolist(), strict=True):
        mask[top:bottom, left:right] = 1


def redact(picture: Picture, hidden: NDArray[np.bool_], look: Look) -> RedactedImage | None:
    """Destroy road users, faces and plates by a flat fill, and encode what is left.

    Args:
        picture: (H, W, 3) BGR; it is not changed.
        hidden: (H, W) what is filled in any case.
        look: finds road users. It is shown the picture without fills, which it would mistake.

    Returns:
        None where next to nothing is left.
    """
    found = [look_closely(look, picture, _DOUBTFUL), find_faces(picture), find_plates(picture)]
    filled = hidden.astype(np.uint8)
    mark(filled, grow(np.concatenate(found)))
    if filled.mean() > 1 - _LEAST:
        return None
    safe = np.where(filled[..., None] > 0, FLAT, picture)
    done, data = cv2.imencode(".jpg", safe, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done  # a picture of three 8-bit channels always fits
    return RedactedImage(data.tobytes(), "image/jpeg", picture.shape[1], picture.shape[0])
