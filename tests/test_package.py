"""What is handed out holds what it needs and nothing that is not ours to give."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOREIGN = (".avi", ".mp4", ".jpg", ".jpeg", ".png", ".xml", ".bin", ".csv", ".sqlite")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_wheel_holds_weights_notices_and_templates(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        info = next(name for name in names if name.endswith(".dist-info/METADATA"))[:-8]
        notice = wheel.read(f"{info}licenses/NOTICE").decode()
    package = ROOT / "src" / "passerby"
    expected = {
        str(Path("passerby") / path)
        for path in (found.relative_to(package) for found in package.rglob("*") if found.is_file())
        if path.suffix != ".pyc" and not any(part.startswith(".") for part in path.parts)
    }
    assert {name for name in names if name.startswith("passerby/")} == expected
    assert {"passerby/py.typed", "passerby/report/templates/report.html.j2"} <= names
    weights = [name for name in names if name.endswith(".onnx")]
    assert len(weights) == 2
    for name in weights:
        assert Path(name).name in notice
    for said in ("RangiLyu", "Vladimir Mandic", "Star-Clouds", "Martin Drawitsch", "MIT License"):
        assert said in notice
    assert f"{info}licenses/LICENSE" in names
    others = {name for name in names if not name.startswith(("passerby/", info))}
    assert others == set()


def test_nobody_elses_data_is_handed_out(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        sources = archive.getnames()
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = sources + wheel.namelist()
    assert [name for name in names if name.lower().endswith(FOREIGN)] == []
    top = {Path(name).parts[1] for name in sources if len(Path(name).parts) > 1}
    assert {"src", "tests", "tools", "docs", "Makefile", "README.md", "LICENSE", "NOTICE"} <= top
