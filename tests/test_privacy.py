"""What a run tells: numbers about places and intervals, and nothing about who or what it saw."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any, NamedTuple

import av
import pyarrow.parquet as pq
import pytest

import confined
from canary import everything
from passerby.cli import main
from passerby.moment import Moment
from passerby.pixels.watch import moments
from passerby.store.unfinished import UnfinishedRun

PYTHON = (sys.executable, "-m", "passerby")
COLUMNS = (
    *("site", "camera", "place", "kind", "class", "direction", "start", "seconds"),
    *("value", "n", "unit", "coverage"),
)
# As cameras and telephones write it.
METADATA = {
    "title": "Rosebud at the door",
    "artist": "Kowalski, flat 12",
    "location": "+60.1699+024.9384/",
    "comment": "token=hunter2",
    "make": "Obscura Optics",
    "model": "OO-7741",
}


class Left(NamedTuple):
    """What a run left: its folder, its exit status, and all that it said."""

    folder: Path
    status: int
    said: str


@pytest.fixture(scope="module")
def clip(shared: Path) -> Path:
    return shared / "data" / "tfl_jamcam" / "clip5.mp4"


@pytest.fixture(scope="module")
def left(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A run over a recording that tells much about itself and is cut off."""
    folder = tmp_path_factory.mktemp("told")
    video = folder / "kept.mkv"
    with av.open(str(clip)) as old, av.open(str(video), "w") as new:
        new.metadata.update(METADATA)
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    with av.open(str(video)) as file:
        told = {name.lower(): value for name, value in file.metadata.items()}
    assert told.items() >= METADATA.items()
    whole = video.read_bytes()
    video.write_bytes(whole[: len(whole) * 2 // 3])
    out = folder / "out"
    command = [*PYTHON, "count", str(video), "--analyse-fps", "4", "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return Left(out, ended.returncode, ended.stdout + ended.stderr)


# What leaves


def test_nothing_tells_the_metadata_of_the_file(left: Left) -> None:
    assert left.status == 3, left.said
    contents = [left.said.encode(), *(data for _, data in everything([left.folder]))]
    for name, value in METADATA.items():
        assert not [data for data in contents if value.encode() in data], name


def test_a_row_is_about_a_place_and_an_interval(left: Left) -> None:
    with (left.folder / "measurements.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS
    names = pq.read_schema(left.folder / "measurements.parquet").names
    assert tuple(names) == (*COLUMNS, "histogram")


def test_the_store_has_no_other_columns(tmp_path: Path) -> None:
    UnfinishedRun(tmp_path, "fingerprint", UTC)
    (file,) = tmp_path.iterdir()
    with closing(sqlite3.connect(file)) as database:
        found = database.execute(
            "select t.name, c.name from sqlite_master t, pragma_table_info(t.name) c "
            "where t.type = 'table'"
        ).fetchall()
    own = {("run", name) for name in ("fingerprint", "since", "closed_until")}
    rows = {("measurements", name) for name in (*COLUMNS, "histogram") if name != "unit"}
    assert set(found) == own | rows


def test_the_summary_holds_no_boxes_and_no_ids(left: Left) -> None:
    summary = json.loads((left.folder / "summary.json").read_text("utf-8"))
    assert set(summary) == {
        *("version", "site", "camera", "timezone", "clock", "start", "end", "frame", "shapes"),
        *("totals", "ground", "coverage", "model", "settings", "unread", "notes"),
    }
    assert {key for total in summary["totals"] for key in total} == {
        *("place", "kind", "class", "direction", "value", "n", "unit", "coverage"),
    }
    assert set(summary["unread"]) == {"frames", "seconds", "reasons"}
    assert summary["unread"]["reasons"]
    # The only rows of numbers are the corners that somebody drew.
    del summary["shapes"]
    assert list(_lists_of_numbers(summary)) == []


def _lists_of_numbers(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, dict):
        value = list(value.values())
    elif isinstance(value, list) and any(isinstance(item, int | float) for item in value):
        yield value
    if isinstance(value, list):
        for item in value:
            yield from _lists_of_numbers(item)


def test_what_is_said_holds_no_boxes_and_no_ids(left: Left) -> None:
    assert "Counting: 100%" not in left.said  # it is cut off
    assert not re.search(r"\b(ids?|box(es)?|tracks?)\b", left.said, re.IGNORECASE)
    assert not re.search(r"[\[(]\s*-?\d[\d.]*,", left.said)  # no array, no tuple of numbers


def test_ids_start_anew_in_every_run(clip: Path) -> None:
    def run() -> list[Moment]:
        return list(moments(clip, analyse_fps=2))

    first, second = run(), run()
    ids = [moment.ids.tolist() for moment in first]
    assert min(number for some in ids for number in some) == 1
    assert ids == [moment.ids.tolist() for moment in second]


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://kowalski:hunter2@camera.example/1",
        "RTSP://kowalski:hunter2@camera.example/1",
        "https://kowalski:hunter2@example.com/street.mp4?token=hunter2",
        "rtsp+tls://kowalski:hunter2@camera.example/1",
    ],
)
@pytest.mark.parametrize("named", ["as argument", "in a site file"])
def test_an_error_shows_no_password(
    source: str, named: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = [source]
    if named == "in a site file":
        site = tmp_path / "site.yaml"
        site.write_text(f"site: Square\ncameras: {{north: {{source: '{source}'}}}}\n", "utf-8")
        arguments = ["--site", str(site)]
    status = main(["count", *arguments, "--out", str(tmp_path / "out")])
    said = "".join(capfd.readouterr())
    assert status == 2
    assert "give files" in said
    assert "hunter2" not in said
    assert "kowalski" not in said


# No network


def test_counting_needs_no_network(clip: Path, tmp_path: Path) -> None:
    alone = ("unshare", "--net", "--map-root-user")
    if not _works(*alone):
        pytest.skip("this system does not let a process give up its network (unshare --net)")
    _count(clip, tmp_path, under=alone)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_counting_asks_for_no_network(
    runtime: str, clip: Path, shared: Path, tmp_path: Path
) -> None:
    """Not even in a library that would be content without an answer."""
    pytest.importorskip(runtime)
    if not _works("strace"):
        pytest.skip("strace, which sees every socket, is not installed or not allowed here")
    name = "person-vehicle-bike-detection-2004"
    model = shared / "models" / name / "FP16-INT8" / f"{name}.xml"
    trace = tmp_path / "trace"
    _count(
        clip,
        tmp_path,
        *(("--model", str(model)) if runtime == "openvino" else ()),
        under=("strace", "--follow-forks", "--trace=%network", "--output", str(trace)),
    )
    calls = trace.read_text("utf-8").splitlines()
    assert any("exited with 0" in line for line in calls)
    assert [line for line in calls if re.search(r" (socket|connect|send\w*)\(", line)] == []


def _works(*command: str) -> bool:
    if not shutil.which(command[0]):
        return False
    return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0


def _count(clip: Path, folder: Path, *options: str, under: tuple[str, ...]) -> None:
    # Told to be half as long as it is.
    command = [*under, *PYTHON, "count", str(clip), "--fps", "50", "--analyse-fps", "2", *options]
    command += ["--out", str(folder / "out")]
    # Some libraries send less where they know that it is a test.
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment["HOME"] = str(folder / "home")
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (folder / "out" / "report.html").is_file()
    assert not (folder / "home").exists()


def test_confinement_confines(tmp_path: Path) -> None:
    """What tests/test_canary.py rests on: every way out is closed, and inside it is open."""
    inside, outside = tmp_path / "inside", tmp_path.parent / "outside"
    code = f"""
import pathlib, socket, sqlite3, subprocess
import confined
outside = {str(outside)!r}
confined.confine(pathlib.Path({str(tmp_path)!r}))
attempts = [
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: socket.getaddrinfo("example.com", 80),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    lambda: subprocess.run(["true"]),
    lambda: open(outside, "w"),
    lambda: pathlib.Path(outside).mkdir(),
    lambda: sqlite3.connect(outside),
]
for attempt in attempts:
    try:
        attempt()
    except PermissionError as error:
        assert "allowed" in str(error) or "not in" in str(error)
    else:
        raise SystemExit("not refused")
pathlib.Path({str(inside)!r}).write_text("x")
"""
    environment = os.environ | {"PYTHONPATH": str(Path(confined.__file__).parent)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert ended.returncode == 0, ended.stderr
    assert inside.is_file()
    assert not outside.exists()
