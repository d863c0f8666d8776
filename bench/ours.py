"""A clip's detections through Passerby: Moments, tracks and line counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC

import numpy as np

from clips import Clip, Tracks
from passerby.measures.camera import CameraMeasures
from passerby.models import Model
from passerby.moment import CLASSES, Detections, Moment
from passerby.pixels.parts import Reading
from passerby.pixels.video import Frame
from passerby.pixels.watch import Watch
from passerby.site import Camera, make_camera
from passerby.tracker import Tuning


def watch_of(clip: Clip, model: Model, tuning: Tuning | None = None) -> Watch:
    """A watch that analyses every frame."""
    return Watch(
        camera_of(clip),
        size=clip.size,
        rate=clip.rate,
        model=model,
        analyse_fps=clip.rate,
        tuning=tuning,
    )


def measures_of(clip: Clip, classes: tuple[str, ...] = CLASSES) -> CameraMeasures:
    """Measures of the clip's lines and of the whole picture."""
    return CameraMeasures(
        site="bench",
        name=clip.name,
        camera=camera_of(clip),
        size=clip.size,
        classes=classes,
        zone=UTC,
    )


def watch_clip(
    clip: Clip, found: Sequence[Detections], model: Model, tuning: Tuning | None = None
) -> list[Moment]:
    """The Moments of a clip as ``passerby count`` makes them, every frame analysed."""
    watch = watch_of(clip, model, tuning)
    width, height = clip.size
    blank = np.zeros((height, width, 3), np.uint8)  # its boxes are known already
    moments = []
    for index, boxes in enumerate(found):
        time = index / clip.rate
        frame = Frame(index, time, Reading(raw=blank, time=time, size=clip.size, turn=0))
        moments += watch.accept(frame, boxes)
    return moments + watch.finish()


def camera_of(clip: Clip) -> Camera:
    """The lines of the clip, and the whole picture as a zone."""
    width, height = clip.size
    lines = {
        name: tuple((x / width, y / height) for x, y in ends) for name, ends in clip.lines.items()
    }
    return make_camera(lines=lines, zones={"picture": [(0, 0), (1, 0), (1, 1), (0, 1)]})


def tracks_of(clip: Clip, moments: Iterable[Moment]) -> Tracks:
    """The boxes of the classes that the truth is about."""
    codes = [CLASSES.index(name) for name in clip.classes]
    frames, ids, boxes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros((0, 4))]
    for moment in moments:
        keep = np.isin(moment.codes, codes)
        frames.append(np.full(int(keep.sum()), moment.index))
        ids.append(moment.ids[keep])
        boxes.append(moment.boxes[keep])
    return Tracks.of(np.concatenate(frames), np.concatenate(ids), np.concatenate(boxes))


def crossings_of(clip: Clip, moments: Iterable[Moment]) -> dict[str, tuple[int, int]]:
    """How often road users crossed each line forward and backward."""
    if not clip.lines:
        return {}
    measures = measures_of(clip)
    rows = [row for moment in moments for row in measures.accept(moment)] + measures.finish()

    def total(line: str, direction: str) -> int:
        values = [
            row.value or 0
            for row in rows
            if (row.place, row.direction) == (line, direction) and row.class_ in clip.classes
        ]
        return int(sum(values))

    return {line: (total(line, "forward"), total(line, "backward")) for line in clip.lines}
