"""A ground is written into a site file, and everything else in it stays."""

from __future__ import annotations

import difflib
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


def test_a_file_that_is_no_site_stays_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, "site: [")
    with pytest.raises(SiteError):
        write_ground(path, "north", GROUND, SIZE)
    assert path.read_text("utf-8") == "site: ["
