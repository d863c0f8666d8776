"""A ground is written into a site file, and everything else in it stays."""

from __future__ import annotations

import difflib
import stat
from pathlib import Path

import numpy as np
import pytest

from passerby.errors import SiteError
from passerby.ground import Ground
from passerby.ground_fit import fit_ground
from passerby.site import load_site
from passerby.site_edit import write_ground

SIZE = (768, 576)
GROUND = Ground(np.array([[0.02, 1e-3, -8.0], [0.0, -0.03, 16.0], [0.0, 5e-4, 0.5]]), 0.08)
SITE = """\
# Who owns this file: the traffic office
site: 'Harbour Square'   # quoted on purpose
timezone: Europe/Helsinki

cameras:
  south: {source: south.mp4}
  north:   # on the mast
    source: north.mp4
    lines:
      gate: [[0.10, 0.55], [0.80, 0.60]]  # the gate
    zones:
      square:
        - [0.1, 0.2]
        - [0.9, 0.2]
        - [0.9, 0.9]
    # the end
"""


def changed(before: str, after: str) -> list[str]:
    """Lines of the old text that are gone."""
    diff = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in diff if line.startswith("- ")]


def written(tmp_path: Path, text: str = SITE) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_ground_comes_back_and_nothing_else_changes(tmp_path: Path) -> None:
    path = written(tmp_path)
    write_ground(path, "north", GROUND, SIZE)
    assert changed(SITE, path.read_text("utf-8")) == []
    plan = load_site(path).cameras["north"].ground
    assert plan is not None
    found = fit_ground(plan, SIZE).ground
    points = np.array([[100.0, 300.0], [700.0, 500.0]])
    assert np.allclose(found.to_metres(points), GROUND.to_metres(points), rtol=1e-6)
    assert found.spread == pytest.approx(0.08)
    assert load_site(path).cameras["south"].ground is None
    assert [one.name for one in tmp_path.iterdir()] == ["site.yaml"]


def test_a_ground_of_people_is_replaced_and_that_of_somebody_stays(tmp_path: Path) -> None:
    path = written(tmp_path)
    write_ground(path, "north", GROUND, SIZE)
    once = path.read_text("utf-8")
    write_ground(path, "north", GROUND, SIZE)
    assert path.read_text("utf-8") == once
    own = once.replace("made: people", "made: surveyor")
    path.write_text(own, "utf-8")
    with pytest.raises(SiteError, match="--replace"):
        write_ground(path, "north", GROUND, SIZE)
    assert path.read_text("utf-8") == own
    write_ground(path, "north", GROUND, SIZE, replace=True)
    assert path.read_text("utf-8") == once


@pytest.mark.parametrize(
    "text",
    [
        "---\nsite:   A  # wide\ncameras:\n    n:\n        fps:  7.50   # f\n# end\n...\n",
        "site: A\ncameras:\n  s: { source: s.mp4 }\n  n:\n    source: 'n.mp4'\n\n\n",
        "site: A\ncameras:\n  n:\n    zones:\n      z: [ [0.1,0.20],\n        [.9, 2e-1], [1,1]]\n",
        "\ufeffsite: A\r\ncameras:\r\n  12:30:\r\n    source: n.mp4 # c\r\n  b: {fps: 7}\r\n",
    ],
    ids=["document", "other camera in a line", "odd spaces", "from Windows"],
)
def test_every_other_letter_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(text.encode())
    camera = next(name for name in load_site(path).cameras if name in ("n", "12:30"))
    write_ground(path, camera, GROUND, SIZE)
    after = path.read_bytes().decode()
    more = len(after) - len(text)
    assert any(after[:at] + after[at + more :] == text for at in range(len(text) + 1))
    assert after.count("\r") == (after.count("\n") if "\r" in text else 0)
    assert load_site(path).cameras[camera].ground is not None


def test_a_camera_in_one_line_gets_its_ground_there(tmp_path: Path) -> None:
    path = written(tmp_path, "site: A\ncameras:\n  n: {source: n.mp4}  # c\n")
    write_ground(path, "n", GROUND, SIZE)
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("  n: {source: n.mp4, ground: {homography: [[")
    assert lines[2].endswith("made: people}}  # c")


def test_comments_around_a_ground_that_is_replaced_stay(tmp_path: Path) -> None:
    old = "      homography: [[1, 0, 0], [0, -1, 600], [0, 0.001, 1]]\n"
    text = f"site: A\ncameras:\n  n:\n    ground:  # told\n{old}      made: people  # once\n"
    path = written(tmp_path, text + "    # about the lens\n    fps: 7\n")
    write_ground(path, "n", GROUND, SIZE)
    after = path.read_text("utf-8")
    for kept in (
        "    ground:  # told\n",
        "made: people  # once\n    # about the lens\n    fps: 7\n",
    ):
        assert kept in after
    assert "600" not in after


@pytest.mark.parametrize(
    "cameras",
    [
        "n: &b\n    fps: 7\n  s: *b\n",
        "s: &b\n    fps: 7\n  n: *b\n",
        "n: &b {fps: 7}\n  s: {<<: *b}\n",
    ],
)
def test_no_other_camera_gets_a_ground_with_it(tmp_path: Path, cameras: str) -> None:
    text = f"site: A\ncameras:\n  {cameras}"
    path = written(tmp_path, text)
    with pytest.raises(SiteError, match="something else"):
        write_ground(path, "n", GROUND, SIZE)
    assert path.read_text("utf-8") == text
    assert [one.name for one in tmp_path.iterdir()] == ["site.yaml"]


def test_a_link_stays_a_link_and_rights_stay(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path.name)
    write_ground(link, "north", GROUND, SIZE)
    assert link.is_symlink()
    assert load_site(path).cameras["north"].ground is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_cannot_be_written_stays_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / ".site.yaml.part").mkdir()  # in the way
    with pytest.raises(SiteError, match=r"site\.yaml: cannot be written"):
        write_ground(path, "north", GROUND, SIZE)
    assert path.read_text("utf-8") == SITE


def test_a_file_that_is_no_site_stays_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, "site: [")
    with pytest.raises(SiteError):
        write_ground(path, "north", GROUND, SIZE)
    assert path.read_text("utf-8") == "site: ["
