"""Every file of a report, each written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerby.errors import PasserbyError
from passerby.report.columns import csv_bytes, parquet_bytes
from passerby.report.page import page_bytes
from passerby.report.tally import MEASURED, observed_share, tally
from passerby.report.words import SiteClock
from passerby.report.workbook import workbook_bytes

if TYPE_CHECKING:
    from passerby.report import Report

SUMMARY_VERSION = 1


def write_all(report: Report, folder: Path) -> dict[str, Path]:
    """Write every file of the report into ``folder`` and return their paths by name.

    All are made before the first is written. Each is written beside its name, flushed to the
    disk and then moved over its name.

    Raises:
        PasserbyError: where the folder cannot be written.
    """
    contents = {name: write(report) for name, write in _WRITERS.items()}
    paths = files_in(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in paths.items():
            _replace(path, contents[name])
    except OSError as error:
        raise PasserbyError(
            f"cannot write the report into {folder}: {error.strerror}. "
            "Free some space there or choose another folder with --out."
        ) from error
    return paths


def files_in(folder: Path) -> dict[str, Path]:
    """Where the files of a report are in ``folder``, by name."""
    return {name: folder / name for name in _WRITERS}


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def summary(report: Report) -> dict[str, Any]:
    """What ``summary.json`` says: the shapes, the totals and what they rest on."""
    clock = SiteClock.of(report)
    counts = tally(report)
    totals = [
        {
            "place": row.place,
            "kind": row.kind,
            "class": row.class_,
            "direction": row.direction,
            "value": row.value,
            "n": row.n,
            "unit": row.unit,
            "coverage": row.coverage,
        }
        for row in (*counts.totals(), *tally(report, kinds=MEASURED).totals())
    ]
    shapes = report.shapes
    return {
        "version": SUMMARY_VERSION,
        "site": report.site,
        "camera": report.camera,
        "timezone": report.timezone,
        "clock": report.clock,
        "start": clock.iso(report.start),
        "end": clock.iso(report.end),
        "frame": {"width": report.frame_size[0], "height": report.frame_size[1]},
        "shapes": {
            "whole_picture": report.whole_picture,
            "lines": shapes.lines,
            "zones": shapes.zones,
            "masks": shapes.masks,
            "movements": shapes.movements,
            "queues": {name: queue.model_dump() for name, queue in shapes.queues.items()},
            "lanes": shapes.lanes,
        },
        "ground": report.ground
        and {"method": report.ground.method, "spread": report.ground.spread},
        "totals": totals,
        "coverage": observed_share(report, counts),
        "model": {"name": report.model.name, "licence": report.model.licence},
        "settings": asdict(report.settings),
        "unread": asdict(report.unread),
        "notes": report.notes,
    }


def _summary_bytes(report: Report) -> bytes:
    return (json.dumps(summary(report), indent=2, ensure_ascii=False) + "\n").encode()


_WRITERS: dict[str, Callable[[Report], bytes]] = {
    "measurements.csv": csv_bytes,
    "measurements.parquet": parquet_bytes,
    "counts.xlsx": workbook_bytes,
    "summary.json": _summary_bytes,
    "report.html": page_bytes,
}
