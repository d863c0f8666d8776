"""Frames of a recording with true times."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import av
import av.error
import av.logging
import numpy as np
from numpy.typing import NDArray

from passerby.clock import ClockSource
from passerby.errors import Unread, VideoError
from passerby.pixels.parts import FilePart, Part, Reading, find_parts

# FFmpeg's own messages can quote what a camera wrote into the file.
av.logging.set_level(av.logging.PANIC)

_AHEAD = 8  # frames decoded while the detector works; more would only fill memory
_JITTER_SECONDS = 1.0
_REPEATED = "the times of some frames ran backwards or were missing and were repaired by the rate"


class Frame:
    """One frame; its picture is made when it is asked for.

    Attributes:
        index: 0-based number in the recording, over all its files.
        time: seconds; POSIX time where the clock is known, else since the start.
        size: width and height in pixels.
    """

    __slots__ = ("_image", "_raw", "_turn", "index", "size", "time")

    def __init__(self, index: int, time: float, reading: Reading) -> None:
        self.index = index
        self.time = time
        self._raw: av.VideoFrame | NDArray[np.uint8] | None = reading.raw
        self._turn = reading.turn
        self._image: NDArray[np.uint8] | None = None
        self.size = reading.size

    @property
    def image(self) -> NDArray[np.uint8]:
        """(H, W, 3) BGR."""
        if self._image is None:
            raw = self._raw
            assert raw is not None
            image = raw.to_ndarray(format="bgr24") if isinstance(raw, av.VideoFrame) else raw
            if self._turn:
                image = np.rot90(image, self._turn)
            self._image = np.ascontiguousarray(image, dtype=np.uint8)
            self._raw = None
        return self._image


class Recording:
    """One recording: a file, several files or a folder, read in order of time.

    Attributes:
        size: width and height in pixels.
        rate: frames per second.
        clock: where the clock time came from.
        start: time of the first frame; 0 with the clock ``elapsed``.
        duration: planned seconds from the first frame to the end of the last, None if unknown.
        notes: plain sentences a reader of the numbers must know.
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
        self._unread: list[tuple[int, float, str]] = []
        self._notes: list[str] = []
        self._threads = threads
        self._fps = fps
        parts, failed = find_parts(sources, fps)
        self._unread += [(0, 0.0, reason) for reason in failed]
        self.size = parts[0].size
        for part in parts:
            if part.size != self.size:
                raise VideoError(
                    f"{part.path} has pictures of {part.size[0]}x{part.size[1]} pixels, "
                    f"{parts[0].path} of {self.size[0]}x{self.size[1]}; count them one by one"
                )
        self.rate = fps or parts[0].rate
        if fps and abs(parts[0].rate - fps) > 0.01 * fps and isinstance(parts[0], FilePart):
            self._notes.append(
                f"The file says {parts[0].rate:g} frames per second; {fps:g} was used as asked."
            )
        self.clock, self._parts = self._set_clock(parts, start, time_pattern, zone)
        self.start = self._parts[0][1]
        lasts = [(s, p.planned_seconds(self.rate if fps else None)) for p, s in self._parts]
        known = lasts[-1][1]
        self.duration = None if known is None else lasts[-1][0] + known - self.start

    @property
    def notes(self) -> tuple[str, ...]:
        """Plain sentences a reader of the numbers must know."""
        return tuple(dict.fromkeys(self._notes))

    @property
    def unread(self) -> Unread:
        """What could not be read; complete once the frames are exhausted."""
        return Unread(
            sum(frames for frames, _, _ in self._unread),
            sum(seconds for _, seconds, _ in self._unread),
            tuple(dict.fromkeys(reason for _, _, reason in self._unread)),
        )

    def frames(self, since: float | None = None) -> Iterator[Frame]:
        """Frames in order of time, decoded ahead in a thread.

        Args:
            since: leave out frames before this time; their numbers are still counted.
        """
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

    def _set_clock(
        self, parts: list[Part], start: datetime | None, pattern: str | None, zone: tzinfo
    ) -> tuple[ClockSource, list[tuple[Part, float | None]]]:
        """Where each part begins; None where it follows the one before without a gap."""
        clock: ClockSource = "elapsed"
        begins: list[float | None] = [None] * len(parts)
        told = [part.told_start for part in parts]
        if all(time is not None for time in told) and (len(set(told)) == len(told)):
            clock, begins = "metadata", list(told)
        elif pattern:
            clock, begins = "file names", [part.named_start(pattern, zone) for part in parts]
        if start is not None:
            aware = start.replace(tzinfo=zone) if start.tzinfo is None else start
            first = begins[0]
            begins = [
                aware.timestamp() + (b - first if b is not None and first is not None else 0.0)
                if b is not None or i == 0
                else None
                for i, b in enumerate(begins)
            ]
            clock = "start"
        if clock == "elapsed":
            begins[0] = 0.0
        if all(b is not None for b in begins):
            order = sorted(range(len(parts)), key=lambda i: begins[i] or 0.0)
            parts, begins = [parts[i] for i in order], [begins[i] for i in order]
        return clock, list(zip(parts, begins, strict=True))

    def _decode(self, since: float | None) -> Iterator[Frame]:
        index = 0
        period = 1 / self.rate
        last = -float("inf")
        follows = self._parts[0][1] or 0.0  # where the next part begins if nothing else is known
        overlaps = 0
        for number, (part, told) in enumerate(self._parts):
            begin = follows if told is None else told
            if number and abs(begin - follows) <= _JITTER_SECONDS:
                begin = follows  # file times are rough; the camera did not pause
            frames = 0
            with closing(part.read(self._threads)) as readings:
                for reading in readings:
                    if self._fps:
                        at = begin + frames / self._fps
                    else:
                        at = begin + reading.time
                        if reading.repaired:
                            self._notes.append(f"In the recording {_REPEATED}.")
                    frames += 1
                    follows = at + period
                    index += 1
                    if at <= last:
                        overlaps += 1
                        continue
                    last = at
                    if since is None or at >= since:
                        yield Frame(index - 1, at, reading)
            self._unread += part.unread(frames, self.rate)
        if overlaps:
            self._notes.append(
                f"Files of the recording overlap; {overlaps} frames were there twice and counted once."
            )
        if not index:
            raise VideoError("no frame of the recording could be decoded")


