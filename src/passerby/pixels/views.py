"""A second, closer look: the picture as a whole and in overlapping parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from passerby.moment import Floats

_SHARE = 0.6  # of width and height; two parts overlap by a fifth, more than most objects need


def views(picture: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], Floats]]:
    """The whole picture, then its four overlapping quarters.

    A detector shrinks or grows whatever it is given to its own input, so a quarter shows it
    small things larger.

    Yields:
        a part of the picture, and the (4,) offset that brings boxes found in it back into the
        picture.
    """
    yield picture, np.zeros(4)
    height, width = picture.shape[:2]
    tall, wide = round(height * _SHARE), round(width * _SHARE)
    for top in (0, height - tall):
        for left in (0, width - wide):
            offset = np.array([left, top, left, top], np.float64)
            yield picture[top : top + tall, left : left + wide], offset
