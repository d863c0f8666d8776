"""No picture of a person gets out: a pattern that one wears is nowhere in what a run leaves."""

from __future__ import annotations

import base64
import gzip
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import canary
import confined
from canary import PATTERN, PERSON, PLACE, Picture, leaks, pictures, worn
from passerby.pixels.redaction import FLAT

FOLDERS = ("out", "home", "temp", "cache")
RESULTS = {"measurements.csv", "measurements.parquet", "counts.xlsx", "summary.json", "report.html"}
UNFINISHED = ".unfinished.sqlite"


class Ended(NamedTuple):
    """How a run ended, and what it said."""

    status: int
    said: str


@pytest.fixture(scope="module")
def film(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = shared / "data" / "pets2009" / "pets09_s2l1_view001.avi"
    return canary.film(clip, tmp_path_factory.mktemp("film") / "film.mkv")


@pytest.fixture(scope="module")
def results(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a run that found her in every frame."""
    folder = tmp_path_factory.mktemp("run")
    ended = run(film, folder)
    assert ended.status == 0, ended.said
    return folder


def run(film: Path, folder: Path, *, every: int = 1, stop: signal.Signals | None = None) -> Ended:
    """Count the film with all that is written below a folder.

    Args:
        film: of :mod:`canary`.
        folder: for results, home, temporary files and cache.
        every: in every so many frames she is found; 0 for none.
        stop: sent when a minute of the film is counted and kept.
    """
    home, temp, cache = (folder / name for name in FOLDERS[1:])
    temp.mkdir(exist_ok=True)
    # Not what else is set here: some libraries send less where they know that it is a test.
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environment |= {
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "TMPDIR": str(temp),
        "XDG_CACHE_HOME": str(cache),
        "PASSERBY_CACHE": str(cache),
    }
    command = [sys.executable, confined.__file__, str(folder), str(every), "count", str(film)]
    command += ["--interval", "60s", "--out", str(folder / "out")]
    with subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if stop and re.match(r"Counting: 9\d%", line):
                process.send_signal(stop)
                stop = None
    return Ended(process.returncode, "".join(said))


def searched(folder: Path) -> list[Path]:
    return [folder / name for name in FOLDERS]


def left(folder: Path) -> set[str]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def rows_kept(folder: Path) -> int:
    """How many rows an unfinished run has in its store."""
    with closing(sqlite3.connect(folder / "out" / UNFINISHED)) as database:
        (count,) = database.execute("select count(*) from measurements").fetchone()
    return int(count)


def street(folder: Path) -> Picture:
    """The one picture that a finished run leaves."""
    (picture,) = pictures(searched(folder))
    return picture


# The search finds what it is meant to find


def test_the_film_holds_every_byte_of_the_pattern(film: Path) -> None:
    capture = cv2.VideoCapture(str(film))
    ok, frame = capture.read()
    assert ok
    assert np.array_equal(worn(np.asarray(frame, np.uint8)), frame)
    assert sum(row in frame.tobytes() for row in canary.rows()) >= 8


def _as(kind: str, picture: Picture) -> bytes:
    return bytes(cv2.imencode(f".{kind}", picture)[1])  # noqa: TID251


def _frame() -> Picture:
    noise = np.random.default_rng(1).integers(0, 256, (canary.HEIGHT, canary.WIDTH, 3), np.uint8)
    return worn(np.asarray(cv2.GaussianBlur(noise, (0, 0), 5), np.uint8))


def _crop(margin: int = 10) -> Picture:
    x1, y1, x2, y2 = PERSON
    return _frame()[y1 - margin : y2, x1 - margin : x2 + margin]


def _smaller(width: int) -> Picture:
    frame = _frame()
    size = (width, width * canary.HEIGHT // canary.WIDTH)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _append(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as opened:
        opened.write(data)


def _into_store(out: Path, value: object) -> None:
    with closing(sqlite3.connect(out / UNFINISHED)) as database, database:
        database.execute("create table frames (number integer, picture blob)")
        database.execute("insert into frames values (1, ?)", (value,))


def _into_html(out: Path, picture: bytes) -> None:
    uri = b"data:image/jpeg;base64," + base64.b64encode(picture)
    page = out / "report.html"
    page.write_bytes(page.read_bytes().replace(b"</body>", b"<img src='" + uri + b"'></body>"))


def _into_archive(file: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)


def _into_parquet(file: Path) -> None:
    column = pa.array([row.tobytes() for row in _crop()], pa.binary())
    pq.write_table(pa.table({"row": column}), file, compression="zstd")


def _ghost(folder: Path) -> Picture:
    """She shines faintly through the street, as through a median or mean of too few pictures."""
    shown = street(folder)
    size = shown.shape[1::-1]
    there = np.asarray(cv2.resize(_frame(), size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.addWeighted(shown, 0.85, there, 0.15, 0), np.uint8)


PLANTS: dict[str, Callable[[Path], object]] = {
    "three raw rows in a forgotten file": lambda folder: _append(
        folder / "temp" / "x.tmp", b"\0" * 999 + _crop()[80:83].tobytes() + b"\0" * 999
    ),
    "a raw frame in grey": lambda folder: _append(
        folder / "cache" / "frame", cv2.cvtColor(_frame(), cv2.COLOR_BGR2GRAY).tobytes()
    ),
    "a raw frame as a decoder gives it": lambda folder: _append(
        folder / "cache" / "frame",
        av.VideoFrame.from_ndarray(_frame(), format="bgr24").to_ndarray(format="yuv420p").tobytes(),
    ),
    "a raw frame of the width of the street": lambda folder: _append(
        folder / "temp" / "frame.npy",
        cv2.resize(_frame(), (640, 480), interpolation=cv2.INTER_LINEAR).tobytes(),
    ),
    "a raw frame, compressed": lambda folder: _append(
        folder / "temp" / "frame.gz", gzip.compress(_frame().tobytes())
    ),
    "numbers in a text": lambda folder: _append(
        folder / "out" / "summary.json", str(_crop().reshape(-1).tolist()).encode()
    ),
    "her as PNG": lambda folder: _append(
        folder / "home" / ".cache" / "thumbnail", _as("png", _crop())
    ),
    "her as JPEG": lambda folder: _append(folder / "out" / "her.jpg", _as("jpg", _crop())),
    "her as JPEG, cut off": lambda folder: _append(
        folder / "out" / ".her.jpg.part", _as("jpg", _crop())[:-500]
    ),
    "her as WebP": lambda folder: _append(folder / "out" / "her.webp", _as("webp", _crop())),
    "her as BMP": lambda folder: _append(folder / "temp" / "her", _as("bmp", _crop(40))),
    "a frame as PNG, 640 wide": lambda folder: _append(
        folder / "temp" / "street.png", _as("png", _smaller(640))
    ),
    "a frame as JPEG, 320 wide": lambda folder: _append(
        folder / "temp" / "street.jpg", _as("jpg", _smaller(320))
    ),
    "a frame in the report": lambda folder: _into_html(folder / "out", _as("jpg", _smaller(640))),
    "a ghost in the report": lambda folder: _into_html(folder / "out", _as("jpg", _ghost(folder))),
    "her in the workbook": lambda folder: _into_archive(
        folder / "out" / "counts.xlsx", "xl/media/image1.png", _as("png", _crop())
    ),
    "her in the store": lambda folder: _into_store(folder / "out", _as("png", _frame())),
    "raw rows in the store": lambda folder: _into_store(folder / "out", _crop().tobytes()),
    "her in the store as text": lambda folder: _into_store(
        folder / "out", base64.b64encode(_as("jpg", _crop())).decode()
    ),
    "raw rows in the table": lambda folder: _into_parquet(folder / "out" / "rows.parquet"),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_leak_is_found(plant: str, results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(results, folder)
    before = {name: (folder / name).read_bytes() for name in left(folder)}
    PLANTS[plant](folder)
    (touched,) = (n for n in left(folder) if before.get(n) != (folder / n).read_bytes())
    found = leaks(searched(folder))
    assert found
    assert all(touched.endswith(line.split(",")[0].split(":")[0]) for line in found)


# And finds nothing


def test_who_is_found_in_every_frame_is_nowhere(results: Path) -> None:
    assert leaks(searched(results)) == []
    # No cache, no temporary file, no number of this machine in a home folder.
    assert left(results) == {f"out/{name}" for name in RESULTS}


def test_what_the_street_shows_is_a_street(results: Path) -> None:
    """A report without a picture would hold no leak either."""
    shown = street(results)
    assert shown.shape == (480, 640, 3)
    flat = np.abs(shown.astype(int) - FLAT).max(axis=2) <= 10
    assert flat.mean() < 0.6
    x, y = (round(side * 640 / canary.WIDTH) for side in PLACE)
    height, width = (round(side * 640 / canary.WIDTH) for side in PATTERN.shape[:2])
    assert flat[y : y + height, x : x + width].mean() > 0.99


def test_whom_only_the_closer_look_finds_is_nowhere(film: Path, tmp_path: Path) -> None:
    ended = run(film, tmp_path, every=0)
    assert ended.status == 0, ended.said
    assert leaks(searched(tmp_path)) == []
    assert len(pictures(searched(tmp_path))) == 1


def test_who_is_seldom_found_is_nowhere_after_an_interruption_and_at_the_end(
    film: Path, tmp_path: Path
) -> None:
    ended = run(film, tmp_path, every=10, stop=signal.SIGINT)
    assert ended.status == 130, ended.said
    assert rows_kept(tmp_path) > 0
    assert leaks(searched(tmp_path)) == []
    ended = run(film, tmp_path, every=10)
    assert ended.status == 0, ended.said
    assert leaks(searched(tmp_path)) == []
    assert len(pictures(searched(tmp_path))) == 1
    assert left(tmp_path) == {f"out/{name}" for name in RESULTS}


def test_a_killed_run_leaves_nothing_of_her(film: Path, tmp_path: Path) -> None:
    ended = run(film, tmp_path, stop=signal.SIGKILL)
    assert ended.status == -signal.SIGKILL
    assert rows_kept(tmp_path) > 0
    assert leaks(searched(tmp_path)) == []
