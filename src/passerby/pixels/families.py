"""The families of detectors understood: how a picture goes in and how boxes come out.

A family is recognised by the shapes of a network's inputs and outputs, never by a file name.
All of them answer with :class:`Detections` whose boxes are in pixels of the network's input;
a :class:`Placement` says where in that input the picture lies.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from passerby.errors import ModelError
from passerby.moment import CLASSES, Detections, Floats, Ints
from passerby.pixels.network import Network, Tensor
from passerby.pixels.picture import Picture, Scalable

# COCO's 80 classes hold six kinds of road user, at these places.
_COCO = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 5: "bus", 7: "truck"}
_COCO_INDEX = np.array(list(_COCO))
_COCO_CODES = np.array([CLASSES.index(name) for name in _COCO.values()])
_COCO_VEHICLES = np.isin(list(_COCO.values()), ("car", "bus", "truck"))


class Placement(NamedTuple):
    """Where the picture lies in the network's input: input = picture × scale + offset."""

    scale_x: float
    scale_y: float
    left: float
    top: float

    def to_picture(self, boxes: Floats) -> Floats:
        """(N, 4) boxes in input pixels as boxes in picture pixels."""
        offset = np.array([self.left, self.top, self.left, self.top])
        scale = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y])
        return np.asarray((boxes - offset) / scale, dtype=np.float64)


class Family(Protocol):
    """How one family of networks is fed and read."""

    name: str
    classes: tuple[str, ...]

    def prepare(self, picture: Scalable) -> tuple[Tensor, Placement]:
        """A picture as the network's input, and where it lies there."""
        ...

    def read(self, outputs: dict[str, NDArray[Any]], floor: float) -> Detections:
        """Detections with a score of at least ``floor``, before suppression of doubles."""
        ...


def recognise(network: Network, name: str) -> Family:
    """Find the family of a network.

    Args:
        network: the loaded network.
        name: its file name, for the error.

    Raises:
        ModelError: it fits no family; the message says what was found and what is expected.
    """
    height, width = network.input_shape[2:]
    shapes = network.output_shapes
    for family in (NanoDet, YoloX, BoxesLabels):
        if family.fits((width, height), shapes):
            return family((width, height), shapes)
    found = ", ".join(
        f"{key} {['?' if d is None else d for d in shape]}" for key, shape in shapes.items()
    )
    raise ModelError(
        f"{name} fits no family of detectors understood here.\n"
        f"  found:    input {width}x{height} pixels; outputs {found}\n"
        "  expected: NanoDet: per stride a class output [1, N, 80] and a side output "
        "[1, N, 4 x bins];\n"
        "            YOLOX: one output [1, N, 85];\n"
        "            Open Model Zoo: boxes [M, 5] and labels [M] "
        "(person-vehicle-bike-detection-2000 to 2004)"
    )


class NanoDet:
    """NanoDet with one class output and one side output per stride, trained on COCO.

    Input: BGR, mean and deviation removed, letterboxed in the centre on black. A side of a box
    is the expectation of a distribution over bins, times the stride, from an anchor at
    index × stride + (stride − 1) / 2 (Li et al., "Generalized Focal Loss", 2020).
    """

    name = "nanodet"
    classes = tuple(_COCO.values())
    _MEAN = np.array([103.53, 116.28, 123.675], np.float32)
    _DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)

    def __init__(self, size: tuple[int, int], shapes: dict[str, tuple[int | None, ...]]) -> None:
        self._size = size
        self._heads = []
        for stride, (scores, sides) in self._pairs(size, shapes).items():
            across, down = -(-size[0] // stride), -(-size[1] // stride)
            y, x = np.mgrid[:down, :across].reshape(2, -1)
            anchors = np.stack([x, y], axis=1) * stride + (stride - 1) / 2
            self._heads.append((scores, sides, stride, anchors))

    @staticmethod
    def _pairs(
        size: tuple[int, int], shapes: dict[str, tuple[int | None, ...]]
    ) -> dict[int, tuple[str, str]]:
        """Names of the class output and the side output of each stride."""
        pairs = {}
        for stride in (8, 16, 32, 64):
            cells = -(-size[0] // stride) * -(-size[1] // stride)
            here = {n: s for n, s in shapes.items() if len(s) == 3 and s[1] == cells}
            scores = [n for n, s in here.items() if s[2] == 80]
            sides = [n for n, s in here.items() if s[2] not in (80, None) and (s[2] or 1) % 4 == 0]
            if len(scores) == 1 and len(sides) == 1:
                pairs[stride] = (scores[0], sides[0])
        return pairs

    @classmethod
    def fits(cls, size: tuple[int, int], shapes: dict[str, tuple[int | None, ...]]) -> bool:
        """Whether the outputs come in such pairs and there are no others."""
        pairs = cls._pairs(size, shapes)
        return len(pairs) >= 3 and 2 * len(pairs) == len(shapes)

    def prepare(self, picture: Scalable) -> tuple[Tensor, Placement]:
        """Letterbox in the centre and normalise."""
        width, height = self._size
        scale, inner = _fit(picture, self._size)
        left, top = (width - inner.shape[1]) // 2, (height - inner.shape[0]) // 2
        tensor = np.zeros((1, 3, height, width), np.float32)
        # Padding is black before normalising.
        tensor[0] = (-self._MEAN / self._DEVIATION)[:, None, None]
        region = tensor[0, :, top : top + inner.shape[0], left : left + inner.shape[1]]
        for channel in range(3):
            np.multiply(inner[..., channel], 1 / self._DEVIATION[channel], out=region[channel])
            region[channel] -= self._MEAN[channel] / self._DEVIATION[channel]
        return tensor, Placement(scale, scale, left, top)

    def read(self, outputs: dict[str, NDArray[Any]], floor: float) -> Detections:
        """Decode only the anchors whose best road-user score reaches the floor."""
        boxes, scores, codes = [], [], []
        for scores_name, sides_name, stride, anchors in self._heads:
            users = outputs[scores_name][0][:, _COCO_INDEX]
            keep = users.max(axis=1) >= floor
            code, score = _likeliest(users[keep])
            logits = outputs[sides_name][0][keep]
            logits = logits.reshape(len(logits), 4, logits.shape[1] // 4).astype(np.float64)
            weights = np.exp(logits - logits.max(axis=2, keepdims=True))
            bins = np.arange(logits.shape[2])
            sides = (weights @ bins) / weights.sum(axis=2) * stride
            centre = anchors[keep]
            boxes.append(np.concatenate([centre - sides[:, :2], centre + sides[:, 2:]], axis=1))
            scores.append(score)
            codes.append(code)
        return Detections(np.concatenate(boxes), np.concatenate(scores), np.concatenate(codes))


class YoloX:
    """YOLOX trained on COCO: one output of boxes, objectness and 80 scores per grid cell.

    Input: BGR 0 to 255, letterboxed to the top left on grey 114. Centre = (p + cell) × stride,
    size = exp(p) × stride (Ge et al., "YOLOX", 2021).
    """

    name = "yolox"
    classes = tuple(_COCO.values())
    _STRIDES = (8, 16, 32)

    def __init__(self, size: tuple[int, int], shapes: dict[str, tuple[int | None, ...]]) -> None:
        self._size = size
        (self._output,) = shapes
        cells, strides = [], []
        for stride in self._STRIDES:
            y, x = np.mgrid[: size[1] // stride, : size[0] // stride].reshape(2, -1)
            cells.append(np.stack([x, y], axis=1))
            strides.append(np.full((len(x), 1), stride))
        self._cells, self._strides = np.concatenate(cells), np.concatenate(strides)

    @classmethod
    def fits(cls, size: tuple[int, int], shapes: dict[str, tuple[int | None, ...]]) -> bool:
        """Whether there is one output with a row of 85 for each cell of each stride."""
        cells = sum((size[0] // s) * (size[1] // s) for s in cls._STRIDES)
        return list(shapes.values()) == [(1, cells, 85)]

    def prepare(self, picture: Scalable) -> tuple[Tensor, Placement]:
        """Letterbox to the top left."""
        width, height = self._size
        scale, inner = _fit(picture, self._size)
        tensor = np.full((1, 3, height, width), 114, np.float32)
        tensor[0, :, : inner.shape[0], : inner.shape[1]] = inner.transpose(2, 0, 1)
        return tensor, Placement(scale, scale, 0, 0)

    def read(self, outputs: dict[str, NDArray[Any]], floor: float) -> Detections:
        """Score = objectness × class score."""
        rows = outputs[self._output][0]
        users = rows[:, 5 + _COCO_INDEX] * rows[:, 4:5]
        keep = users.max(axis=1) >= floor
        code, score = _likeliest(users[keep])
        rows, stride = rows[keep].astype(np.float64), self._strides[keep]
        centre = (rows[:, :2] + self._cells[keep]) * stride
        half = np.exp(rows[:, 2:4]) * stride / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1)
        return Detections(boxes, score, code)


class BoxesLabels:
    """Intel Open Model Zoo person-vehicle-bike-detection: boxes with scores, and labels.

    Input: BGR 0 to 255, stretched. Its ``bike`` is a cyclist or a motorcyclist with the machine.
    """

    name = "omz"
    classes: tuple[str, ...] = ("vehicle", "person", "bicycle")
    _CODES = np.array([CLASSES.index(name) for name in classes])

    def __init__(self, size: tuple[int, int], shapes: dict[str, tuple[int | None, ...]]) -> None:
        self._size = size

    @classmethod
    def fits(cls, size: tuple[int, int], shapes: dict[str, tuple[int | None, ...]]) -> bool:
        """Whether there are ``boxes`` of five numbers and ``labels``, and nothing else."""
        return (
            set(shapes) == {"boxes", "labels"}
            and len(shapes["boxes"]) == 2
            and shapes["boxes"][1] == 5
            and len(shapes["labels"]) == 1
        )

    def prepare(self, picture: Scalable) -> tuple[Tensor, Placement]:
        """Stretch to the input size."""
        width, height = self._size
        inner = picture.scaled(self._size)
        tensor = np.ascontiguousarray(inner.transpose(2, 0, 1)[None], dtype=np.float32)
        scale_x, scale_y = width / picture.size[0], height / picture.size[1]
        return tensor, Placement(scale_x, scale_y, 0, 0)

    def read(self, outputs: dict[str, NDArray[Any]], floor: float) -> Detections:
        """Keep the labels that are known."""
        boxes, labels = outputs["boxes"].astype(np.float64), outputs["labels"].astype(np.int64)
        keep = (boxes[:, 4] >= floor) & (labels >= 0) & (labels < len(self._CODES))
        return Detections(boxes[keep, :4], boxes[keep, 4], self._CODES[labels[keep]])


def _likeliest(users: NDArray[Any]) -> tuple[Ints, Floats]:
    """Codes of the likeliest class of each anchor, and how likely such a road user is there.

    A van is a bit of a car and a bit of a truck. Each class has a score of its own, so the score
    of a vehicle is that of any of the three (as if they were independent), not that of the best.

    Args:
        users: (N, classes) scores in the order of COCO's road users, 0 to 1.
    """
    users = users.astype(np.float64)
    best = users.argmax(axis=1)
    any_vehicle = 1 - np.prod(1 - users[:, _COCO_VEHICLES], axis=1)
    score = np.where(_COCO_VEHICLES[best], any_vehicle, users.max(axis=1, initial=0))
    return _COCO_CODES[best], score


def _fit(picture: Scalable, size: tuple[int, int]) -> tuple[float, Picture]:
    """The picture scaled to fit into ``size``, proportions kept, and the scale."""
    width, height = picture.size
    scale = min(size[0] / width, size[1] / height)
    return scale, picture.scaled((max(round(width * scale), 1), max(round(height * scale), 1)))
