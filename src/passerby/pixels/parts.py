"""The parts of a recording: video files and folders of numbered images."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import av
import av.error
import av.stream
import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.errors import VideoError
from passerby.pixels.times import Times, usual_period

Loss = tuple[int, str]
"""Frames that could not be read, and why."""

_UNSET_BEFORE = 1990  # cameras without a clock write 1904 or 1970
_FALLBACK_RATE = 25.0
_CONTAINER_UNIT = Fraction(1, av.time_base)
_STRETCH = 100  # packets by which the rate is measured
_LYING_SHARE = 0.1
# Headers count frames roughly; only what is more than that is missing.
_TOLERATED_SHARE = 0.01
_TOLERATED_SECONDS = 0.5
_REGULAR_SHARE = 0.9  # of the steps in the numbers of images


class Reading(NamedTuple):
    """A frame as it was read.

    ``time`` is in seconds since the start of the part, ``turn`` in quarter turns.
    """

    raw: av.VideoFrame | NDArray[np.uint8]
    time: float
    size: tuple[int, int]
    turn: int


class Part(Protocol):
    """A file or folder that is one piece of a recording.

    Attributes:
        told_start: time of its first frame as it tells itself, if it does; a naive one is in the
            zone of the site.
        notes: plain sentences about its times; complete once it is read.
    """

    path: Path
    size: tuple[int, int]
    rate: float
    told_start: datetime | None
    notes: list[str]

    @property
    def names(self) -> list[str]:
        """Names in which its start may be written, the likeliest first."""
        ...

    def planned_seconds(self, fps: float | None) -> float | None:
        """How long it should be, by its header."""
        ...

    def read(self, threads: int) -> Iterator[Reading]:
        """Every frame that can be decoded."""
        ...

    def losses(self) -> list[Loss]:
        """What could not be read, once everything was."""
        ...


class FilePart:
    """One video file."""

    def __init__(self, path: Path, fps: float | None = None) -> None:
        """Open and inspect.

        Args:
            path: the file.
            fps: the rate to use, if it is known better than from the file.

        Raises:
            VideoError: it cannot be opened, holds no video, or no rate is known.
        """
        self.path = path
        self.notes: list[str] = []
        self._fps = fps
        self._reset()
        if not path.is_file():
            raise VideoError("is not a file")
        try:
            with _open(path) as container:
                stream = _video_stream(container)
                self._planned = stream.frames
                told_rate = float(stream.average_rate or stream.guessed_rate or 0)
                self.rate = told_rate or _FALLBACK_RATE
                self._seconds = _seconds(stream.duration, stream.time_base) or _seconds(
                    container.duration, _CONTAINER_UNIT
                )
                self._exact = bool(self._planned)
                if container.format.name == "avi" and self._planned and told_rate:
                    # It counts the places of frames that were left out too, and its duration
                    # follows the size of the file where that was cut off.
                    self._planned, self._seconds = 0, self._planned / told_rate
                told = {**container.metadata, **stream.metadata}
                first = next(self._decoded(container, stream), None)
                if first is None:
                    raise VideoError("holds no frame that can be decoded")
                if first.pts is None and self._seconds is None and fps is None:
                    raise VideoError("tells neither times nor a frame rate; give it with --fps")
                self.size = _upright((first.width, first.height), _turn(first))
            period = self._measured_period()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            if path.stat().st_size == 0:
                raise VideoError("is empty") from None
            reason = getattr(error, "strerror", None) or type(error).__name__
            if "moov atom not found" in str(error):
                reason = "it was cut off before its index was written"
            raise VideoError(f"cannot be read as a video: {reason}") from None
        self._told_rate: float | None = None
        if period and abs(period * self.rate - 1) > _LYING_SHARE:
            # The average of a header lies where the camera paused, or where it was guessed.
            self._told_rate, self.rate = told_rate, 1 / period
        # Apple's own field is the start; the common one is the start for most recorders.
        self.told_start = _told_time(
            told.get("com.apple.quicktime.creationdate") or told.get("creation_time")
        )

    @property
    def names(self) -> list[str]:
        """See :class:`Part`."""
        return [self.path.stem]

    def planned_seconds(self, fps: float | None) -> float | None:
        """See :class:`Part`."""
        if fps:
            frames = self._planned or (self._seconds or 0) * self.rate
            return frames / fps if frames else None
        return self._seconds

    def read(self, threads: int) -> Iterator[Reading]:
        """See :class:`Part`. A damaged packet is skipped and reading goes on."""
        self._reset()
        with _open(self.path) as container:
            stream = _video_stream(container)
            stream.codec_context.thread_count = threads
            if threads > 1:
                stream.thread_type = "AUTO"
            self._times = Times(_seconds(stream.start_time, stream.time_base), 1 / self.rate)
            raw: av.VideoFrame | None = None
            for following in chain(self._decoded(container, stream), [None]):
                if raw is not None:
                    at = self._times.accept(raw.time, None if following is None else following.time)
                    if self._fps:
                        at = (self._frames + self._damaged) / self._fps
                    self._frames += 1
                    turn = _turn(raw)
                    yield Reading(raw, at, _upright((raw.width, raw.height), turn), turn)
                raw = following
        if self._fps:
            return  # the times of the file are not used
        self.notes += sorted(self._times.notes)
        if self._told_rate:
            self.notes.append(
                f"A file says {self._told_rate:.4g} frames per second, the times of its frames "
                f"say {self.rate:.4g}; the times were used."
            )

    def losses(self) -> list[Loss]:
        """See :class:`Part`.

        A format that counts no frames cannot tell a pause from a loss: where its rate is
        constant otherwise, both are missing frames.
        """
        planned = self._planned or self._packets
        damaged = 0
        if self._damaged:
            damaged = max(planned - self._frames, self._damaged)
        early = holes = 0
        if self._planned:
            early = 0 if damaged else self._planned - self._packets
        elif self._seconds is not None:
            early = round((self._seconds - max(self._times.reached, self._sound)) * self.rate)
        if not self._exact:
            holes = self._times.holes()
        rough = _TOLERATED_SECONDS * self.rate
        fine = min(_TOLERATED_SHARE * (self._planned or self._frames), rough)
        found = [
            (damaged, 0.0, "a part of the video is damaged"),
            (early, fine if self._exact else rough, "a file ends too early"),
            (holes, fine, "frames are missing"),
        ]
        return [(frames, reason) for frames, limit, reason in found if frames > limit]

    def _reset(self) -> None:
        self.notes.clear()
        self._frames = self._packets = self._damaged = 0
        self._sound = 0.0  # how far other streams reach, seconds
        self._times = Times(None, 1 / _FALLBACK_RATE)

    def _measured_period(self) -> float | None:
        told: list[float | None] = []
        with _open(self.path) as container, suppress(av.error.FFmpegError):
            stream = _video_stream(container)
            told.extend(
                _seconds(packet.pts, stream.time_base)
                for packet in islice(container.demux(stream), _STRETCH)
            )
        return usual_period(time for time in told if time is not None)

    def _decoded(
        self, container: av.container.InputContainer, stream: av.VideoStream
    ) -> Iterator[av.VideoFrame]:
        packets = container.demux()
        begin = _seconds(container.start_time, _CONTAINER_UNIT) or 0.0
        while True:
            try:
                packet: av.Packet[Any] | None = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                packet = None  # nothing more can be found in the file; what waits is decoded
            if packet is not None and packet.stream_index != stream.index:
                # Sound may last longer than the pictures, and the header knows the longer one.
                end = _seconds((packet.pts or 0) + (packet.duration or 0), packet.time_base)
                self._sound = max(self._sound, (end or 0.0) - begin)
                continue
            if packet is None or packet.is_corrupt:
                self._damaged += 1
            if packet is not None and (packet.size or packet.dts is not None):
                self._packets += 1
            try:
                frames = stream.decode(packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self._damaged += not (packet and packet.is_corrupt)
                frames = []
            for frame in frames:
                if frame.is_corrupt:
                    self._damaged += 1
                else:
                    yield frame
            if packet is None:
                return


class ImagesPart:
    """A folder of numbered images.

    The images are frames in the order of their numbers. Where the numbers rise by one step nearly
    throughout, a larger step is a gap: its images are missing. Where they do not, or look like
    the time of day, they give the order only.
    """

    def __init__(self, path: Path, images: list[Path], fps: float | None) -> None:
        """Inspect the first image that can be read.

        Args:
            path: the folder.
            images: its images in order.
            fps: frames per second.

        Raises:
            VideoError: no rate is given, or no image can be read.
        """
        if fps is None:
            raise VideoError("is a folder of images and tells no frame rate; give it with --fps")
        self.path = path
        self.rate = fps
        self.told_start: datetime | None = None
        self.notes: list[str] = []
        self._images = images
        self._positions, plain = _positions([image.stem for image in images])
        if not plain:
            self.notes.append(
                "The numbers of the images have gaps; each was taken as the next frame."
            )
        first = next((i for i in map(_read_image, images) if i is not None), None)
        if first is None:
            raise VideoError("holds no image that can be read")
        self.size = (first.shape[1], first.shape[0])
        self._damaged = 0

    @property
    def names(self) -> list[str]:
        """See :class:`Part`."""
        return [self._images[0].stem, self.path.name]

    def planned_seconds(self, fps: float | None) -> float | None:
        """See :class:`Part`."""
        return (self._positions[-1] + 1) / self.rate

    def read(self, threads: int) -> Iterator[Reading]:
        """See :class:`Part`. A damaged image leaves its time empty."""
        self._damaged = 0
        for position, path in zip(self._positions, self._images, strict=True):
            image = _read_image(path)
            if image is None:
                self._damaged += 1
            else:
                size = (image.shape[1], image.shape[0])
                yield Reading(image, position / self.rate, size, 0)

    def losses(self) -> list[Loss]:
        """See :class:`Part`."""
        missing = self._positions[-1] + 1 - len(self._positions)
        found = [
            (self._damaged, "images are damaged"),
            (missing, "images are missing in the numbering"),
        ]
        return [loss for loss in found if loss[0]]


def _positions(names: list[str]) -> tuple[list[int], bool]:
    """The place of each image on the grid of frames, and whether the numbers are plain."""
    order = list(range(len(names)))
    texts = [re.findall(r"\d+", name) for name in names]
    if len({re.sub(r"\d+", "0", name) for name in names}) > 1 or not texts[0]:
        return order, True
    varying = [group for group in zip(*texts, strict=True) if len(set(group)) > 1]
    if len(varying) != 1:
        return order, not varying
    numbers = [int(text) for text in varying[0]]
    steps = [after - before for before, after in pairwise(numbers)]
    step, often = Counter(steps).most_common(1)[0]
    if often == len(steps):
        return order, True
    clock = all(number % 100 < 60 for number in numbers)  # 100059 is followed by 100100
    if clock or step < 1 or often < _REGULAR_SHARE * len(steps) or any(s % step for s in steps):
        return order, False
    return [(number - numbers[0]) // step for number in numbers], True


def _open(path: Path) -> av.container.InputContainer:
    # "file:", because a colon in a name would make a protocol of what stands before it. The list
    # of protocols, because a playlist that is named like a video would be fetched from anywhere.
    return av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="ignore")


def _video_stream(container: av.container.InputContainer) -> av.VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise VideoError("holds no video")


def _seconds(ticks: int | None, unit: Fraction | None) -> float | None:
    return None if ticks is None or unit is None else float(ticks * unit)


def _read_image(path: Path) -> NDArray[np.uint8] | None:
    # imdecode, because imread cannot open every file name on every system.
    try:
        data = np.fromfile(path, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except (OSError, cv2.error):
        return None
    return None if image is None else np.asarray(image, np.uint8)


def _turn(frame: av.VideoFrame) -> int:
    """Quarter turns counter-clockwise that bring the picture upright."""
    return round(frame.rotation / 90) % 4


def _upright(size: tuple[int, int], turn: int) -> tuple[int, int]:
    return (size[1], size[0]) if turn % 2 else size


def _told_time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.year >= _UNSET_BEFORE else None
