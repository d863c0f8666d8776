"""How well Passerby counts clips whose truth is known, beside ByteTrack on the same boxes.

    python bench/accuracy.py
    python bench/accuracy.py --clip pets --model embedded
    python bench/accuracy.py --json

:func:`score` is what a script calls that looks for a better tuning.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import yardstick
from clips import Clip, load_clips, shared_folder
from detections import detect, models_at_hand
from judge import average_precision, judge, true_crossings
from ours import crossings_of, tracks_of, watch_clip
from passerby.models import Model, find
from passerby.moment import Detections
from passerby.tracker import Tuning


def score(
    clip: Clip, detections: Sequence[Detections], model: Model, tuning: Tuning | None = None
) -> dict[str, Any]:
    """Scores of Passerby.

    Args:
        clip: of :func:`clips.load_clips`.
        detections: one per frame, of :func:`detections.detect`.
        model: what made them.
        tuning: of one's own; its ``confident`` and ``confident_vehicle`` belong to the model.

    Returns:
        see :func:`judge.judge`, and ``lines``: (forward, backward) by name.
    """
    moments = watch_clip(clip, detections, model, tuning)
    return {**judge(clip, tracks_of(clip, moments)), "lines": crossings_of(clip, moments)}


def compare(clip: Clip, model: str, path: Path | None, cache: Path | None) -> list[dict[str, Any]]:
    """One row for Passerby and one for the yardstick, on the same detections."""
    detections = detect(clip, path, cache)
    ours = score(clip, detections, find(path)[0])
    tracks, lines = yardstick.follow(clip, detections, yardstick.thresholds_for(clip, model))
    theirs = {**judge(clip, tracks), "lines": lines}
    base = {
        "clip": clip.name,
        "model": model,
        "ap50": average_precision(clip, detections),
        "true_lines": true_crossings(clip),
    }
    return [{**base, "tracker": "passerby", **ours}, {**base, "tracker": "ByteTrack", **theirs}]


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows for people."""
    made = Table(title="Accuracy: counted / truth")
    for name in ("clip", "model", "tracker"):
        made.add_column(name)
    for name in ("AP50", "MOTA", "IDF1", "switches", "ids", "occupancy error", "right left"):
        made.add_column(name, justify="right")
    for row in rows:
        lines = "\n".join(
            f"{name}: {a} {b} / {' '.join(map(str, row['true_lines'][name]))}"
            for name, (a, b) in row["lines"].items()
        )
        made.add_row(
            row["clip"],
            row["model"],
            row["tracker"],
            f"{row['ap50']:.3f}",
            f"{row['mota']:.3f}",
            f"{row['idf1']:.3f}",
            str(row["switches"]),
            f"{row['ids']} / {row['true_ids']}",
            f"{row['occupancy_error']:.2f}",
            lines,
        )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Score what was asked for."""
    shared = shared_folder()
    clips = load_clips(shared)
    models = models_at_hand(shared, every=True)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clip", action="append", choices=list(clips), help="all where not given")
    parser.add_argument(
        "--model",
        action="append",
        choices=list(models),
        help="those that Passerby offers where not given",
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps boxes for the next run")
    parser.add_argument("--json", action="store_true", help="plain numbers instead of a table")
    asked = parser.parse_args(arguments)
    rows = [
        row
        for clip in asked.clip or clips
        for model in asked.model or models_at_hand(shared)
        for row in compare(clips[clip], model, models[model], asked.cache)
    ]
    if asked.json:
        json.dump(rows, sys.stdout, indent=2)
        print()
    else:
        Console(width=None if sys.stdout.isatty() else 120).print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
