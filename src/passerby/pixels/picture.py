"""Pictures that are made in the size in which they are wanted.

A camera gives more pixels than a detector looks at. To shrink the planes of brightness and colour
before they become BGR costs less than to convert every pixel first.
"""

from __future__ import annotations

import threading
from typing import Protocol

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(H, W, 3) BGR, or (H, W) a plane."""

# Formats of one brightness and two colour planes of bytes: what nearly every camera gives.
_PLANAR = frozenset(f"yuv{j}4{xx}p" for j in ("", "j") for xx in ("20", "22", "44"))


class Scalable(Protocol):
    """A picture that can be had in any size."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        ...

    def scaled(self, size: tuple[int, int], how: int = cv2.INTER_LINEAR) -> Picture:
        """(height, width, 3) BGR of the wanted width and height.

        Args:
            size: width and height in pixels.
            how: OpenCV's way to interpolate.
        """
        ...


class Still:
    """A picture that was made already."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.picture.shape[1], self.picture.shape[0]

    def scaled(self, size: tuple[int, int], how: int = cv2.INTER_LINEAR) -> Picture:
        """See :class:`Scalable`."""
        return np.asarray(cv2.resize(self.picture, size, interpolation=how), np.uint8)


class _Converter(threading.local):
    """A converter of pixels for each thread: to set one up anew costs as much as to use it."""

    def __init__(self) -> None:
        self.reformatter = VideoReformatter()


_converter = _Converter()


def to_bgr(frame: av.VideoFrame) -> Picture:
    """(H, W, 3) a decoded frame as BGR."""
    return np.asarray(_converter.reformatter.reformat(frame, format="bgr24").to_ndarray(), np.uint8)


def to_small_bgr(frame: av.VideoFrame, size: tuple[int, int], how: int) -> Picture:
    """(height, width, 3) a decoded frame as BGR, scaled to a width and height."""
    if frame.format.name not in _PLANAR:
        return Still(to_bgr(frame)).scaled(size, how)
    small = av.VideoFrame(*size, frame.format.name)
    small.colorspace, small.color_range = frame.colorspace, frame.color_range
    for plane, little in zip(frame.planes, small.planes, strict=True):
        target = (little.width, little.height)
        _pixels(little)[:] = cv2.resize(_pixels(plane), target, interpolation=how)
    return to_bgr(small)


def _pixels(plane: VideoPlane) -> Picture:
    """(H, W) the plane itself, without what fills its lines up."""
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return lines[: plane.height, : plane.width]
