"""Detectors find people, and a file that is none is refused in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from passerby.errors import ModelError
from passerby.geometry import areas, intersections
from passerby.moment import CLASSES, Detections
from passerby.pixels.detector import FLOOR, Detector
from passerby.pixels.families import BoxesLabels, Family, NanoDet, YoloX, recognise
from passerby.pixels.network import load_network
from passerby.pixels.picture import Still
from passerby.pixels.video import Recording

OMZ = "models/person-vehicle-bike-detection-2004"
MODELS = {
    "nanodet": "models/nanodet_g_416_int8.onnx",
    "yolox": "models/yolox_nano_416.onnx",
    "omz": f"{OMZ}/FP16-INT8/person-vehicle-bike-detection-2004.xml",
}
FRAMES = (0, 200, 400, 600)


@pytest.fixture(scope="module")
def scene(shared: Path) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """A few pictures of the PETS clip and the boxes of the people in them."""
    truth = np.loadtxt(shared / "data/pets2009/gt.txt", delimiter=",")
    pictures = []
    for frame in Recording(shared / "data/pets2009/pets09_s2l1_view001.avi", fps=7).frames():
        if frame.index in FRAMES:
            rows = truth[truth[:, 0] == frame.index + 1]
            corner, size = rows[:, 2:4] - 1, rows[:, 4:6]
            pictures.append((frame.image, np.concatenate([corner, corner + size], axis=1)))
        if frame.index == FRAMES[-1]:
            break
    return pictures


@pytest.mark.parametrize("family", MODELS)
def test_people_are_found_where_they_are(shared: Path, scene: Any, family: str) -> None:
    if family == "omz":
        pytest.importorskip("openvino")
    detector = Detector.load(shared / MODELS[family])
    assert detector.model.family == family
    hits = false = people = 0
    found = detector.detect([picture for picture, _ in scene], detector.model.threshold)
    for detections, (picture, truth) in zip(found, scene, strict=True):
        persons = detections[detections.classes == "person"].boxes
        shared_area = intersections(persons, truth)
        overlap = shared_area / (areas(persons)[:, None] + areas(truth) - shared_area)
        hits += int((overlap.max(axis=0) > 0.5).sum())
        false += int((overlap.max(axis=1) < 0.3).sum())
        people += len(truth)
        height, width = picture.shape[:2]
        assert np.all(detections.boxes >= 0)
        assert np.all(detections.boxes <= [width, height, width, height])
    assert people > 15
    assert hits >= 0.95 * people
    assert false <= len(scene)  # one post that looks like a person


def test_the_embedded_default_needs_nothing_but_the_package() -> None:
    detector = Detector.load()
    black, grey = np.zeros((60, 80, 3), np.uint8), np.full((1, 1, 3), 99, np.uint8)
    for found in detector.detect([black, grey]):
        assert isinstance(found, Detections)
        assert np.all(found.scores >= FLOOR)
    assert detector.detect([]) == []
    assert set(detector.model.classes) == set(CLASSES) - {"vehicle"}


def test_both_runtimes_say_the_same(shared: Path) -> None:
    openvino = pytest.importorskip("openvino")
    path = shared / "models/nanodet_g_416.onnx"
    network = load_network(path)
    tensor = np.random.default_rng(0).normal(size=network.input_shape).astype(np.float32)
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    other = openvino.Core().compile_model(str(path), "CPU", settings)(tensor)
    for name, value in network.run(tensor).items():
        assert np.allclose(value, other[name], atol=1e-2), name


@settings(deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000))
def test_boxes_come_back_to_the_picture(width: int, height: int) -> None:
    picture = np.broadcast_to(np.uint8(7), (height, width, 3))
    size = (64, 32)
    families: list[Family] = [
        NanoDet(size, {}),
        YoloX(size, {"output": (1, 42, 85)}),
        BoxesLabels(size, {}),
    ]
    for family in families:
        tensor, place = family.prepare(Still(picture))
        assert tensor.shape == (1, 3, size[1], size[0])
        assert tensor.dtype == np.float32
        inside = np.array([[place.left, place.top, place.left, place.top]], np.float64)
        inside[0, 2:] += [width * place.scale_x, height * place.scale_y]
        assert np.allclose(place.to_picture(inside), [[0, 0, width, height]])
        assert inside[0, 2] <= size[0] + 1
        assert inside[0, 3] <= size[1] + 1


def tiny(
    path: Path,
    outputs: dict[str, list[Any]],
    shape: Any = (1, 3, 64, 64),
    inputs: int = 1,
    kind: int = TensorProto.FLOAT,
) -> Path:
    """An ONNX file of constant outputs, some with open dimensions."""
    nodes, values = [], []
    for name, dims in outputs.items():
        zeros = np.zeros([d if isinstance(d, int) else 1 for d in dims], np.float32)
        nodes.append(
            helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(zeros))
        )
        values.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, dims))
    pictures = [helper.make_tensor_value_info(f"in{i}", kind, shape) for i in range(inputs)]
    graph = helper.make_graph(nodes, "tiny", pictures, values)
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


NANODET = {f"{kind}{s}": [1, (64 // s) ** 2, n] for s in (8, 16, 32) for kind, n in
           (("cls", 80), ("reg", 44))}  # fmt: skip


@pytest.mark.parametrize(
    ("outputs", "family"),
    [
        (NANODET, "nanodet"),
        ({"output": [1, 84, 85]}, "yolox"),
        ({"boxes": ["N", 5], "labels": ["N"]}, "omz"),
        ({"labels": [100], "boxes": [100, 5]}, "omz"),
    ],
)
def test_a_family_is_known_by_its_shapes(
    tmp_path: Path, outputs: dict[str, list[Any]], family: str
) -> None:
    path = tiny(tmp_path / "any name.onnx", outputs)
    assert recognise(load_network(path), path.name).name == family
    assert Detector.load(path).detect([np.zeros((48, 48, 3), np.uint8)])[0].boxes.shape == (0, 4)


@pytest.mark.parametrize(
    "outputs",
    [
        {"output0": [1, 84, 8400]},
        {"output": [1, 84, 86]},
        {"boxes": [100, 4], "labels": [100]},
        {"a": [], "b": ["x", "y", "z"]},
        NANODET | {"more": [1, 2]},
    ],
)
def test_a_network_of_no_family_is_told_what_was_found_and_expected(
    tmp_path: Path, outputs: dict[str, list[Any]]
) -> None:
    path = tiny(tmp_path / "mine.onnx", outputs)
    with pytest.raises(ModelError) as caught:
        Detector.load(path)
    message = str(caught.value)
    assert "mine.onnx fits no family" in message
    assert "input 64x64" in message
    for name in outputs:
        assert name in message
    for known in ("NanoDet", "YOLOX", "Open Model Zoo"):
        assert known in message


@pytest.mark.parametrize(
    ("shape", "inputs", "why"),
    [
        ((1, 3, "h", "w"), 1, "fixed size"),
        ((1, 1, 64, 64), 1, "fixed size"),
        ((64, 64), 1, "fixed size"),
        ((4, 3, 64, 64), 1, "batches of 4"),
        ((1, 3, 64, 64), 2, "has 2 inputs"),
    ],
)
def test_an_input_that_is_not_one_picture_is_refused(
    tmp_path: Path, shape: Any, inputs: int, why: str
) -> None:
    with pytest.raises(ModelError, match=why):
        Detector.load(tiny(tmp_path / "in.onnx", {"output": [1, 84, 85]}, shape, inputs))


def test_an_input_of_other_numbers_is_refused(tmp_path: Path) -> None:
    path = tiny(tmp_path / "in.onnx", {"output": [1, 84, 85]}, kind=TensorProto.UINT8)
    with pytest.raises(ModelError, match="takes uint8 numbers"):
        Detector.load(path)


def test_damaged_files_are_refused(tmp_path: Path, shared: Path) -> None:
    good = (shared / MODELS["nanodet"]).read_bytes()
    for name, data in {
        "empty.onnx": b"",
        "text.onnx": b"<html>not found</html>",
        "cut.onnx": good[: len(good) // 2],
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelError, match=name):
            Detector.load(tmp_path / name)


def test_damaged_openvino_files_are_refused(tmp_path: Path, shared: Path) -> None:
    pytest.importorskip("openvino")
    good = (shared / MODELS["omz"]).with_suffix("")
    xml, weights = (good.with_suffix(s).read_bytes() for s in (".xml", ".bin"))
    for name, data in {"text": (b"hello", b""), "cut": (xml, weights[:1000])}.items():
        path = tmp_path / f"{name}.xml"
        path.write_bytes(data[0])
        path.with_suffix(".bin").write_bytes(data[1])
        with pytest.raises(ModelError, match=f"{name}.xml"):
            Detector.load(path)
    (tmp_path / "alone.xml").write_bytes(xml)
    with pytest.raises(ModelError, match=r"alone\.bin"):
        Detector.load(tmp_path / "alone.xml")


def test_without_openvino_its_files_say_how_to_get_it(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match=r"pip install 'passerby\[openvino\]'"):
        Detector.load(shared / MODELS["omz"])


def test_openvino_counts_nobody(shared: Path) -> None:
    """Its telemetry is not even imported, and no socket is opened."""
    pytest.importorskip("openvino")
    program = f"""
import socket, sys
def refuse(*args, **options):
    raise SystemExit("a socket was opened")
socket.socket.connect = socket.getaddrinfo = refuse
import numpy as np
from passerby.pixels.detector import Detector
Detector.load({str(shared / MODELS["omz"])!r}).detect([np.zeros((48, 48, 3), np.uint8)])
assert not any(name.startswith("openvino_telemetry.") for name in sys.modules)
assert sys.modules.get("openvino_telemetry") is None
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
