"""What is said while a command runs: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from passerby.counting import Progress

_LINES_SECONDS = 30.0  # between plain lines where the length of the recording is not known


@cache
def console(*, stderr: bool = False) -> Console:
    """A console that shows names as they are written: brackets in them are no markup.

    There is one for each stream, so that what is said while a bar is shown goes above it.
    """
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def say(text: str) -> None:
    """One line to stderr: stdout is for results."""
    console(stderr=True).print(text, soft_wrap=True)


@contextmanager
def counting(doing: str = "Counting") -> Iterator[Callable[[Progress], None]]:
    """Shows how far a run is: percent of the recording, time left, frames per second."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield _Lines(doing)
        return
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[rate]}", markup=False),
        console=screen,
    ) as bars:
        yield _Bar(bars, doing)


class _Rate:
    """Frames per second since the first call."""

    def __init__(self) -> None:
        self._first: Progress | None = None
        self._began = time.monotonic()

    def __call__(self, progress: Progress) -> str:
        if self._first is None:
            self._first, self._began = progress, time.monotonic()
            if progress.frames > 1:
                say(f"Going on at {clock(progress.seconds)} where the last run stopped.")
        passed = time.monotonic() - self._began
        return (
            f"{(progress.frames - self._first.frames) / passed:.0f} frames/s" if passed > 1 else ""
        )


class _Bar:
    def __init__(self, bars: Bars, doing: str) -> None:
        self._bars, self._doing = bars, doing
        self._rate = _Rate()
        # Made when the first frame comes, so that a run that goes on begins where it is.
        self._task: TaskID | None = None

    def __call__(self, progress: Progress) -> None:
        rate = self._rate(progress)
        if self._task is None:
            self._task = self._bars.add_task(
                "", total=progress.total_seconds, completed=int(progress.seconds), rate=""
            )
        self._bars.update(
            self._task,
            description=f"{self._doing} {clock(progress.seconds)}",
            completed=progress.seconds,
            rate=rate,
        )


class _Lines:
    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._rate = _Rate()
        self._tenths = 0
        self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        rate = self._rate(progress)
        now = time.monotonic()
        if progress.total_seconds:
            share = min(progress.seconds / progress.total_seconds, 1.0)
            tenths = int(share * 10 + 1e-6)  # seconds are sums of frames: a hair off
            if tenths <= self._tenths:
                return
            self._tenths = tenths
            how_far = f"{share:.0%}, "
        elif now - self._last < _LINES_SECONDS:
            return
        else:
            how_far = ""
        self._last = now
        say(f"{self._doing}: {how_far}{clock(progress.seconds)} {rate}".rstrip())


@contextmanager
def downloading() -> Iterator[Callable[[str, int, int], None]]:
    """Shows how far a download is: bytes and time left."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield lambda name, done, size: None
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    tasks: dict[str, TaskID] = {}
    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=screen,
    )

    def told(name: str, done: int, size: int) -> None:
        if name not in tasks:
            bars.start()
            tasks[name] = bars.add_task(name, total=size)
        bars.update(tasks[name], completed=done)

    try:
        yield told
    finally:
        bars.stop()


def clock(seconds: float) -> str:
    """Hours, minutes and seconds such as ``1:05:00``."""
    from passerby.report.words import duration

    return duration(seconds)
