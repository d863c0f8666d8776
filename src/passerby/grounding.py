"""A recorded video → the ground that its camera sees."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from passerby.calibrate import MEAN_HEIGHT, Calibration, calibrate, people_of
from passerby.counting import Progress
from passerby.ground import Ground
from passerby.ground_fit import Fit, fit_ground
from passerby.moment import Detections, Moment
from passerby.pixels.detector import Detector
from passerby.pixels.picture import Scalable
from passerby.pixels.street import EmptyStreet
from passerby.pixels.video import Frame, Recording
from passerby.pixels.watch import Watch, watch_recording
from passerby.redacted import RedactedImage
from passerby.site import Camera


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
        from_people: ask the people all the same; where None, only if the camera has no ground.
        mean_height: of the people with shoes, metres.
        camera_height: above the ground, metres, where it is known.
        seconds: of the recording to watch; all of it where None.
        model: the camera's own where None, else the embedded default.
        fps: true frames per second, where the header lies; the camera's own where None.
        threads: CPU threads; all cores where None.
        progress: told how far the run is, once per frame.

    Raises:
        GroundError: neither the site file nor the people tell it.
        VideoError: the recording cannot be read.
        ModelError: the model cannot be used.
    """
    camera = camera or Camera()
    threads = threads or os.cpu_count() or 1
    recording = Recording(video, fps=fps or camera.fps, threads=threads)
    ask = camera.ground is None if from_people is None else from_people
    fit = None if ask or camera.ground is None else fit_ground(camera.ground, recording.size)
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
        for moment in watch_recording(recording, watch, detector, look=look, progress=tell):
            if seconds is not None and moment.time > recording.start + seconds:
                return
            yield moment

    people = people_of(moments())
    calibration = None
    if fit is None:
        calibration = calibrate(
            people, recording.size, mean_height=mean_height, camera_height=camera_height
        )
        ground = Ground(calibration.homography, calibration.spread, "heights of people")
    else:
        ground = fit.ground
    picture = street.image(list(camera.masks.values()))
    return GroundFound(ground, fit, calibration, picture, recording.size)
