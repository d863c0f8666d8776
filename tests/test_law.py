"""The law of the house is enforced, and each enforcement is seen to bite."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "passerby"
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONTRACTS = {c["id"]: c for c in SETTINGS["tool"]["importlinter"]["contracts"]}
ROOMS = {
    f"passerby.{path.stem}"
    for path in PACKAGE.iterdir()
    if (path.suffix == ".py" or (path / "__init__.py").is_file()) and path.stem[0] != "_"
}
# What may open a room, or the network, and so is missing among those that a contract binds.
FREE = {
    "pixels": {"passerby.pixels"},
    "openers": {"passerby.pixels", "passerby.counting", "passerby.grounding", "passerby.cli"},
    "network": {"passerby.download"},
}
ENCODERS = {"imencode", "imencodemulti", "imwrite", "imwritemulti", "imwriteanimation"}
RECORDERS = {"VideoWriter", "save", "tofile", "add_stream", "add_stream_from_template"}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the package in ``folder``/src."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
    )


def _calls() -> Iterator[tuple[Path, str, ast.Call]]:
    """Every call in the package: its file below it, and the last name of what is called."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = getattr(called, "attr", getattr(called, "id", ""))
                yield path.relative_to(PACKAGE), name, node


def _dependencies(name: str, seen: dict[str, str]) -> dict[str, str]:
    """What is installed with ``name`` without extras, and the licences it states."""
    found = distribution(name)
    if found.name.lower() not in seen:
        facts = found.metadata
        # The older field may hold a whole text, with the terms of what its wheel bundles.
        stated = [facts["License-Expression"] or "", *(facts["License"] or "").split("\n")[:1]]
        stated += [c for c in facts.get_all("Classifier") or [] if c.startswith("License")]
        seen[found.name.lower()] = " | ".join(stated)
        for text in found.requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                _dependencies(needed.name, seen)
    return seen


# Imports


def test_import_contracts_are_kept() -> None:
    ended = _lint(ROOT)
    assert ended.returncode == 0, ended.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in ended.stdout


@pytest.mark.parametrize("contract", FREE)
def test_contracts_bind_every_room(contract: str) -> None:
    assert set(CONTRACTS[contract]["source_modules"]) == ROOMS - FREE[contract]


def test_contracts_bite(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "src" / "passerby")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = {
        "measurement.py": "import cv2",
        "report/words.py": "import passerby.pixels.views",
        "store/schema.py": "from passerby.moment import Moment",
        "tracker/__init__.py": "import urllib.request",
        "site.py": "import passerby.counting",
    }
    for file, line in planted.items():
        path = tmp_path / "src" / "passerby" / file
        path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")
    ended = _lint(tmp_path)
    assert ended.returncode != 0
    kept = [c["name"] for c in CONTRACTS.values() if f"{c['name']} KEPT" in ended.stdout]
    assert kept == []


@pytest.mark.parametrize("line", ["import passerby", "import passerby.cli", "import passerby.site"])
def test_importing_loads_no_code_that_sees(line: str) -> None:
    code = f"import sys\n{line}\nprint(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.split())
    assert "passerby" in loaded
    assert not loaded & {"cv2", "av", "onnxruntime", "openvino", "PIL", "passerby.pixels"}


# Pictures


def test_a_picture_becomes_bytes_in_one_place() -> None:
    found = [(str(path), name) for path, name, _ in _calls() if name in ENCODERS | RECORDERS]
    assert found == [("pixels/redaction.py", "imencode")]


def test_a_redacted_image_is_made_in_one_place() -> None:
    found = [str(path) for path, name, _ in _calls() if name == "RedactedImage"]
    assert found == ["pixels/redaction.py"]


def test_videos_are_only_read() -> None:
    opened = [node for _, _, node in _calls() if ast.unparse(node.func) == "av.open"]
    assert opened
    for node in opened:
        assert len(node.args) == 1, "the second would be the mode"
        assert "mode" not in {keyword.arg for keyword in node.keywords}


def test_the_networks_find_and_do_not_recognise() -> None:
    """Another network or package is a decision that somebody takes with the law at hand."""
    weights = sorted(path.name for path in (PACKAGE / "pixels" / "weights").iterdir())
    assert weights == ["centerface_640x480.onnx", "nanodet_g_416_int8.onnx"]
    needed = {Requirement(text).name for text in SETTINGS["project"]["dependencies"]}
    assert needed == {
        "av",
        "jinja2",
        "numpy",
        "onnxruntime",
        "opencv-python-headless",
        "platformdirs",
        "pyarrow",
        "pydantic",
        "pyyaml",
        "rich",
        "ruamel.yaml",
        "scipy",
        "shapely",
        "sqlalchemy",
        "typer",
        "tzdata",
        "xlsxwriter",
    }


# Licences


def test_no_dependency_is_under_the_gpl() -> None:
    licences = _dependencies("passerby", {})
    assert len(licences) > 16
    unknown = [name for name, stated in licences.items() if not stated.strip(" |")]
    assert unknown == []
    copyleft = re.compile(r"\bA?GPL|(?<!Lesser )General Public|Affero", re.IGNORECASE)
    assert {n: s for n, s in licences.items() if copyleft.search(s)} == {}
