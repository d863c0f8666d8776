"""The same detections through Roboflow's ``trackers`` and ``supervision``: the yardstick."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker

from clips import Clip, Tracks
from passerby.moment import CLASSES, Detections


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What ByteTrackTracker asks for; the names are its own.

    Attributes:
        track_activation_threshold: score that begins a track.
        high_conf_det_threshold: score of the first stage of association.
        minimum_iou_threshold: smallest overlap of a match.
        floor: boxes with lower scores are not given to it.
        lost_seconds: how long a track may be unseen.
    """

    track_activation_threshold: float
    high_conf_det_threshold: float
    minimum_iou_threshold: float
    floor: float
    lost_seconds: float


# By what the truth of a clip is about and by detector; found by tune_yardstick.py.
_TUNED = {
    ("person", "embedded"): Thresholds(0.7, 0.5, 0.1, 0.5, 2.0),
    ("person", "pvb-2004"): Thresholds(0.5, 0.4, 0.1, 0.2, 2.0),
    ("vehicle", "embedded"): Thresholds(0.7, 0.5, 0.2, 0.25, 1.0),
    ("vehicle", "pvb-2004"): Thresholds(0.45, 0.25, 0.2, 0.125, 1.0),
}


def thresholds_for(clip: Clip, model: str) -> Thresholds:
    """The best found for this kind of clip and this detector.

    A detector that was not tuned for gets those of the embedded one.
    """
    kind = "person" if "person" in clip.classes else "vehicle"
    return _TUNED.get((kind, model), _TUNED[kind, "embedded"])


def byte_tracker(thresholds: Thresholds, rate: float) -> ByteTrackTracker:
    """The tracker for a clip of ``rate`` frames per second."""
    return ByteTrackTracker(
        lost_track_buffer=round(30 * thresholds.lost_seconds),  # it counts in frames at 30 fps
        frame_rate=rate,
        track_activation_threshold=thresholds.track_activation_threshold,
        high_conf_det_threshold=thresholds.high_conf_det_threshold,
        minimum_iou_threshold=thresholds.minimum_iou_threshold,
        minimum_consecutive_frames=2,
    )


def to_supervision(clip: Clip, found: Detections, floor: float) -> sv.Detections:
    """The boxes of the classes that the truth is about."""
    codes = [CLASSES.index(name) for name in clip.classes]
    keep = np.isin(found.codes, codes) & (found.scores >= floor)
    return sv.Detections(
        xyxy=found.boxes[keep].astype(np.float32),
        confidence=found.scores[keep].astype(np.float32),
        class_id=found.codes[keep],
    )


def line_zones(clip: Clip) -> dict[str, sv.LineZone]:
    """supervision's counters of the clip's lines, at the bottom centre of a box."""
    return {
        name: sv.LineZone(
            start=sv.Point(*ends[0]),
            end=sv.Point(*ends[1]),
            triggering_anchors=[sv.Position.BOTTOM_CENTER],
        )
        for name, ends in clip.lines.items()
    }


def follow(
    clip: Clip, found: Sequence[Detections], thresholds: Thresholds
) -> tuple[Tracks, dict[str, tuple[int, int]]]:
    """Tracks, and crossings of each line forward and backward."""
    tracker = byte_tracker(thresholds, clip.rate)
    lines = line_zones(clip)
    frames, ids, boxes = [], [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index, one in enumerate(found):
            tracked = tracker.update(to_supervision(clip, one, thresholds.floor))
            for line in lines.values():
                line.trigger(tracked)
            known = np.asarray(tracked.tracker_id, np.int64)
            real = known >= 0
            frames.append(np.full(int(real.sum()), index))
            ids.append(known[real])
            boxes.append(tracked.xyxy[real].astype(np.float64))
    tracks = Tracks.of(np.concatenate(frames), np.concatenate(ids), np.concatenate(boxes))
    # Its lines count inwards what comes to the left of their direction.
    return tracks, {name: (line.out_count, line.in_count) for name, line in lines.items()}
