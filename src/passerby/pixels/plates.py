"""Finds number plates for one purpose: to destroy them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.moment import Floats

_ENLARGED = 2.0  # so that letters a few pixels high still come apart
_BLOCKS = (1.0, 2.0)  # neighbourhood that a letter must stand out from, in heights of a letter
_CONTRAST = 6  # grey levels by which it must
_TALLEST = 0.15  # a letter, as a share of the picture's height
_SHAPE = (0.08, 1.3)  # width of a letter to its height
_ROW = (1.8, 10.0)  # width of a row to its height
_LETTERS = 4  # a plate has more, but two may have grown together


def find_plates(picture: NDArray[np.uint8]) -> Floats:
    """Find number plates: rows of at least four shapes of one height that stand close together.

    Nothing is read. Any row of letters is found, a shop sign's too, and some fences: whoever
    destroys does not mind.

    Args:
        picture: (H, W, 3) BGR, up to about 640 pixels wide.

    Returns:
        (N, 4) boxes x1, y1, x2, y2 in pixels of the picture, not clipped to it; one plate may
        have several.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    grey = cv2.resize(grey, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
    rows = [np.zeros((0, 4))]
    height = 10.0
    while height < _TALLEST * grey.shape[0]:
        for block in _BLOCKS:
            for polarity in (cv2.THRESH_BINARY, cv2.THRESH_BINARY_INV):
                ink = cv2.adaptiveThreshold(
                    grey,
                    1,
                    cv2.ADAPTIVE_THRESH_MEAN_C,
                    polarity,
                    2 * round(block * height / 2) + 1,
                    _CONTRAST if polarity == cv2.THRESH_BINARY_INV else -_CONTRAST,
                )
                rows.append(_rows(np.asarray(ink, np.uint8), height))
        height *= 1.3
    return np.concatenate(rows) / _ENLARGED


def _rows(ink: NDArray[np.uint8], height: float) -> Floats:
    """(N, 4) boxes of the rows whose letters are about so many pixels high."""
    *_, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    left, top, wide, tall, _ = stats[1:].T
    fits = (tall >= 0.75 * height) & (tall <= 1.35 * height)
    fits &= (wide >= _SHAPE[0] * tall) & (wide <= _SHAPE[1] * tall)
    letters = np.zeros_like(ink)
    for x, y, w, h in zip(left[fits], top[fits], wide[fits], tall[fits], strict=True):
        letters[y : y + h, x : x + w] = 1
    # Letters less than their height apart run together into one bar.
    bars = cv2.morphologyEx(letters, cv2.MORPH_CLOSE, np.ones((1, round(height)), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bars, connectivity=4)
    members = labels[top[fits] + tall[fits] // 2, left[fits] + wide[fits] // 2]
    held = np.bincount(members, minlength=count)[1:]
    x, y, w, h, _ = stats[1:].T
    is_row = (held >= _LETTERS) & (h <= 2 * height) & (w >= _ROW[0] * h) & (w <= _ROW[1] * h)
    boxes = np.stack([x, y, x + w, y + h], axis=1)[is_row].astype(np.float64)
    # The first and the last letter may have been missed.
    return np.asarray(boxes + np.array([-1.2, -0.4, 1.2, 0.4]) * height)
