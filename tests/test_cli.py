"""The command line: what it is told, what it says, and with which status it ends."""

from __future__ import annotations

import csv
import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import passerby
import report_samples
from passerby.cli import main
from passerby.cli.count import parse_interval
from passerby.cli.results import show
from passerby.errors import PasserbyError
from passerby.report.street import direction
from passerby.report.tally import line_series, tally
from passerby.report.words import rounded

FILES = {"measurements.csv", "measurements.parquet", "counts.xlsx", "summary.json", "report.html"}
PYTHON = (sys.executable, "-m", "passerby")
WEIGHTS = Path(passerby.__file__).parent / "pixels" / "weights"


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs ``passerby`` with arguments, in an empty folder and with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PASSERBY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: str | Path) -> Ended:
        capfd.readouterr()
        return Ended(main([str(argument) for argument in arguments]), *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def film(shared: Path) -> list[av.VideoFrame]:
    """The first frames of the PETS clip."""
    with av.open(next((shared / "data" / "pets2009").glob("*.avi"))) as whole:
        return list(itertools.islice(whole.decode(video=0), 70))


def write(path: Path, frames: Iterable[av.VideoFrame], rate: int = 7) -> Path:
    with av.open(path, "w") as file:
        stream = file.add_stream("mpeg4", rate=rate)
        stream.width, stream.height = 768, 576
        stream.bit_rate = 4_000_000
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def read(folder: Path) -> list[dict[str, str]]:
    with (folder / "measurements.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# What it is told


@given(st.integers(1, 100_000), st.sampled_from("smh"))
def test_an_interval_is_at_least_a_minute_and_divides_an_hour_or_is_refused(
    number: int, unit: str
) -> None:
    seconds = number * {"s": 1, "m": 60, "h": 3600}[unit]
    if seconds >= 60 and 3600 % seconds == 0:
        assert parse_interval(f"{number}{unit}") == seconds
    else:
        with pytest.raises(PasserbyError, match=f"--interval {number}{unit}: "):
            parse_interval(f"{number}{unit}")


@pytest.mark.parametrize("text", ["", "15", "m", "1.5h", "-15m", "15 min", "1h30m"])
def test_an_interval_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(PasserbyError, match="such as 15m"):
        parse_interval(text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("count", "none.mp4"), "none.mp4"),
        (("count", "broken.mp4"), "broken.mp4"),
        (("count", "broken.mp4", "--interval", "7m"), "--interval 7m"),
        (("count", "broken.mp4", "--start", "yesterday"), "--start yesterday"),
        (("count", "broken.mp4", "--line", "gate=0.1,0.2,5,6"), "gate=0.1,0.2,5,6"),
        (("count", "broken.mp4", "--zone", "square=1,2,3,4"), "three points"),
        (("count", "broken.mp4", "--threads", "0"), "--threads"),
        (("count", "broken.mp4", "--bridge", "6"), "--bridge"),
        (("count", "broken.mp4", "--fps", "0"), "--fps"),
        (("count", "broken.mp4", "--analyse-fps", "-1"), "--analyse-fps"),
        (("count", "broken.mp4", "--camera", "north"), "--site"),
        (("count", "--interval", "15m"), "give a VIDEO"),
        (("count", "--site", "none.yaml"), "none.yaml"),
        (("count", "--site", "site.yaml"), "several cameras (north, south)"),
        (("count", "--site", "site.yaml", "--camera", "nrth"), "did you mean 'north'?"),
        (("count", "--site", "site.yaml", "--camera", "south"), "no source"),
        (("count", "--site", "wrong.yaml"), "wrong.yaml, line 2: "),
        (("count", "broken.mp4", "--speed", "9"), "--speed"),
        (("site", "check", "wrong.yaml"), "wrong.yaml, line 2: "),
        (("models", "get", "unheard-of"), "person-vehicle-bike-detection-2004"),
        (("models", "add", "none.onnx"), "none.onnx"),
        (("cuont",), "cuont"),
    ],
)
def test_wrong_input_ends_with_2_and_one_plain_message(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    (tmp_path / "site.yaml").write_text(
        "site: Square\ncameras:\n  north: {source: broken.mp4}\n  south: {}\n"
    )
    (tmp_path / "wrong.yaml").write_text("site: Square\ncamera: {}\n")
    ended = run(*arguments)
    assert ended.status == 2
    assert ended.err.startswith("passerby: ")
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


# What it says


def test_help_is_quick_it_loads_nothing_heavy() -> None:
    heavy = {"cv2", "av", "onnxruntime", "numpy", "scipy", "shapely", "sqlalchemy"}
    code = (
        "import sys; from passerby.cli import main; main(['count', '--help']); "
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((), ("count", "demo", "models", "site", "--version")),
        (
            ("count",),
            (
                *("--site", "--camera", "--line", "--zone", "--model", "--fps", "--analyse-fps"),
                *("--start", "--time-pattern", "--interval", "--threads", "--bridge", "--out"),
                *("15m", "passerby-out", "2.0", "130", "passerby count street.mp4"),
            ),
        ),
        (("demo",), ("passerby-demo", "vtest.avi")),
        (("models",), ("get", "add", "--json")),
        (("models", "get"), ("NAME", "PASSERBY_MODELS_URL")),
        (("models", "add"), ("FILE", "NanoDet", "YOLOX")),
        (("site",), ("schema", "check", "in-left: [gate, left]")),
    ],
)
@pytest.mark.parametrize("columns", ["80", "120"])
def test_help_names_every_option(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    words: tuple[str, ...],
    columns: str,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    ended = run(*command, "--help")
    assert ended.status == 0
    for word in words:
        assert word in ended.out
    assert max(map(len, ended.out.splitlines())) <= int(columns)


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"passerby {passerby.__version__}\n", "")


def test_python_m_passerby_is_the_same_command() -> None:
    ended = subprocess.run([*PYTHON, "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == f"passerby {passerby.__version__}\n"


@pytest.mark.parametrize("line", ["gate", "gate [bold] :smile:"])
def test_the_table_says_what_the_rows_say(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    report = report_samples.junction(line=line)
    files = {"report.html": tmp_path / "report.html"}
    show(report, files)
    text = capsys.readouterr().out
    counts = tally(report)
    for series in line_series(report):
        rows = [counts.total(series, name) for name in counts.seen(line_series(report))]
        expected = [rounded(row.value) for row in rows if row]
        expected.append(rounded(counts.total_over_classes(series)))
        row = next(
            row for row in text.splitlines() if series.place in row and series.direction in row
        )
        way = direction(report, series)
        assert row.split(way)[1].split() == expected
    assert "Observed: 88 %" in text
    assert "9,000 frames" in text
    assert str(files["report.html"]) in text


def test_what_is_not_known_is_not_shown_as_zero(capsys: pytest.CaptureFixture[str]) -> None:
    report = report_samples.junction(unknown=frozenset(range(8)))
    show(report, {"report.html": Path("report.html")})
    text = capsys.readouterr().out
    rows = [row for row in text.splitlines() if "forward" in row or "backward" in row]
    assert len(rows) == 6
    assert all("not known" in row and "0" not in row for row in rows)
    assert "not seen" not in text


def test_models_tell_what_a_person_needs_to_choose(run: Run) -> None:
    ended = run("models")
    assert ended.status == 0
    for word in ("licence", "speed", "accuracy", "good at", "bad at", "under-counts", "default"):
        assert word in ended.out
    assert "passerby models get person-vehicle-bike-detection-2004" in ended.out
    told = json.loads(run("models", "--json").out)
    assert {model["name"]: model["installed"] for model in told} == {
        "nanodet-g-416-int8": True,
        "person-vehicle-bike-detection-2004": False,
    }


def test_a_model_of_ones_own_is_added_only_if_it_fits(run: Run, tmp_path: Path) -> None:
    shutil.copyfile(WEIGHTS / "centerface_640x480.onnx", tmp_path / "misfit.onnx")
    ended = run("models", "add", "misfit.onnx")
    assert ended.status == 2
    assert "misfit.onnx" in ended.err
    assert "NanoDet" in ended.err  # what is expected
    shutil.copyfile(WEIGHTS / "nanodet_g_416_int8.onnx", tmp_path / "mine.onnx")
    ended = run("models", "add", "mine.onnx")
    assert (ended.status, "--model mine" in ended.out) == (0, True)
    names = [model["name"] for model in json.loads(run("models", "--json").out)]
    assert "mine" in names
    assert "misfit" not in names


def test_site_schema_and_check(run: Run, tmp_path: Path) -> None:
    schema = json.loads(run("site", "schema").out)
    assert {"site", "cameras"} <= set(schema["required"])
    (tmp_path / "site.yaml").write_text(
        "site: Square\ncameras: {north: {lines: {gate: [[0, 0.5], [1, 0.5]]}}}\n"
    )
    ended = run("site", "check", "site.yaml")
    assert ended.status == 0
    assert ended.out == "Square, camera north: lines: gate\n"


# What it does


def test_without_lines_the_whole_picture_is_counted(
    run: Run, film: list[av.VideoFrame], tmp_path: Path
) -> None:
    ended = run("count", write(tmp_path / "street.avi", film))
    assert ended.status == 0
    assert "the whole picture was counted" in ended.out
    assert names(tmp_path / "passerby-out") == FILES
    for name in FILES:
        assert f"passerby-out/{name}" in ended.out
    shares = [int(share) for share in re.findall(r"^Counting: (\d+)%", ended.err, re.M)]
    assert shares == list(range(10, 101, 10))
    rows = read(tmp_path / "passerby-out")
    assert {row["place"] for row in rows} == {"middle-down", "middle-left", "picture"}
    people = [row for row in rows if (row["kind"], row["class"]) == ("occupancy_mean", "person")]
    assert 3 < float(people[0]["value"]) < 8  # the truth is 5.5 over these ten seconds


def test_a_camera_of_a_site_file_is_counted_from_anywhere(
    run: Run, film: list[av.VideoFrame], tmp_path: Path
) -> None:
    place = tmp_path / "harbour"
    place.mkdir()
    write(place / "north.avi", film[:30])
    (place / "site.yaml").write_text(
        "site: Harbour Square\ntimezone: Europe/Helsinki\ncameras:\n"
        "  north: {source: north.avi, lines: {gate: [[0.1, 0.5], [0.9, 0.5]]}}\n"
    )
    ended = run(
        *("count", "--site", place / "site.yaml", "--line", "door=250,100,250,400"),
        *("--zone", "square=0.1,0.2,0.9,0.2,0.9,0.9", "--start", "2026-05-04T07:00"),
        *("--interval", "5m", "--threads", "1", "--bridge", "1", "--out", "found"),
    )
    assert ended.status == 0
    assert "whole picture" not in ended.out
    rows = read(tmp_path / "found")
    assert {(row["site"], row["camera"]) for row in rows} == {("Harbour Square", "north")}
    assert {row["place"] for row in rows} == {"gate", "door", "square"}
    assert {row["start"] for row in rows} == {"2026-05-04T07:00:00+03:00"}
    assert {row["seconds"] for row in rows} == {"300"}
    summary = json.loads((tmp_path / "found" / "summary.json").read_text("utf-8"))
    assert summary["shapes"]["lines"]["door"][0] == pytest.approx([250 / 768, 100 / 576])
    assert summary["settings"]["bridge_seconds"] == 1


def test_a_video_that_is_cut_off_is_counted_as_far_as_it_goes(
    run: Run, film: list[av.VideoFrame], tmp_path: Path
) -> None:
    whole = write(tmp_path / "whole.avi", film).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) * 2 // 3])
    ended = run("count", "cut.avi")
    assert ended.status == 3
    assert re.search(r"About \d+ frames \(\d+\.\d s\) could not be read", ended.out)
    assert names(tmp_path / "passerby-out") == FILES


def test_a_stopped_run_goes_on_where_it_stopped(
    run: Run, film: list[av.VideoFrame], tmp_path: Path
) -> None:
    # One frame a second. A minute without anybody lets every track end before the stop.
    nobody = av.VideoFrame.from_ndarray(np.zeros((576, 768, 3), np.uint8), format="bgr24")
    street = write(tmp_path / "street.avi", [*film[:15], *[nobody] * 60, *film[15:50]], rate=1)
    options = ("count", street, "--interval", "60s", "--out")
    assert run(*options, "straight").status == 0
    command = [*PYTHON, *map(str, options), "stopped"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path, text=True) as process:
        assert process.stderr is not None
        for said in process.stderr:
            if said.startswith("Counting: 70%"):  # the first minute is closed
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert "Stopped" in rest
    assert "the same command goes on" in rest
    ended = run(*options, "stopped")
    assert ended.status == 0
    assert "Going on at 0:00:5" in ended.err
    assert read(tmp_path / "stopped") == read(tmp_path / "straight")
    assert names(tmp_path / "stopped") == FILES
