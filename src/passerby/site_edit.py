"""Writes into a site file what was found, and leaves everything else in it as it is."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from passerby.errors import SiteError
from passerby.ground import Ground
from passerby.site import load_site

MADE = "people"
"""The word by which a ground that people told is known in a site file."""


def write_ground(
    path: Path, camera: str, ground: Ground, size: tuple[int, int], *, replace: bool = False
) -> None:
    """Write the ground of a camera into a site file; comments and order stay.

    Args:
        path: the site file.
        camera: its camera.
        ground: as found; it has no lens.
        size: width and height of its pictures in pixels.
        replace: also where the file has a ground that somebody gave.

    Raises:
        SiteError: a file that is no site file, or has a ground that somebody gave.
    """
    plan = load_site(path).camera(camera)[1].ground
    if plan is not None and plan.made != MADE and not replace:
        raise SiteError(
            f"{path}: camera {camera} has a ground already, and not one that people told; "
            "it stays as it is. Add --replace to write over it"
        )
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # long lines stay lines
    text = path.read_text("utf-8-sig")
    yaml.indent(**_indents(text))
    try:
        site = yaml.load(text)
    except YAMLError as error:
        raise SiteError(f"{path}: cannot be changed in place: {error}") from None
    site["cameras"][camera]["ground"] = _block(ground, size)
    out = io.StringIO()
    yaml.dump(site, out)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(out.getvalue(), "utf-8")
        load_site(beside)  # what would not load again must not replace what does
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _block(ground: Ground, size: tuple[int, int]) -> CommentedMap:
    rows = CommentedSeq()
    for numbers in ground.homography:
        row = CommentedSeq([float(f"{number:.9g}") for number in numbers])
        row.fa.set_flow_style()
        rows.append(row)
    of = CommentedSeq(size)
    of.fa.set_flow_style()
    block = CommentedMap()
    block["homography"] = rows
    block["of"] = of
    block["spread"] = float(f"{ground.spread:.3g}")
    block["made"] = MADE
    return block


def _indents(text: str) -> dict[str, int]:
    """How a file indents its mappings and sequences, so that untouched lines stay as they are."""
    mapping, sequence, offset = 2, 2, 0
    lines = [line for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    for before, line in itertools.pairwise(lines):
        gap = (len(line) - len(line.lstrip())) - (len(before) - len(before.lstrip()))
        if not before.rstrip().endswith(":") or gap < 0:
            continue
        if line.lstrip().startswith("- "):
            sequence, offset = gap + 2, gap
        elif gap:
            mapping = gap
    return {"mapping": mapping, "sequence": sequence, "offset": offset}
