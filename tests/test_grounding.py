"""``passerby ground``: what the picture is in metres, found and written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passerby.cli import main
from passerby.ground_fit import fit_ground
from passerby.site import load_site
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


def test_pairs_in_the_site_file_are_checked_and_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(SITE + PAIRS, "utf-8")
    clip = write_video(tmp_path / "empty.mkv", 60, size=(768, 576), codec="ffv1")
    status = main(["ground", str(clip), "--site", str(site), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert status == 0, said
    assert "residual" in said
    assert site.read_text("utf-8") == SITE + PAIRS
    assert (tmp_path / "out/ground.html").is_file()


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
