"""Runs a network file: onnxruntime in the core, OpenVINO where it is installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from passerby.errors import ModelError

Tensor = NDArray[np.float32]


class Network(Protocol):
    """A loaded network with one picture as input.

    Attributes:
        input_shape: batch, channels, height, width.
        output_shapes: shape by output name; an unknown dimension is None.
    """

    input_shape: tuple[int, ...]
    output_shapes: dict[str, tuple[int | None, ...]]

    def run(self, tensor: Tensor) -> dict[str, NDArray[Any]]:
        """Outputs by name for one input tensor of ``input_shape``."""
        ...


def load_network(path: Path, threads: int = 1) -> Network:
    """Load an ONNX file or an OpenVINO ``.xml`` with its ``.bin`` beside it.

    Args:
        path: the file.
        threads: CPU threads for one inference.

    Raises:
        ModelError: missing or damaged file, unknown suffix, OpenVINO not installed.
    """
    if not path.is_file():
        raise ModelError(f"there is no model file {path}")
    match path.suffix.lower():
        case ".onnx":
            return OnnxNetwork(path, threads)
        case ".xml":
            return OpenVinoNetwork(path, threads)
    raise ModelError(f"{path.name} is neither an ONNX file (.onnx) nor an OpenVINO file (.xml)")


class OnnxNetwork:
    """A network run by onnxruntime on the CPU, with its telemetry off."""

    def __init__(self, path: Path, threads: int) -> None:
        # From 1.29 on it reports its use to its maker. Only this, set before it is first
        # imported, keeps it from that and from the number that it gives to each machine.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        onnxruntime.disable_telemetry_events()  # where another program imported it earlier

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as fault:  # onnxruntime raises its own, undocumented classes
            raise ModelError(f"{path.name} cannot be loaded as an ONNX network: {fault}") from fault
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise ModelError(f"{path.name} has {len(inputs)} inputs; one picture is expected")
        self._input = inputs[0].name
        _check_type(path, inputs[0].type.removeprefix("tensor(").removesuffix(")"))
        self.input_shape = _fixed(path, inputs[0].shape)
        self.output_shapes = {
            output.name: tuple(d if isinstance(d, int) else None for d in output.shape)
            for output in self._session.get_outputs()
        }

    def run(self, tensor: Tensor) -> dict[str, NDArray[Any]]:
        """Outputs by name."""
        values = self._session.run(None, {self._input: tensor})
        return dict(zip(self.output_shapes, values, strict=True))


class OpenVinoNetwork:
    """A network run by OpenVINO on the CPU, with its telemetry off."""

    def __init__(self, path: Path, threads: int) -> None:
        # OpenVINO's tools count their users unless this package is absent; they then fall back
        # to a stub that sends nothing.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        try:
            import openvino
        except ImportError as fault:
            raise ModelError(
                f"{path.name} needs OpenVINO: pip install 'passerby[openvino]'"
            ) from fault
        if not path.with_suffix(".bin").is_file():
            raise ModelError(f"{path.name} needs its weights beside it: {path.stem}.bin is missing")
        try:
            model = openvino.Core().compile_model(
                str(path),
                "CPU",
                {
                    "INFERENCE_NUM_THREADS": threads,
                    "NUM_STREAMS": 1,
                    "PERFORMANCE_HINT": "LATENCY",
                    # The same numbers on every machine, those with bfloat16 units included.
                    "INFERENCE_PRECISION_HINT": "f32",
                },
            )
        except RuntimeError as fault:
            raise ModelError(f"{path.name} cannot be loaded by OpenVINO: {fault}") from fault
        if len(model.inputs) != 1:
            raise ModelError(f"{path.name} has {len(model.inputs)} inputs; one picture is expected")
        _check_type(path, model.inputs[0].element_type.to_dtype().name)
        shape = model.inputs[0].partial_shape
        self.input_shape = _fixed(path, [d.get_length() if d.is_static else None for d in shape])
        self.output_shapes = {
            output.any_name: tuple(
                d.get_length() if d.is_static else None for d in output.partial_shape
            )
            for output in model.outputs
        }
        self._request = model.create_infer_request()

    def run(self, tensor: Tensor) -> dict[str, NDArray[Any]]:
        """Outputs by name."""
        self._request.infer([tensor], share_inputs=True)
        return {name: self._request.get_tensor(name).data.copy() for name in self.output_shapes}


def _check_type(path: Path, name: str) -> None:
    if name not in ("float", "float32"):
        raise ModelError(f"{path.name} takes {name} numbers; export it with a float32 input")


def _fixed(path: Path, shape: list[Any]) -> tuple[int, ...]:
    """The input shape, if it is one coloured picture of a fixed size."""
    if len(shape) != 4 or shape[1] != 3 or not all(isinstance(d, int) for d in shape[2:]):
        raise ModelError(
            f"{path.name} takes an input of shape {shape}; "
            "one picture of fixed size is expected: [1, 3, height, width]"
        )
    if shape[0] not in (1, None) and isinstance(shape[0], int):
        raise ModelError(f"{path.name} takes batches of {shape[0]}; export it for a batch of 1")
    return (1, *shape[1:])
