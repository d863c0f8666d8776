"""Finds the thresholds of :mod:`yardstick`: the best of a grid on the very clips it is shown on.

The best is that with the largest sum of MOTA and IDF1 over the clips given. Passerby has one tuning
for all clips; ByteTrack is given one for each kind of clip and detector::

    python bench/tune_yardstick.py --model pvb-2004 --clip tfl5 --clip tfl7
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from clips import load_clips, shared_folder
from detections import detect, models_at_hand
from judge import judge
from yardstick import Thresholds, follow

_BEST = 5


def grid() -> Iterator[Thresholds]:
    """Every setting to try."""
    scores = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55)
    for high, above, floor, overlap, lost in product(
        scores, (0.0, 0.1, 0.2), (0.5, 0.75, 1.0), (0.1, 0.2), (1.0, 2.0)
    ):
        yield Thresholds(round(high + above, 3), high, overlap, round(floor * high, 3), lost)


def main() -> int:
    """Try all, print the best."""
    shared = shared_folder()
    clips, models = load_clips(shared), models_at_hand(shared)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clip", action="append", choices=list(clips), required=True)
    parser.add_argument("--model", choices=list(models), required=True)
    parser.add_argument("--cache", type=Path, help="folder that keeps boxes for the next run")
    asked = parser.parse_args()
    chosen = [clips[name] for name in asked.clip]
    found = [detect(clip, models[asked.model], asked.cache) for clip in chosen]
    results = []
    for thresholds in grid():
        scores = [
            judge(clip, follow(clip, boxes, thresholds)[0])
            for clip, boxes in zip(chosen, found, strict=True)
        ]
        results.append((sum(s["mota"] + s["idf1"] for s in scores), thresholds, scores))
    for total, thresholds, scores in sorted(results, key=lambda r: -r[0])[:_BEST]:
        print(f"{total:.3f}", thresholds)
        for clip, one in zip(chosen, scores, strict=True):
            print("   ", clip.name, {name: round(value, 3) for name, value in one.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
