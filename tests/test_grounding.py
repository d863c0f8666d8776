"""``passerby ground``: what the picture is in metres, found and written down."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passerby.cli import main
from passerby.ground import Ground
from passerby.ground_fit import fit_ground, fit_pairs
from passerby.grounding import asks_people
from passerby.pinhole import Pinhole
from passerby.report.ground import ground_page
from passerby.site import Camera, load_site
from videos import write_video

SITE = """\
# On the roof
site: Campus
cameras:
  view1:
    fps: 7   # the header says 10
    zones:
      path: [[0.1, 0.3], [0.9, 0.25], [0.95, 0.8], [0.3, 0.95]]
"""
PAIRS = """\
    ground:
      - {picture: [100, 500], metres: [0, 0]}
      - {picture: [700, 500], metres: [5, 0]}
      - {picture: [640, 300], metres: [5, 9]}
      - {picture: [200, 310], metres: [0, 9]}
"""


@pytest.fixture(scope="module")
def found(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    """The site file and the folder that a run over the clip leaves, and its exit status."""
    folder = tmp_path_factory.mktemp("ground")
    site = folder / "site.yaml"
    site.write_text(SITE, "utf-8")
    clip = shared / "data/pets2009/pets09_s2l1_view001.avi"
    status = main(["ground", str(clip), "--site", str(site), "--out", str(folder / "out")])
    return site, folder / "out", status


def _speeds(places: Any, rows: Any) -> Any:
    """Metres a second of each person over seven frames, one second."""
    speeds = []
    for who in np.unique(rows[:, 1]):
        own = places[rows[:, 1] == who]
        speeds += np.linalg.norm(own[7:] - own[:-7], axis=1).tolist()
    return np.array(speeds)


def test_people_tell_the_ground_and_it_is_written_down(
    shared: Path, found: tuple[Path, Path, int]
) -> None:
    site, out, status = found
    assert status == 0
    text = site.read_text("utf-8")
    assert text.startswith(SITE)
    assert "made: people" in text
    plan = load_site(site).cameras["view1"].ground
    assert plan is not None
    ground = fit_ground(plan, (768, 576)).ground
    truth = np.loadtxt(shared / "data/pets2009/gt.txt", delimiter=",")
    feet = truth[:, 2:4] - 1 + truth[:, 4:6] * [0.5, 1]
    mine, true = (_speeds(places, truth) for places in (ground.to_metres(feet), truth[:, 7:9]))
    known = np.isfinite(mine)
    assert known.mean() > 0.95
    assert np.median(mine[known]) == pytest.approx(np.median(true[known]), rel=0.10)
    assert 0.05 < ground.spread < 0.3
    page = (out / "ground.html").read_text("utf-8")
    assert "data:image/jpeg" in page
    assert "camera height" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_lengths_are_right_within_a_fifth(shared: Path, found: tuple[Path, Path, int]) -> None:
    plan = load_site(found[0]).cameras["view1"].ground
    assert plan is not None
    truth = np.loadtxt(shared / "data/pets2009/gt.txt", delimiter=",")
    feet = truth[:, 2:4] - 1 + truth[:, 4:6] * [0.5, 1]
    places = fit_ground(plan, (768, 576)).ground.to_metres(feet)
    # Between two people who stand in the same frame.
    order = np.argsort(truth[:, 0], kind="stable")
    a, b = order[:-1], order[1:]
    together = truth[a, 0] == truth[b, 0]
    a, b = a[together], b[together]
    mine = np.linalg.norm(places[a] - places[b], axis=1)
    true = np.linalg.norm(truth[a, 7:9] - truth[b, 7:9], axis=1)
    known = np.isfinite(mine)
    assert known.sum() > 1000
    assert np.median(mine[known] / true[known]) == pytest.approx(1, abs=0.20)


def test_what_people_told_is_asked_again_and_what_somebody_gave_is_not(
    found: tuple[Path, Path, int], tmp_path: Path
) -> None:
    told = load_site(found[0]).cameras["view1"]
    given = load_site(_written(tmp_path, SITE + PAIRS)).cameras["view1"]
    assert asks_people(told)
    assert not asks_people(told, from_people=False)
    assert not asks_people(given)
    assert asks_people(given, from_people=True)


def _written(folder: Path, text: str) -> Path:
    site = folder / "site.yaml"
    site.write_text(text, "utf-8")
    return site


def test_pairs_in_the_site_file_are_checked_and_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = np.array([[100, 500], [700, 500], [640, 300], [200, 310]])
    metres = np.array([[0, 0], [5, 0], [5, 9], [0, 9]])
    ground = fit_pairs(seen, metres).ground
    text = SITE + PAIRS
    for seen_x, seen_y in ((420, 400), (300, 400), (550, 350)):
        x, y = ground.to_metres([[seen_x, seen_y]])[0]
        text += f"      - {{picture: [{seen_x}, {seen_y}], metres: [{x:.3f}, {y:.3f}]}}\n"
    text += "      - {picture: [400, 450], metres: [9, 9]}\n"  # a slip
    site = _written(tmp_path, text)
    clip = write_video(tmp_path / "empty.mkv", 10, size=(768, 576), codec="ffv1")
    status = main(["ground", str(clip), "--site", str(site), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert status == 0, said
    assert "7 of 8" in said
    rows = [line for line in said.splitlines() if "left out" in line]
    assert len(rows) == 1
    assert rows[0].split()[1] == "8"
    assert site.read_text("utf-8") == text
    assert (tmp_path / "out/ground.html").is_file()


def test_four_pairs_do_not_boast_of_their_residuals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = _written(tmp_path, SITE + PAIRS)
    clip = write_video(tmp_path / "empty.mkv", 10, size=(768, 576), codec="ffv1")
    assert main(["ground", str(clip), "--site", str(site), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "always fit" in said
    assert "on average" not in said


@pytest.mark.parametrize(
    ("text", "options", "why"),
    [
        (SITE, ["--from", "site"], "has no ground"),
        (SITE + PAIRS, ["--camera-height", "5"], "--from people"),
        (SITE + PAIRS, ["--mean-height", "1.6", "--from", "site"], "--from people"),
        (SITE + PAIRS, ["--from", "people"], "--replace"),
    ],
)
def test_what_would_change_nothing_is_refused_before_the_video_is_watched(
    text: str,
    options: list[str],
    why: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site = _written(tmp_path, text)
    clip = write_video(tmp_path / "empty.mkv", 3, size=(64, 48), codec="ffv1")
    out = tmp_path / "out"
    assert main(["ground", str(clip), "--site", str(site), "--out", str(out), *options]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert "Watching" not in said
    assert site.read_text("utf-8") == text
    assert not out.exists()


@pytest.mark.parametrize("tilt", [10, 45])
def test_the_page_shows_metres_and_the_horizon_where_it_is(tilt: float) -> None:
    camera = Pinhole((768, 576), focal=700, tilt=np.radians(tilt), roll=0.0, height=5.0)
    shown = Camera.model_validate({"lines": {"gate": [[0.2, 0.8], [0.8, 0.8]]}})
    page = ground_page("A, n", Ground(camera.homography()), camera.size, shown, None, [("a", "b")])
    text = page.decode("utf-8")
    level = f" {camera.horizon / 768 * 1000:.2f} "
    drawn = re.findall(r'<path[^>]*class="base"[^>]*>', text)
    assert len(drawn) == (tilt == 10)
    assert all(level in line for line in drawn)
    assert ("The dashed white line is the horizon." in text) == (tilt == 10)
    assert "There is no picture" in text
    picture = text[text.index("<svg") : text.index("</svg>")]
    labels = re.findall(r">([xy]) (−?[0-9.]+)</text>", picture)
    assert {axis for axis, _ in labels} == {"x", "y"}
    assert ("x", "0") in labels  # straight ahead
    assert "line gate" in picture
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    known = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert known in html.unescape(text)  # else browsers leave the page bare


def test_where_nobody_walks_people_tell_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(SITE, "utf-8")
    clip = write_video(tmp_path / "empty.mkv", 30, size=(768, 576), codec="ffv1")
    status = main(["ground", str(clip), "--site", str(site), "--out", str(tmp_path / "out")])
    assert status == 2
    assert "people" in capsys.readouterr().err
    assert site.read_text("utf-8") == SITE
