"""Writes into a site file what was found, and leaves every other letter in it as it is."""

from __future__ import annotations

import io
import os
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

from passerby.errors import GroundError, SiteError
from passerby.ground import Ground
from passerby.ground_fit import fit_ground
from passerby.ground_plan import GroundPlan
from passerby.site import load_site

MADE = "people"
"""The word by which a ground that people told is known in a site file."""

_BOM = "\ufeff"


def told_by_people(plan: GroundPlan | None) -> bool:
    """Whether a site file's ground is one that :func:`write_ground` wrote."""
    return plan is not None and plan.homography is not None and plan.made == MADE


def check_writable(path: Path, camera: str, *, replace: bool = False) -> None:
    """Refuse now what :func:`write_ground` would refuse after a long recording.

    Raises:
        SiteError: a file that is no site file, that must not be written, or that has a ground
            which somebody gave.
    """
    plan = load_site(path).camera(camera)[1].ground
    if plan is not None and not told_by_people(plan) and not replace:
        raise SiteError(
            f"{path}: camera {camera} has a ground already, and not one that people told; "
            "it stays as it is. Add --replace to write over it, or --no-write only to look"
        )
    if not os.access(path, os.W_OK):
        raise SiteError(f"{path}: must not be written. Change that, or add --no-write only to look")


def write_ground(
    path: Path, camera: str, ground: Ground, size: tuple[int, int], *, replace: bool = False
) -> None:
    """Write the ground of a camera into a site file.

    Only the text of that block changes. A round trip of the whole file would move spaces and line
    breaks in lines that nobody touched.

    Args:
        path: the site file.
        camera: its camera.
        ground: as found; it has no lens.
        size: width and height of its pictures in pixels.
        replace: also where the file has a ground that somebody gave.

    Raises:
        SiteError: see :func:`check_writable`; or a file that cannot be written, or in which the
            block cannot be changed without changing something else.
    """
    check_writable(path, camera, replace=replace)
    path = path.resolve()  # a link stays a link
    before = path.read_bytes().decode("utf-8")
    mark, text = (_BOM, before[1:]) if before.startswith(_BOM) else ("", before)
    try:
        changed = _changed(text, camera, _block(ground, size))
    except YAMLError as error:
        raise SiteError(f"{path}: cannot be changed in place: {error}") from None
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes((mark + changed).encode())
        shutil.copymode(path, beside)
        if not _differs_only_there(path, beside, camera, ground, size):
            raise SiteError(
                f"{path}: the ground of camera {camera} cannot be written without changing "
                "something else, as where cameras share text by & and *. Write it there "
                f"yourself:\nground: {_flow(_block(ground, size))}"
            )
        beside.replace(path)
    except OSError as error:
        raise SiteError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            beside.unlink()


def _differs_only_there(
    path: Path, beside: Path, camera: str, ground: Ground, size: tuple[int, int]
) -> bool:
    """Whether a changed file says what the old one says, and that ground."""
    old = load_site(path)
    try:
        new = load_site(beside)
        plan = new.cameras[camera].ground
        if plan is None or not told_by_people(plan):
            return False
        written = fit_ground(plan, size).ground.homography
    except (SiteError, GroundError, KeyError):
        return False
    wanted = old.cameras[camera].model_copy(update={"ground": plan})
    same = old.model_copy(update={"cameras": {**old.cameras, camera: wanted}}) == new
    return same and np.allclose(written, ground.homography / np.abs(ground.homography).max(), 1e-6)


def _block(ground: Ground, size: tuple[int, int]) -> CommentedMap:
    rows = CommentedSeq()
    for numbers in ground.homography:
        rows.append(_in_a_line(float(f"{number:.9g}") for number in numbers))
    block = CommentedMap()
    block["homography"] = rows
    block["of"] = _in_a_line(size)
    block["spread"] = float(f"{ground.spread:.4g}")
    block["made"] = MADE
    return block


def _in_a_line(numbers: object) -> CommentedSeq:
    row = CommentedSeq(numbers)
    row.fa.set_flow_style()
    return row


def _changed(text: str, camera: str, block: CommentedMap) -> str:
    """The text with the block in it."""
    node = _entry(_entry(YAML().compose(text), "cameras")[1], camera)[1]
    assert isinstance(node, MappingNode)  # else it would not have loaded
    found = next((pair for pair in node.value if pair[0].value == "ground"), None)
    if found is None:
        return _added(text, node, block)
    key, value = found
    begin, end = value.start_mark.index, _end(text, value)
    if isinstance(value, CollectionNode) and value.flow_style:
        new = _flow(block)
    elif isinstance(value, MappingNode):  # what is said behind "ground:" stays
        new = _lines(text, block, value.start_mark.column)
    else:
        begin = key.start_mark.index
        new = _lines(text, {"ground": block}, key.start_mark.column)
    return text[:begin] + new + text[end:]


def _added(text: str, node: MappingNode, block: CommentedMap) -> str:
    """The text with the block behind the last field of a camera."""
    if not node.value:
        begin = node.start_mark.index + 1
        return f"{text[:begin]}ground: {_flow(block)}{text[begin:]}"
    end = _end(text, node.value[-1][1])
    if node.flow_style:
        return f"{text[:end]}, ground: {_flow(block)}{text[end:]}"
    column: int = node.value[0][0].start_mark.column
    behind = text.find("\n", end)
    end = len(text) if behind < 0 else behind - text[:behind].endswith("\r")
    new = _lines(text, {"ground": block}, column)
    return text[:end] + _newline(text) + " " * column + new + text[end:]


def _entry(node: Node, name: str) -> tuple[Node, Node]:
    """Key and value of a field, whose name is taken as it is written."""
    key, value = next(pair for pair in node.value if pair[0].value == name)
    return key, value


def _end(text: str, node: Node) -> int:
    """Where a node ends; YAML counts the comments behind a block to it."""
    while isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end: int = node.end_mark.index
    return len(text[:end].rstrip())


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _lines(text: str, block: object, column: int) -> str:
    """A mapping as lines that begin at a column, the first one without the space before it."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    return (_newline(text) + " " * column).join(_dumped(yaml, block).splitlines())


def _flow(block: CommentedMap) -> str:
    """A mapping in one line."""
    yaml = YAML()
    yaml.default_flow_style = True
    return _dumped(yaml, {**block, "homography": [list(row) for row in block["homography"]]})


def _dumped(yaml: YAML, block: object) -> str:
    out = io.StringIO()
    yaml.width = 4096  # a row is one line
    yaml.dump(block, out)
    return out.getvalue().strip()
