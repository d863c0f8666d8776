"""Frames of a recording with true times."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import av
import av.error
import av.logging
import cv2
import numpy as np

from passerby.errors import Unread, VideoError
from passerby.pixels.parts import FilePart, Reading
from passerby.pixels.picture import Picture, Still, to_bgr, to_small_bgr
from passerby.pixels.sources import JOIN_SECONDS, find_parts, place_parts

# FFmpeg's own messages can quote what a camera wrote into the file.
av.logging.set_level(av.logging.PANIC)

_AHEAD = 2  # frames decoded while the detector works; more would leave the processor's cache


class Frame:
    """One frame; its picture is made when it is asked for, each time anew.

    Attributes:
        index: 0-based number in the recording, over all its files.
        time: seconds; POSIX time where the clock is known, else since the start.
        size: width and height in pixels.
    """

    __slots__ = ("_raw", "_turn", "index", "size", "time")

    def __init__(self, index: int, time: float, reading: Reading) -> None:
        self.index = index
        self.time = time
        self._raw = reading.raw
        self._turn = reading.turn
        self.size = reading.size

    @property
    def image(self) -> Picture:
        """(H, W, 3) BGR."""
        raw = self._raw
        return self._upright(to_bgr(raw) if isinstance(raw, av.VideoFrame) else raw)

    def scaled(self, size: tuple[int, int], how: int = cv2.INTER_LINEAR) -> Picture:
        """See :class:`passerby.pixels.picture.Scalable`."""
        if size == self.size:
            return self.image
        lying = size[::-1] if self._turn % 2 else size
        if isinstance(self._raw, av.VideoFrame):
            return self._upright(to_small_bgr(self._raw, lying, how))
        return self._upright(Still(self._raw).scaled(lying, how))

    def _upright(self, picture: Picture) -> Picture:
        return np.ascontiguousarray(np.rot90(picture, self._turn) if self._turn else picture)


class Recording:
    """One recording: a file, several files or a folder, read in order of time.

    Attributes:
        size: width and height in pixels.
        rate: frames per second.
        clock: where the clock time came from.
        start: time of the first frame; 0 with the clock ``elapsed``.
        duration: planned seconds from the first frame to the end of the last, None if unknown.
    """

    def __init__(
        self,
        sources: Path | str | Sequence[Path | str],
        *,
        fps: float | None = None,
        start: datetime | None = None,
        time_pattern: str | None = None,
        zone: tzinfo = UTC,
        threads: int = 1,
    ) -> None:
        """Open and inspect.

        Args:
            sources: files anything FFmpeg reads, or one folder of videos or of numbered images.
                Their order is that of their clock times, else that of
                :func:`passerby.pixels.sources.find_parts`.
            fps: the true rate, where the header lies.
            start: clock time of the first frame; a naive time is in ``zone``.
            time_pattern: strptime pattern of the time in each file's name.
            zone: of the site.
            threads: decoder threads.

        Raises:
            VideoError: nothing can be read, or the parts do not belong together.
        """
        if fps is not None and not 0 < fps <= 1000:
            raise VideoError(f"{fps} is no frame rate; give frames per second, such as 25")
        self._threads = threads
        self._fps = fps
        found, self._failed = find_parts(sources, fps)
        self.size = found[0].size
        for part in found:
            if part.size != self.size:
                raise VideoError(
                    f"{part.path} has pictures of {part.size[0]}x{part.size[1]} pixels, "
                    f"{found[0].path} of {self.size[0]}x{self.size[1]}; count them one by one"
                )
        self.rate = fps or found[0].rate
        self.clock, self._parts, self._begins, self._notes = place_parts(
            found, start=start, pattern=time_pattern, zone=zone, fps=fps
        )
        if fps and abs(found[0].rate - fps) > 0.01 * fps and isinstance(found[0], FilePart):
            self._notes.append(
                f"The file says {found[0].rate:.4g} frames per second; {fps:g} was used as asked."
            )
        if self._failed and None in self._begins:
            self._notes.append(
                "How long the unreadable files are is not known; the others were joined on "
                "without a gap."
            )
        self._unread: list[tuple[int, float, str]] = []
        self.start = self._begins[0] or 0.0
        self.duration = self._planned()

    @property
    def notes(self) -> tuple[str, ...]:
        """Plain sentences a reader of the numbers must know."""
        return tuple(dict.fromkeys(self._notes))

    @property
    def unread(self) -> Unread:
        """What could not be read; complete once the frames are exhausted."""
        reasons = [*self._failed, *(reason for _, _, reason in self._unread)]
        return Unread(
            sum(frames for frames, _, _ in self._unread),
            sum(seconds for _, seconds, _ in self._unread),
            tuple(dict.fromkeys(reasons)),
        )

    def frames(self, since: float | None = None) -> Generator[Frame, None, None]:
        """Frames in order of time, decoded ahead in a thread where several may be used.

        Args:
            since: leave out frames before this time; their numbers are still counted.
        """
        return self._decode(since) if self._threads == 1 else self._decode_ahead(since)

    def _decode_ahead(self, since: float | None) -> Generator[Frame, None, None]:
        ahead: queue.Queue[Frame | BaseException | None] = queue.Queue(_AHEAD)
        stop = threading.Event()

        def put(item: Frame | BaseException | None) -> bool:
            while not stop.is_set():
                try:
                    ahead.put(item, timeout=0.1)
                except queue.Full:
                    continue
                return True
            return False

        def decode() -> None:
            try:
                with closing(self._decode(since)) as frames:
                    for frame in frames:
                        if not put(frame):
                            return
                put(None)
            except BaseException as error:
                put(error)

        thread = threading.Thread(target=decode, name="decode", daemon=True)
        thread.start()
        try:
            while True:
                item = ahead.get()
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()
            thread.join()

    def _planned(self) -> float | None:
        end = self.start
        for part, told in zip(self._parts, self._begins, strict=True):
            seconds = part.planned_seconds(self._fps)
            if seconds is None:
                return None
            end = (end if told is None else told) + seconds
        return end - self.start

    def _decode(self, since: float | None) -> Generator[Frame, None, None]:
        self._unread = []
        index = 0
        period = 1 / self.rate
        last = -float("inf")
        follows = self.start  # where the next part begins if nothing else is known
        overlaps = 0
        for part, told in zip(self._parts, self._begins, strict=True):
            # File times are rough; the camera did not pause.
            close = told is None or abs(told - follows) <= JOIN_SECONDS
            begin = follows if told is None or (index and close) else told
            others = 0
            try:
                for reading in part.read(self._threads):
                    at = begin + reading.time
                    follows = at + period
                    index += 1
                    if reading.size != self.size:
                        others += 1
                    elif at <= last:
                        overlaps += 1
                    else:
                        last = at
                        if since is None or at >= since:
                            yield Frame(index - 1, at, reading)
            except (av.error.FFmpegError, OSError):
                self._lose(0, "a file can no longer be opened")
            losses = part.losses()
            for lost, reason in losses:
                self._lose(lost, reason)
            if losses:  # what is missing at the end had its time too
                follows = max(follows, begin + (part.planned_seconds(self._fps) or 0.0))
            if others:
                self._lose(others, "pictures have another size than the first")
            self._notes += part.notes
        if overlaps:
            self._notes.append(
                f"Files of the recording overlap; {overlaps} frames were there twice and counted "
                "once."
            )
        if last == -float("inf"):
            raise VideoError("no frame of the recording could be decoded")

    def _lose(self, frames: int, reason: str) -> None:
        self._unread.append((frames, frames / self.rate, reason))
