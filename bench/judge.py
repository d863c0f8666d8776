"""How well tracks agree with the truth of a clip. CLEAR and identity scores are TrackEval's."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from trackeval.metrics import CLEAR, Identity

from clips import Clip, Tracks
from passerby.geometry import Segment, overlaps, reference_points
from passerby.moment import CLASSES, Detections

_CLEAR_OF_LINE = 0.25  # box heights beyond a line from which a crossing counts


def judge(clip: Clip, tracks: Tracks) -> dict[str, Any]:
    """Scores of tracks, as plain numbers.

    Only boxes that reach into the region that the truth covers are looked at.

    Returns:
        ``mota`` and ``idf1`` at an intersection over union of 0.5, 1 is perfect; ``switches`` of
        identity; ``ids`` and ``true_ids``, identities there were for at least the clip's least
        number of frames; ``occupancy_error``, mean over frames of the absolute error of the
        number of road users.
    """
    tracks, truth = tracks.reaching(clip.region), clip.truth
    data = _for_trackeval(clip.frames, truth, tracks)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its settings
        clear = CLEAR({"THRESHOLD": 0.5}).eval_sequence(data)
        identity = Identity({"THRESHOLD": 0.5}).eval_sequence(data)
    counts = [np.bincount(t.frames, minlength=clip.frames) for t in (tracks, truth)]
    return {
        "mota": float(clear["MOTA"]),
        "idf1": float(identity["IDF1"]),
        "switches": int(clear["IDSW"]),
        "misses": int(clear["CLR_FN"]),
        "false": int(clear["CLR_FP"]),
        "ids": tracks.lasting(clip.least_frames),
        "true_ids": truth.lasting(clip.least_frames),
        "occupancy_error": float(np.abs(counts[0] - counts[1]).mean()),
    }


def average_precision(clip: Clip, detections: Sequence[Detections]) -> float:
    """Area under the precision-recall curve of the boxes themselves, 1 is perfect.

    At an intersection over union of 0.5, precision made falling, every point (PASCAL VOC 2010).
    Only the classes and the region that the truth covers are looked at.
    """
    codes = [CLASSES.index(name) for name in clip.classes]
    scores, hits = [np.zeros(0)], [np.zeros(0, bool)]
    for number, found in enumerate(detections):
        found = found[np.isin(found.codes, codes) & (found.boxes[:, 3] > clip.region)]
        found = found[np.argsort(-found.scores, kind="stable")]
        overlap = overlaps(found.boxes, clip.truth.boxes[clip.truth.frames == number])
        hit = np.zeros(len(found), bool)
        for row in range(len(found)):
            if overlap.shape[1] and overlap[row].max() >= 0.5:
                hit[row] = True
                overlap[:, overlap[row].argmax()] = 0  # a true box is found once
        scores.append(found.scores)
        hits.append(hit)
    hit = np.concatenate(hits)[np.argsort(-np.concatenate(scores), kind="stable")]
    right = np.cumsum(hit)
    precision = np.maximum.accumulate((right / np.arange(1, len(hit) + 1))[::-1])[::-1]
    return float(precision[hit].sum() / len(clip.truth.frames))


def true_crossings(clip: Clip) -> dict[str, tuple[int, int]]:
    """How often the truth crosses each line forward and backward.

    A crossing counts once the bottom centre of the box is a quarter of its height beyond the
    line, or the track ends beyond it.
    """
    return {name: _crossings(Segment(*ends), clip.truth) for name, ends in clip.lines.items()}


def _crossings(segment: Segment, tracks: Tracks) -> tuple[int, int]:
    forward = backward = 0
    for identity in np.unique(tracks.ids):
        boxes = tracks.boxes[tracks.ids == identity]
        points = reference_points(boxes, "ground")
        clear = np.abs(segment.distance(points)) >= _CLEAR_OF_LINE * (boxes[:, 3] - boxes[:, 1])
        clear[[0, -1]] = True
        # Between two clear points the sum of the signs is what remains of swaying on the line.
        signs = segment.crossed(points[:-1], points[1:]).signs
        net = np.add.reduceat(signs, np.flatnonzero(clear)[:-1]) if len(points) > 1 else signs
        forward += int((net > 0).sum())
        backward += int((net < 0).sum())
    return forward, backward


def _for_trackeval(frames: int, truth: Tracks, tracks: Tracks) -> dict[str, Any]:
    true_ids, true_numbers = np.unique(truth.ids, return_inverse=True)
    ids, numbers = np.unique(tracks.ids, return_inverse=True)
    # Both are sorted by frame, so the boxes of a frame are a slice.
    edges = np.arange(frames + 1)
    a, b = np.searchsorted(truth.frames, edges), np.searchsorted(tracks.frames, edges)
    return {
        "num_timesteps": frames,
        "num_gt_ids": len(true_ids),
        "num_tracker_ids": len(ids),
        "num_gt_dets": len(true_numbers),
        "num_tracker_dets": len(numbers),
        "gt_ids": [true_numbers[a[f] : a[f + 1]] for f in range(frames)],
        "tracker_ids": [numbers[b[f] : b[f + 1]] for f in range(frames)],
        "similarity_scores": [
            overlaps(truth.boxes[a[f] : a[f + 1]], tracks.boxes[b[f] : b[f + 1]])
            for f in range(frames)
        ],
    }
