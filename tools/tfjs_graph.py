"""Turns a TensorFlow.js graph model into ONNX, for the few operators that NanoDet is made of.

TensorFlow lays pictures out as (batch, height, width, channels), the network was made for
(batch, channels, height, width), and its conversion left a transposition on either side of every
convolution. Here a feature map always has its channels first; a transposition between the two
layouts only changes which of them its reader means.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_OPSET = 13
_IR_VERSION = 8
_TO_LAST, _TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
_LOWEST = np.finfo(np.float32).min

Array = NDArray[Any]
Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A value of the ONNX graph.

    Attributes:
        name: there.
        shape: there; a feature map is (batch, channels, height, width).
        last: its reader in TensorFlow sees the channels last.
        pads: top, left, bottom, right still to be added by whoever reads it.
    """

    name: str
    shape: tuple[int, ...]
    last: bool = False
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass
class _Graph:
    """The ONNX graph while it grows."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, value: Array) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> list[str]:
        name = f"{op.lower()}_{len(self.nodes)}"
        names = [name if outputs == 1 else f"{name}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=name, **attributes))
        return names


def convert(model: Path, outputs: dict[str, str], input_name: str) -> onnx.ModelProto:
    """Convert ``model`` (a ``.json`` with its weights beside it).

    Args:
        model: the graph model.
        outputs: ONNX name by name of the output in TensorFlow, in the order wanted.
        input_name: ONNX name of its one input.

    Raises:
        ValueError: an operator, or a use of one, that is not known here.
    """
    description = json.loads(model.read_text("utf-8"))
    arrays = _weights(model, description["weightsManifest"])
    graph = _Graph()
    tensors: dict[str, _Tensor] = {}
    inputs: list[_Tensor] = []
    waiting: list[Node] = description["modelTopology"]["node"]
    while waiting:
        ready = [n for n in waiting if _sources(n) <= arrays.keys() | tensors.keys()]
        if not ready:
            raise ValueError(f"{waiting[0]['name']} reads what nothing makes")
        for node in ready:
            if node["op"] == "Const":
                continue
            if node["op"] == "Placeholder":
                dims = node["attr"]["shape"]["shape"]["dim"]
                inputs.append(_Tensor(input_name, tuple(int(d["size"]) for d in dims)))
                tensors[node["name"]] = inputs[-1]
            elif node["op"] in ("SparseToDense", "AddV2"):
                arrays[node["name"]] = _fold(node, arrays)
            else:
                operator = _OPERATORS.get(node["op"])
                if operator is None:
                    raise ValueError(f"{node['name']}: {node['op']} is not known here")
                made = operator(graph, node, tensors, arrays)
                tensors |= {node["name"] + (f":{i}" if i else ""): t for i, t in enumerate(made)}
        done = {id(node) for node in ready}
        waiting = [node for node in waiting if id(node) not in done]
    for source, name in outputs.items():
        graph.nodes.append(helper.make_node("Identity", [tensors[source].name], [name]))
    _drop_identities(graph)
    made_model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            model.stem,
            [helper.make_tensor_value_info(t.name, TensorProto.FLOAT, t.shape) for t in inputs],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, tensors[source].shape)
                for source, name in outputs.items()
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="passerby",
    )
    onnx.checker.check_model(made_model, full_check=True)
    return made_model


def _weights(model: Path, manifest: list[dict[str, Any]]) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for group in manifest:
        data = b"".join((model.parent / path).read_bytes() for path in group["paths"])
        offset = 0
        for weight in group["weights"]:
            stored = np.dtype(weight.get("quantization", weight)["dtype"])
            count = int(np.prod(weight["shape"]))
            values = np.frombuffer(data, stored, count, offset).reshape(weight["shape"])
            arrays[weight["name"]] = values.astype(weight["dtype"])
            offset += count * stored.itemsize
        if offset != len(data):
            raise ValueError(f"{model.name}: {len(data)} bytes of weights where {offset} are named")
    return arrays


def _sources(node: Node) -> set[str]:
    """What a node reads; a constant names itself, so that it is ready once its value is known."""
    return {node["name"]} if node["op"] == "Const" else set(node.get("input", ()))


def _fold(node: Node, arrays: dict[str, Array]) -> Array:
    """Shapes that TensorFlow computes from constants."""
    values = [arrays[name] for name in node["input"]]
    if node["op"] == "AddV2":
        return np.asarray(values[0] + values[1])
    indices, shape, filled, default = values
    dense = np.full(shape, default)
    dense[tuple(indices.T)] = filled
    return dense


def _drop_identities(graph: _Graph) -> None:
    """Let whoever makes an output make it under its own name."""
    names = {n.input[0]: n.output[0] for n in graph.nodes if n.op_type == "Identity"}
    graph.nodes = [node for node in graph.nodes if node.op_type != "Identity"]
    for node in graph.nodes:
        node.output[:] = [names.get(name, name) for name in node.output]


Operator = Callable[[_Graph, Node, dict[str, _Tensor], dict[str, Array]], list[_Tensor]]


def _pad(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    """Padding is left to the convolution or the pooling that follows."""
    x, pads = tensors[node["input"][0]], arrays[node["input"][1]]
    value = arrays[node["input"][2]] if node["op"] == "PadV2" else 0.0
    # A pooling pads with the lowest value, a convolution with nothing: each as meant here.
    if x.last or any(x.pads) or pads[:2].any() or (value != 0 and value > _LOWEST):
        raise ValueError(f"{node['name']}: a padding that cannot be left to the next operator")
    (top, bottom), (left, right) = pads[2:].tolist()
    return [replace(x, pads=(top, left, bottom, right))]


def _transpose(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    x, order = tensors[node["input"][0]], tuple(arrays[node["input"][1]].tolist())
    if (order, x.last) in ((_TO_LAST, False), (_TO_FIRST, True)):
        return [replace(x, last=not x.last)]
    if x.last or any(x.pads):
        raise ValueError(f"{node['name']}: a transposition {order} of a feature map")
    (name,) = graph.add("Transpose", [x.name], perm=order)
    return [_Tensor(name, tuple(x.shape[i] for i in order))]


def _window(node: Node, x: _Tensor, kernel: tuple[int, int]) -> tuple[list[int], tuple[int, int]]:
    """Strides of a sliding window, and the height and width of what it makes."""
    if not x.last or base64.b64decode(node["attr"]["padding"]["s"]) != b"VALID":
        raise ValueError(f"{node['name']}: only channels-last with explicit padding is known here")
    strides = [int(i) for i in node["attr"]["strides"]["list"]["i"]][1:3]
    top, left, bottom, right = x.pads
    height = (x.shape[2] + top + bottom - kernel[0]) // strides[0] + 1
    width = (x.shape[3] + left + right - kernel[1]) // strides[1] + 1
    return strides, (height, width)


def _convolution(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    x, weights = tensors[node["input"][0]], arrays[node["input"][1]]
    kernel = weights.shape[:2]
    strides, size = _window(node, x, kernel)
    if set(node["attr"]["dilations"]["list"]["i"]) != {"1"}:
        raise ValueError(f"{node['name']}: dilated convolutions are not known here")
    (name,) = graph.add(
        "Conv",
        [x.name, graph.constant(weights.transpose(3, 2, 0, 1))],
        kernel_shape=kernel,
        pads=x.pads,
        strides=strides,
    )
    return [_Tensor(name, (x.shape[0], weights.shape[3], *size), last=True)]


def _pooling(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    x = tensors[node["input"][0]]
    sizes = [int(i) for i in node["attr"]["ksize"]["list"]["i"]]
    kernel = (sizes[1], sizes[2])
    strides, size = _window(node, x, kernel)
    (name,) = graph.add("MaxPool", [x.name], kernel_shape=kernel, pads=x.pads, strides=strides)
    return [_Tensor(name, (*x.shape[:2], *size), last=True)]


def _add(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    """A bias goes into the convolution before it."""
    x = tensors[node["input"][0]]
    if node["input"][1] in tensors:
        (name,) = graph.add("Add", [x.name, tensors[node["input"][1]].name])
        return [replace(x, name=name)]
    (maker,) = (made for made in graph.nodes if x.name in made.output)
    if maker.op_type != "Conv" or len(maker.input) > 2:
        raise ValueError(f"{node['name']}: a constant is added to what no convolution made")
    maker.input.append(graph.constant(arrays[node["input"][1]]))
    return [x]


def _activation(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    x = tensors[node["input"][0]]
    slope = {"alpha": node["attr"]["alpha"]["f"]} if node["op"] == "LeakyRelu" else {}
    (name,) = graph.add(node["op"], [x.name], **slope)
    return [replace(x, name=name)]


def _concatenation(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    parts = [tensors[name] for name in node["input"][:-1]]
    if arrays[node["input"][-1]] != 1 or any(part.last for part in parts):
        raise ValueError(f"{node['name']}: only channels are joined here")
    (name,) = graph.add("Concat", [part.name for part in parts], axis=1)
    first = parts[0].shape
    return [_Tensor(name, (first[0], sum(part.shape[1] for part in parts), *first[2:]))]


def _resize(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    x, size = tensors[node["input"][0]], arrays[node["input"][1]]
    attr = node["attr"]
    if not x.last or attr["align_corners"]["b"] or not attr["half_pixel_centers"]["b"]:
        raise ValueError(f"{node['name']}: only half-pixel centres are known here")
    scales = np.array([1, 1, size[0] / x.shape[2], size[1] / x.shape[3]], np.float32)
    (name,) = graph.add(
        "Resize",
        [x.name, "", graph.constant(scales)],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    return [_Tensor(name, (*x.shape[:2], int(size[0]), int(size[1])), last=True)]


def _split(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    x = tensors[node["input"][0]]
    sizes, axis = arrays[node["input"][1]], int(arrays[node["input"][2]])
    if x.last or axis != 1:
        raise ValueError(f"{node['name']}: only channels are split here")
    names = graph.add(
        "Split", [x.name, graph.constant(sizes.astype(np.int64))], len(sizes), axis=axis
    )
    return [
        _Tensor(name, (x.shape[0], int(size), *x.shape[2:]))
        for name, size in zip(names, sizes, strict=True)
    ]


def _reshape(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    x, shape = tensors[node["input"][0]], arrays[node["input"][1]].astype(np.int64)
    if x.last:
        raise ValueError(f"{node['name']}: only channels-first is reshaped here")
    (name,) = graph.add("Reshape", [x.name, graph.constant(shape)])
    known = np.zeros(x.shape, np.bool_).reshape(shape)
    return [_Tensor(name, known.shape)]


def _identity(
    graph: _Graph, node: Node, tensors: dict[str, _Tensor], arrays: dict[str, Array]
) -> list[_Tensor]:
    return [tensors[node["input"][0]]]


_OPERATORS: dict[str, Operator] = {
    "Add": _add,
    "ConcatV2": _concatenation,
    "Conv2D": _convolution,
    "Identity": _identity,
    "LeakyRelu": _activation,
    "MaxPool": _pooling,
    "Pad": _pad,
    "PadV2": _pad,
    "Reshape": _reshape,
    "ResizeBilinear": _resize,
    "Sigmoid": _activation,
    "SplitV": _split,
    "Transpose": _transpose,
}
