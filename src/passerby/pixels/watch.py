"""Joins one camera: video → detector → road users → tracker → Moments."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from passerby.errors import SiteError
from passerby.models import Model
from passerby.moment import Detections, Moment
from passerby.pixels.detector import Detector
from passerby.pixels.picture import Scalable, Still
from passerby.pixels.video import Frame, Recording
from passerby.road_users import road_users
from passerby.site import Camera
from passerby.tracker import Tracker, Tuning

ANALYSE_FPS = 10.0
"""Analysed frames a second where nobody says otherwise.

A pedestrian at 1.5 m/s goes 0.15 m between two of them, a car at 50 km/h 1.4 m, a third of its
length: boxes of one road user still overlap from frame to frame.
"""

# Frames that are tracked in one go, of a second at most: alone, each would find the processor's
# caches full of the detector's numbers.
_TOGETHER = 8

_LONGEST_GAP_SECONDS = 1.0
_LONGEST_PERIOD_SECONDS = 1.0


def longest_gap(period: float) -> float:
    """Seconds between analysed frames above which the time in between was not observed."""
    return max(_LONGEST_GAP_SECONDS, 2 * period)


class Sampler:
    """Chooses the frames to analyse: those nearest to a steady beat.

    The beat is counted in whole numbers from the first frame, so that no rounding adds up and a
    rate such as 12.5 of 30 frames a second loses none. After a gap the beat begins anew.
    """

    def __init__(self, rate: float, analyse_fps: float | None) -> None:
        """Plan.

        Args:
            rate: frames per second of the source.
            analyse_fps: frames to analyse per second; :data:`ANALYSE_FPS` where None.
        """
        wanted = min(analyse_fps or ANALYSE_FPS, rate)
        self.period = 1 / wanted
        self._every_frame = wanted > 0.999 * rate
        self._early = 0.5 / rate  # a frame may come so long before its beat
        self._origin = -np.inf
        self._beat = 0

    def takes(self, time: float) -> bool:
        """Whether the frame at ``time`` (seconds, rising) is to be analysed."""
        if self._every_frame:
            return True
        late = time - self._origin - self._beat * self.period + self._early
        if late < -1e-9:
            return False
        if late > longest_gap(self.period):
            self._origin, self._beat, late = time, 0, self._early
        self._beat += 1 + int(late / self.period)
        return True


class Watch:
    """One camera being watched: it is offered frames and accepts what was detected in them.

    It detects nothing itself, so that one process can step several cameras with one detector::

        picture = watch.offer(frame)
        if picture is not None:
            for moment in watch.accept(frame, *detector.detect([picture])):
                ...
    """

    def __init__(
        self,
        camera: Camera,
        *,
        size: tuple[int, int],
        rate: float,
        model: Model,
        analyse_fps: float | None = None,
        bridge_seconds: float = 2.0,
        look_ahead: float | None = None,
        together: int | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        """Begin with an empty street.

        Args:
            camera: whose masks are painted over; its lines and zones do not matter here.
            size: width and height of its pictures in pixels.
            rate: its frames per second.
            model: the detector whose boxes will be accepted.
            analyse_fps: frames to analyse per second; the camera's own where None, else
                :data:`ANALYSE_FPS`.
            bridge_seconds: how long a road user may be unseen, 0 to 5.
            look_ahead: see :class:`passerby.tracker.Tracker`.
            together: analysed frames that wait to be tracked in one go, which is quicker; those
                of a second where None, at most 8; 1 to hear of each without delay.
            tuning: of the tracker; the usual one with the thresholds of the model where None.

        Raises:
            SiteError: frames so rare that nobody could be followed from one to the next.
            ValueError: a bridging time outside its range.
        """
        self._sampler = Sampler(rate, analyse_fps or camera.analyse_fps)
        if self.period > _LONGEST_PERIOD_SECONDS:
            raise SiteError(
                f"{1 / self.period:g} analysed frames a second are too few to follow anybody from "
                f"one to the next; give at least {1 / _LONGEST_PERIOD_SECONDS:g}"
            )
        self._tuning = tuning or Tuning(
            confident=model.threshold, confident_vehicle=model.vehicle_threshold
        )
        self._tracker = Tracker(self._tuning, bridge_seconds=bridge_seconds, look_ahead=look_ahead)
        width, height = size
        self._masks = [
            np.round(np.array(mask) * [width, height]).astype(np.int32)
            for mask in camera.masks.values()
        ]
        self._together = together or max(1, min(_TOGETHER, int(1 / self.period)))
        self._untracked: list[tuple[int, float, Detections]] = []
        # When each analysed frame that was not told yet was seen, and when the one after it was.
        self._times: deque[float] = deque()
        self._told: deque[Moment] = deque()

    @property
    def period(self) -> float:
        """Planned seconds between two analysed frames."""
        return self._sampler.period

    def offer(self, frame: Frame) -> Scalable | None:
        """The picture to look at, masks painted over, or None where the frame is not analysed."""
        if not self._sampler.takes(frame.time):
            return None
        if not self._masks:
            return frame
        picture = frame.image.copy()
        cv2.fillPoly(picture, self._masks, (114, 114, 114))
        return Still(picture)

    def accept(self, frame: Frame, found: Detections) -> list[Moment]:
        """Take what was detected in a frame that :meth:`offer` wanted.

        Returns:
            the Moments that can now be told, oldest first: they lag behind the frame by the
            look-ahead and by the frames that are tracked in one go, and by one frame more
            because a Moment lasts until the next.
        """
        self._untracked.append((frame.index, frame.time, found))
        if len(self._untracked) < self._together:
            return []
        self._track()
        return self._lasting(last=False)

    def finish(self) -> list[Moment]:
        """The Moments that are left."""
        self._track()
        self._told.extend(self._tracker.finish())
        return self._lasting(last=True)

    def _track(self) -> None:
        """Track what waits."""
        for index, time, found in self._untracked:
            self._times.append(time)
            limits = self._tuning.limits(found.codes)
            # What is too doubtful to continue a track makes nobody a rider either.
            plain = found[found.scores >= self._tuning.doubtful * limits]
            users = road_users(plain, self._tuning.confident_vehicle)
            self._told.extend(self._tracker.accept(index, time, users))
        self._untracked.clear()

    def _lasting(self, last: bool) -> list[Moment]:
        """Say for how long each Moment stands."""
        moments = []
        while self._told and (last or len(self._times) > 1):
            moment = self._told.popleft()
            begin = self._times.popleft()
            gap = self._times[0] - begin if self._times else np.inf
            observed = gap <= longest_gap(self.period)
            moments.append(replace(moment, seconds=gap if observed else self.period))
        return moments


def watch_recording(
    recording: Recording,
    watch: Watch,
    detector: Detector,
    *,
    since: float | None = None,
    look: Callable[[Frame, Scalable, Detections], None] | None = None,
    progress: Callable[[Frame], None] | None = None,
) -> Iterator[Moment]:
    """Every Moment of a recording, in order of time.

    Args:
        recording: the frames.
        watch: of the camera that made it.
        detector: finds the road users.
        since: leave out frames before this time.
        look: shown every analysed frame, its picture and all that was detected in it.
        progress: told of every frame that was read.
    """
    for frame in recording.frames(since):
        picture = watch.offer(frame)
        if picture is not None:
            (found,) = detector.detect([picture])
            if look is not None:
                look(frame, picture, found)
            yield from watch.accept(frame, found)
        if progress is not None:
            progress(frame)
    yield from watch.finish()


def moments(
    source: Path | str | Sequence[Path | str],
    *,
    model: str | Path | None = None,
    fps: float | None = None,
    analyse_fps: float | None = None,
    threads: int | None = None,
) -> Iterator[Moment]:
    """Every Moment of a recording, in memory only.

    A Moment is told with a lag of the bridging time (2 s) and some frames, when it is known which
    tracks were real; predicted boxes of tracks out of sight for less than 2 s are among them.

    Args:
        source: a video file, several of them, or a folder of videos or numbered images.
        model: a name that ``passerby models`` lists, a path to an ONNX or OpenVINO file, or None
            for the embedded default.
        fps: true frames per second, where the header lies.
        analyse_fps: frames to analyse per second; :data:`ANALYSE_FPS` where None.
        threads: CPU threads; all cores where None.

    Yields:
        :class:`passerby.Moment`, times rising.

    Raises:
        VideoError: the recording cannot be read.
        ModelError: the model cannot be used.
    """
    threads = threads or os.cpu_count() or 1
    recording = Recording(source, fps=fps, threads=threads)
    detector = Detector.load(model, threads)
    watch = Watch(
        Camera(),
        size=recording.size,
        rate=recording.rate,
        model=detector.model,
        analyse_fps=analyse_fps,
    )
    return watch_recording(recording, watch, detector)
