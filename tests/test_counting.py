"""From a file to a report."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import passerby
from passerby.counting import Progress, count
from passerby.errors import PasserbyError, SiteError, VideoError
from passerby.report import Report
from passerby.report.files import files_in
from passerby.shapes import parse_line, parse_zone
from passerby.site import make_camera

HELSINKI = ZoneInfo("Europe/Helsinki")


@pytest.fixture(scope="module")
def clip(shared: Path) -> Path:
    return shared / "data" / "tfl_jamcam" / "clip5.mp4"


@pytest.fixture(scope="module")
def report(clip: Path) -> Report:
    return count(
        clip,
        lines=[parse_line("down=0,180,352,180")],
        zones=[parse_zone("road=0,96,352,96,352,288,0,288")],
        site="Blackfriars Road",
        zone=HELSINKI,
        start=datetime(2026, 6, 28, 13, 59, 55),
        analyse_fps=5,
        interval_seconds=60,
    )


def test_every_place_kind_class_and_interval_has_a_row(report: Report) -> None:
    keys = [row.key for row in report.rows]
    assert len(set(keys)) == len(keys)
    classes = set(report.model.classes)
    crossings = [row for row in report.rows if row.kind == "crossings"]
    assert len(crossings) == 2 * 2 * len(classes)  # intervals, directions
    assert {row.class_ for row in crossings} == classes
    counts = {"crossings", "occupancy_mean", "occupancy_max"}
    no_metres = {"flow_rate", "specific_flow", "counter_flow_share"}  # at lines
    no_metres |= {"dwell_median", "dwell_p90", "net_inflow"}  # in zones
    assert {row.kind for row in report.rows} == counts | no_metres
    # Without a ground what needs metres is unknown, not zero.
    assert {row.value for row in report.rows if row.kind == "specific_flow"} == {None}


def test_intervals_follow_the_site_clock(report: Report) -> None:
    starts = sorted({row.start for row in report.rows})
    assert [start.isoformat() for start in starts] == [
        "2026-06-28T13:59:00+03:00",
        "2026-06-28T14:00:00+03:00",
    ]
    assert report.clock == "start"
    coverage = {row.start: row.coverage for row in report.rows}
    assert coverage[starts[0]] == pytest.approx(5 / 60, abs=0.005)
    assert coverage[starts[1]] == pytest.approx(4.72 / 60, abs=0.005)


def test_vehicles_were_counted_each_way(report: Report) -> None:
    """The truth boxes of the clip cross this line 6 times downwards and 3 times upwards."""
    sums = {"forward": 0.0, "backward": 0.0}
    for row in report.rows:
        if row.kind == "crossings" and row.class_ != "person":
            sums[row.direction] += row.value or 0
    assert abs(sums["forward"] - 6) <= 1
    assert abs(sums["backward"] - 3) <= 1


def test_the_report_names_no_file(report: Report, clip: Path, tmp_path: Path) -> None:
    report.write(tmp_path)
    told = (tmp_path / "summary.json").read_text()
    assert str(clip.parent) not in told
    assert "Lavf" not in told


def test_nothing_drawn_measures_the_whole_picture(clip: Path) -> None:
    seen: list[Progress] = []
    whole = count(clip, analyse_fps=2, progress=seen.append)
    assert whole.whole_picture
    assert {row.place for row in whole.rows} == {"picture", "middle-down", "middle-left"}
    assert whole.clock == "elapsed"
    assert whole.start == datetime(1970, 1, 1, tzinfo=UTC)
    assert seen[-1].frames == 242
    assert seen[-1].seconds == pytest.approx(seen[-1].total_seconds, abs=0.1)


def test_settings_outside_their_range_are_refused(clip: Path) -> None:
    with pytest.raises(ValueError, match="from 0 to 5"):
        count(clip, bridge_seconds=6)
    with pytest.raises(SiteError, match="analysed"):
        count(clip, analyse_fps=0.3)
    with pytest.raises(ValueError, match="divides no hour"):
        count(clip, interval_seconds=700)
    with pytest.raises(VideoError, match="no file"):
        count(clip.with_name("none.mp4"))


def test_an_interrupted_run_comes_to_the_same_rows(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after the first closed interval, gone on with later."""
    # A van is parked there all the time: shorten how far back it is looked for.
    monkeypatch.setattr("passerby.measures.camera._LOOK_BACK_SECONDS", 10.0)
    clip = shared / "data" / "pets2009" / "pets09_s2l1_view001.avi"
    camera = make_camera(lines={"west": [[0.33, 0.17], [0.33, 0.69]]})
    run = partial(count, clip, camera, fps=7.0, analyse_fps=2.0, interval_seconds=60)

    class StopError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.seconds > 80:
            raise StopError

    whole = run()
    with pytest.raises(StopError):
        run(out=tmp_path, progress=stop)
    seen: list[Progress] = []
    again = run(out=tmp_path, progress=seen.append)
    assert seen[0].seconds > 40  # it did not start again
    assert again.rows == whole.rows
    assert {path.name for path in tmp_path.iterdir()} == set(files_in(tmp_path))


def test_what_was_counted_outlives_a_full_disk(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(report: Report, folder: Path) -> dict[str, Path]:
        raise PasserbyError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(Report, "write", full)
        with pytest.raises(PasserbyError, match="no space"):
            count(clip, analyse_fps=2, out=tmp_path)
    seen: list[Progress] = []
    count(clip, analyse_fps=2, out=tmp_path, progress=seen.append)
    assert seen[0].seconds > 5


def test_public_names_are_there() -> None:
    assert passerby.count is count
    assert passerby.Report is Report
