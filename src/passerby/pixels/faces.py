"""Finds faces for one purpose: to destroy them."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.moment import Floats
from passerby.pixels.network import Network, load_network
from passerby.pixels.views import views

_THRESHOLD = 0.15
_STRIDE = 4  # pixels of the network's input to a cell of its outputs


def find_faces(picture: NDArray[np.uint8], threshold: float = _THRESHOLD) -> Floats:
    """Find faces with CenterFace (Xu et al., 2019), in the picture and in parts of it.

    One face may have several boxes: whoever destroys does not mind.

    Args:
        picture: (H, W, 3) BGR.
        threshold: smallest score. Low on purpose: a face too many costs a patch of wall.

    Returns:
        (N, 4) boxes x1, y1, x2, y2 in pixels of the picture, not clipped to it.
    """
    found = [_look(part, threshold) + offset for part, offset in views(picture)]
    return np.concatenate(found)


def _look(picture: NDArray[np.uint8], threshold: float) -> Floats:
    network = _network()
    height, width = network.input_shape[2:]
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    tensor = np.zeros((1, 3, height, width), np.float32)
    inner = inner[:height, :width, ::-1].transpose(2, 0, 1)
    tensor[0, :, : inner.shape[1], : inner.shape[2]] = inner
    heat, size, offset, _ = (value[0] for value in network.run(tensor).values())
    row, column = np.nonzero(heat[0] >= threshold)
    centre_y = (row + offset[0, row, column] + 0.5) * _STRIDE
    centre_x = (column + offset[1, row, column] + 0.5) * _STRIDE
    half_y = np.exp(size[0, row, column]) * _STRIDE / 2
    half_x = np.exp(size[1, row, column]) * _STRIDE / 2
    boxes = np.stack(
        [centre_x - half_x, centre_y - half_y, centre_x + half_x, centre_y + half_y], axis=1
    )
    return np.asarray(boxes / scale, np.float64)


@cache
def _network() -> Network:
    with as_file(files("passerby.pixels") / "weights" / "centerface_640x480.onnx") as path:
        return load_network(path, threads=1)
