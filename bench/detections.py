"""What a detector sees in a clip: computed once, then read from a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from clips import Clip
from passerby.models import find
from passerby.moment import Detections
from passerby.pixels import detector as detector_code
from passerby.pixels import families as family_code
from passerby.pixels import network as network_code
from passerby.pixels import picture as picture_code
from passerby.pixels.detector import Detector
from passerby.pixels.video import Recording

_CODE = (detector_code, family_code, network_code, picture_code)


def models_at_hand(shared: Path, every: bool = False) -> dict[str, Path | None]:
    """Detectors by short name, as :meth:`passerby.pixels.detector.Detector.load` takes them.

    Args:
        shared: the folder of real data and model files.
        every: with those that Passerby does not offer, too.
    """
    name = "person-vehicle-bike-detection-2004"
    models: dict[str, Path | None] = {"embedded": None}
    path = shared / "models" / name / "FP16-INT8" / f"{name}.xml"
    if path.is_file():
        models["pvb-2004"] = path
    path = shared / "models" / "yolox_nano_416.onnx"
    if every and path.is_file():
        models["yolox-nano"] = path
    return models


def detect(clip: Clip, model: Path | None, cache: Path | None = None) -> list[Detections]:
    """The boxes in every frame of a clip, doubtful ones too.

    Args:
        clip: whose frames to look at.
        model: as ``--model`` takes it.
        cache: a folder that keeps boxes for the next run. What is kept is found again by the
            model file and the code that reads it.
    """
    kept = None if cache is None else cache / f"{clip.name}-{_mark(model)}.npz"
    if kept is not None and kept.is_file():
        with np.load(kept) as file:
            return _split(file["counts"], Detections(file["boxes"], file["scores"], file["codes"]))
    detector = Detector.load(model)
    recording = Recording(clip.video, fps=clip.rate)
    found = [detector.detect([frame])[0] for frame in recording.frames()]
    if len(found) != clip.frames:
        raise SystemExit(f"{clip.video.name} has {len(found)} frames, not {clip.frames}")
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            kept,
            counts=[len(one) for one in found],
            boxes=np.concatenate([one.boxes for one in found]),
            scores=np.concatenate([one.scores for one in found]),
            codes=np.concatenate([one.codes for one in found]),
        )
    return found


def _mark(model: Path | None) -> str:
    """A short name of everything that decides what is detected."""
    weights = find(model)[1]
    code = [Path(str(module.__file__)) for module in _CODE]
    files = [*sorted(weights.parent.glob(f"{weights.stem}.*")), *code]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files))
    return f"{weights.stem}-{digest.hexdigest()[:10]}"


def _split(counts: np.ndarray, every: Detections) -> list[Detections]:
    ends = np.cumsum(counts)
    return [every[np.arange(end - count, end)] for end, count in zip(ends, counts, strict=True)]
