"""A recorded video → the ground that its camera sees."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from passerby.calibrate import MEAN_HEIGHT, Calibration, calibrate, people_of
from passerby.counting import Progress
from passerby.errors import GroundError
from passerby.ground import Ground
from passerby.ground_fit import Fit, fit_ground
from passerby.moment import CLASSES, Detections, Moment
from passerby.pixels.detector import Detector
from passerby.pixels.picture import Scalable
from passerby.pixels.street import EmptyStreet
from passerby.pixels.video import Frame, Recording
from passerby.pixels.watch import Watch, watch_recording
from passerby.redacted import RedactedImage
from passerby.site import Camera
from passerby.site_edit import told_by_people

MOST_BOXES = 1_000_000
"""Boxes of people after which no more are looked at: some 100 MB, and an hour of 30 at once."""

STREET_SECONDS = 300.0
"""How much is watched for the empty street alone, where the site file tells the ground."""


@dataclass(frozen=True, slots=True)
class GroundFound:
    """The ground of a camera, and how it is known.

    Attributes:
        ground: the map to metres.
        fit: residuals of the pairs of the site file, where the ground comes from there.
        calibration: what the people told, where it comes from them.
        street: the empty street, or None where no part of it could be proven empty.
        frame_size: width and height of the pictures in pixels.
    """

    ground: Ground
    fit: Fit | None
    calibration: Calibration | None
    street: RedactedImage | None
    frame_size: tuple[int, int]


def asks_people(camera: Camera, from_people: bool | None = None) -> bool:
    """Whether the people tell the ground: where somebody wants it so, and else where nobody gave
    one. One that people told before is no answer: they are asked again."""
    if from_people is None:
        return camera.ground is None or told_by_people(camera.ground)
    return from_people


def find_ground(
    video: Path | str | Sequence[Path | str],
    camera: Camera | None = None,
    *,
    from_people: bool | None = None,
    mean_height: float = MEAN_HEIGHT,
    camera_height: float | None = None,
    seconds: float | None = None,
    model: str | Path | None = None,
    fps: float | None = None,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> GroundFound:
    """Find the ground of a camera: from its site file, or from the people who walk on it.

    Args:
        video: see :class:`passerby.pixels.video.Recording`.
        camera: whose ``ground`` is taken and checked, if it has one.
        from_people: see :func:`asks_people`.
        mean_height: of the people with shoes, metres.
        camera_height: above the ground, metres, where it is known.
        seconds: of the recording to watch. Where None, all of it until :data:`MOST_BOXES`, or
            :data:`STREET_SECONDS` where the people are not asked.
        model: the camera's own where None, else the embedded default.
        fps: true frames per second, where the header lies; the camera's own where None.
        threads: CPU threads; all cores where None.
        progress: told how far the run is, once per frame.

    Raises:
        GroundError: the camera has no ground and the people must not be asked; its ground
            cannot be; or the people do not tell it.
        VideoError: the recording cannot be read.
        ModelError: the model cannot be used.
    """
    camera = camera or Camera()
    threads = threads or os.cpu_count() or 1
    recording = Recording(video, fps=fps or camera.fps, threads=threads)
    fit = None
    if not asks_people(camera, from_people):
        if camera.ground is None:
            raise GroundError(
                "the site file has no ground for this camera: write pairs of points into it, or "
                "let the people tell it (--from people)"
            )
        fit = fit_ground(camera.ground, recording.size)
        seconds = seconds or STREET_SECONDS
    detector = Detector.load(model or camera.model, threads)
    street = EmptyStreet(recording.size, lambda picture: detector.detect([picture])[0])
    watch = Watch(camera, size=recording.size, rate=recording.rate, model=detector.model)

    def look(frame: Frame, picture: Scalable, found: Detections) -> None:
        street.accept(frame.time, picture, found)

    def tell(frame: Frame) -> None:
        done = frame.time + 1 / recording.rate - recording.start
        whole = recording.duration
        if seconds is not None:
            whole = seconds if whole is None else min(seconds, whole)
        if progress is not None:
            progress(Progress(frame.index + 1, done, whole))

    def moments() -> Iterator[Moment]:
        """Those that show somebody: what is not yielded is not kept."""
        boxes = 0
        for moment in watch_recording(recording, watch, detector, look=look, progress=tell):
            if seconds is not None and moment.time > recording.start + seconds:
                return
            count = int((moment.codes == CLASSES.index("person")).sum())
            if count:
                yield moment
            boxes += count
            if boxes >= MOST_BOXES:
                return

    calibration = None
    if fit is None:
        calibration = calibrate(
            people_of(moments()),
            recording.size,
            mean_height=mean_height,
            camera_height=camera_height,
        )
        ground = Ground(calibration.homography, calibration.spread, "heights of people")
    else:
        for _ in moments():
            pass  # the street is looked at on the way
        ground = fit.ground
    picture = street.image(list(camera.masks.values()))
    return GroundFound(ground, fit, calibration, picture, recording.size)
