"""The parts of a recording: video files and folders of numbered images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.clock import aware
from passerby.errors import VideoError

_IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
_UNSET_BEFORE = 1990  # cameras without a clock write 1904 or 1970
_FALLBACK_RATE = 25.0
# Headers count frames roughly; only more than this is missing.
_TOLERATED_SHARE = 0.01
_TOLERATED_SECONDS = 1.0


class Reading(NamedTuple):
    """A frame as it was read.

    ``time`` is in seconds since the first frame of the part, ``turn`` in quarter turns.
    """

    raw: av.VideoFrame | NDArray[np.uint8]
    time: float
    repaired: bool
    size: tuple[int, int]
    turn: int


class Part(Protocol):
    """A file or folder that is one piece of a recording.

    Attributes:
        told_start: POSIX time of its first frame as it tells itself, if it does.
    """

    path: Path
    size: tuple[int, int]
    rate: float
    told_start: float | None

    def named_start(self, pattern: str, zone: tzinfo) -> float:
        """POSIX time that its name tells."""
        ...

    def planned_seconds(self, fps: float | None) -> float | None:
        """How long it should be, by its header."""
        ...

    def read(self, threads: int) -> Iterator[Reading]:
        """Every frame that can be decoded."""
        ...

    def unread(self, frames: int, rate: float) -> list[tuple[int, float, str]]:
        """(frames, seconds, reason) that could not be read, given the frames that were."""
        ...


def find_parts(
    sources: Path | str | Sequence[Path | str], fps: float | None
) -> tuple[list[Part], list[str]]:
    """The parts of a recording in the order of their names, and why others cannot be opened.

    Raises:
        VideoError: none can be read.
    """
    given = [sources] if isinstance(sources, Path | str) else list(sources)
    if not given:
        raise VideoError("no video was given")
    for source in given:
        if "://" in str(source):
            raise VideoError("live streams are not counted here; give files or a folder")
        if not Path(source).exists():
            raise VideoError(f"there is no file {source}")
    paths: list[Path] = []
    for path in map(Path, given):
        if not path.is_dir():
            paths.append(path)
            continue
        inside = sorted((p for p in path.iterdir() if _is_media(p)), key=natural)
        images = [p for p in inside if p.suffix.lower() in _IMAGES]
        if images and len(images) == len(inside):
            if len(given) > 1:
                raise VideoError(f"{path} is a folder of images; count it alone")
            return [ImagesPart(path, images, fps)], []
        paths += [p for p in inside if p not in images]
        if not paths:
            raise VideoError(f"the folder {path} holds no video and no images")
    parts: list[Part] = []
    failed: list[tuple[Path, str]] = []
    for path in paths:
        try:
            parts.append(FilePart(path))
        except VideoError as error:
            failed.append((path, str(error)))
    if not parts:
        raise VideoError("\n".join(f"{path}: {reason}" for path, reason in failed))
    return parts, [f"a file {reason}" for _, reason in failed]


def natural(path: Path) -> list[Any]:
    """Sort key by which frame9 comes before frame10."""
    return [int(t) if t.isdigit() else t.lower() for t in re.split(r"(\d+)", path.name)]


def _is_media(path: Path) -> bool:
    other = {".txt", ".csv", ".json", ".xml", ".yaml", ".yml", ".md", ".srt", ".ini"}
    return path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in other


def _named_start(path: Path, pattern: str, zone: tzinfo) -> float:
    """The time is looked for anywhere in the name."""
    name = path.stem if path.is_file() else path.name
    for begin in range(len(name)):
        for end in range(len(name), begin, -1):
            try:
                time = datetime.strptime(name[begin:end], pattern)  # noqa: DTZ007
            except ValueError:
                continue
            return aware(time, zone).timestamp()
    raise VideoError(
        f"{path}: its name holds no time of the pattern {pattern!r}; "
        "a pattern is like %Y-%m-%d_%H-%M-%S"
    )


class FilePart:
    """One video file."""

    def __init__(self, path: Path) -> None:
        """Open and inspect.

        Raises:
            VideoError: it cannot be opened or holds no video.
        """
        self.path = path
        self._damaged = 0
        try:
            with av.open(str(path)) as container:
                if not container.streams.video:
                    raise VideoError("holds no video")
                stream = container.streams.video[0]
                self._frames = stream.frames
                rate = stream.average_rate or stream.guessed_rate
                self._no_rate = rate is None
                self.rate = float(rate) if rate else _FALLBACK_RATE
                if stream.duration and stream.time_base:
                    self._seconds: float | None = float(stream.duration * stream.time_base)
                elif container.duration:
                    self._seconds = container.duration / av.time_base
                else:
                    self._seconds = None
                self.told_start = _creation_time(
                    {**container.metadata, **stream.metadata}.get("creation_time")
                )
                first = next(container.decode(stream), None)
                if first is None:
                    raise VideoError("holds no frame that can be decoded")
                self.size = _upright((first.width, first.height), _turn(first))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            if path.stat().st_size == 0:
                raise VideoError("is empty") from None
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise VideoError(f"cannot be read as a video: {reason}") from None

    def named_start(self, pattern: str, zone: tzinfo) -> float:
        """See :class:`Part`."""
        return _named_start(self.path, pattern, zone)

    def planned_seconds(self, fps: float | None) -> float | None:
        """See :class:`Part`."""
        if fps:
            frames = self._frames or (self._seconds or 0) * self.rate
            return frames / fps if frames else None
        return self._seconds

    def read(self, threads: int) -> Iterator[Reading]:
        """See :class:`Part`. A damaged packet is skipped and reading goes on."""
        self._damaged = 0
        period = 1 / self.rate
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = threads
            if threads > 1:
                stream.thread_type = "AUTO"
            origin: float | None = None
            last = -period
            for raw in self._decoded(container, stream):
                told = None if raw.pts is None or raw.time_base is None else raw.time
                if told is not None and origin is None:
                    origin = told - (last + period)
                time = None if told is None or origin is None else told - origin
                repaired = time is None or time <= last
                at = last + period if time is None or time <= last else time
                last = at
                turn = _turn(raw)
                yield Reading(raw, at, repaired, _upright((raw.width, raw.height), turn), turn)

    def _decoded(
        self, container: av.container.InputContainer, stream: av.VideoStream
    ) -> Iterator[av.VideoFrame]:
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                self._damaged += 1
                return
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self._damaged += 1
                continue
            for frame in frames:
                assert isinstance(frame, av.VideoFrame)
                if frame.is_corrupt:
                    self._damaged += 1
                else:
                    yield frame

    def unread(self, frames: int, rate: float) -> list[tuple[int, float, str]]:
        """See :class:`Part`."""
        planned = self._frames or (
            0 if self._seconds is None else round(self._seconds * self.rate)
        )
        missing = max(planned - frames, 0)
        if not self._damaged and (
            missing <= _TOLERATED_SHARE * planned or missing <= _TOLERATED_SECONDS * self.rate
        ):
            return []
        missing = max(missing, self._damaged)
        reason = "a part of the video is damaged" if self._damaged else "a file ends too early"
        return [(missing, missing / rate, reason)]


class ImagesPart:
    """A folder of numbered images: 1.jpg, 2.jpg, … in the order of their numbers."""

    def __init__(self, path: Path, images: list[Path], fps: float | None) -> None:
        """Inspect the first image that can be read.

        Raises:
            VideoError: no rate is given, or no image can be read.
        """
        if fps is None:
            raise VideoError(
                f"{path} is a folder of images and tells no frame rate; give it with --fps"
            )
        self.path = path
        self.rate = fps
        self.told_start: float | None = None
        self._images = images
        first = next((i for i in map(_read_image, images) if i is not None), None)
        if first is None:
            raise VideoError(f"{path}: none of its images can be read")
        self.size = (first.shape[1], first.shape[0])
        self._missing = 0

    def named_start(self, pattern: str, zone: tzinfo) -> float:
        """See :class:`Part`: the first image's name tells, else the folder's."""
        try:
            return _named_start(self._images[0], pattern, zone)
        except VideoError:
            return _named_start(self.path, pattern, zone)

    def planned_seconds(self, fps: float | None) -> float | None:
        """See :class:`Part`."""
        return len(self._images) / self.rate

    def read(self, threads: int) -> Iterator[Reading]:
        """See :class:`Part`. A damaged image leaves its time empty."""
        self._missing = 0
        for number, path in enumerate(self._images):
            image = _read_image(path)
            if image is None or (image.shape[1], image.shape[0]) != self.size:
                self._missing += 1
                continue
            yield Reading(image, number / self.rate, False, self.size, 0)

    def unread(self, frames: int, rate: float) -> list[tuple[int, float, str]]:
        """See :class:`Part`."""
        if not self._missing:
            return []
        reason = "images are damaged or of another size than the first"
        return [(self._missing, self._missing / rate, reason)]


def _read_image(path: Path) -> NDArray[np.uint8] | None:
    # imdecode, because imread cannot open every file name on every system.
    data = np.fromfile(path, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    return None if image is None else np.asarray(image, np.uint8)


def _turn(frame: av.VideoFrame) -> int:
    """Quarter turns counter-clockwise that bring the picture upright."""
    return round(getattr(frame, "rotation", 0) / 90) % 4


def _upright(size: tuple[int, int], turn: int) -> tuple[int, int]:
    return (size[1], size[0]) if turn % 2 else size


def _creation_time(text: str | None) -> float | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if time.tzinfo is None or time.year < _UNSET_BEFORE:
        return None
    return time.timestamp()
