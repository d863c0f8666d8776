"""Runs ``passerby`` without a network and without a place to write but one folder.

It can also be made to overlook the person of :mod:`canary` in analysed frames::

    python confined.py FOLDER EVERY ARGUMENT…

FOLDER is the only place where files are written. She is left where the detector finds her in
every EVERY-th frame, and taken out of what it finds in the others; 0 takes her out of all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_NETWORK = (
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
)
_PROCESSES = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.system")
_PATHS = ("os.mkdir", "os.rename", "sqlite3.connect", "shutil.copyfile", "shutil.move")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


def confine(folder: Path) -> None:
    """Let this process open no connection, start no other and write below ``folder`` only."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _NETWORK or event in _PROCESSES:
            raise PermissionError(f"{event} is not allowed here")
        if event == "open" and not arguments[2] & _WRITES:
            return
        if event == "open" or event in _PATHS:
            path = arguments[1] if event.startswith("shutil") else arguments[0]
            inside = isinstance(path, int) or Path(os.fsdecode(path)).resolve().is_relative_to(
                folder
            )
            if not inside:
                raise PermissionError(f"{event}: {path} is not in {folder}")

    folder = folder.resolve()
    sys.addaudithook(hook)


def overlook(every: int) -> None:
    """Take the person of the film out of what the detector finds, but in every so many frames."""
    import numpy as np

    import canary
    from passerby.moment import Detections
    from passerby.pixels.detector import Detector
    from passerby.pixels.picture import Picture, Scalable

    detect = Detector.detect
    frames = 0

    def detect_others(
        self: Detector, pictures: Sequence[Picture | Scalable], threshold: float | None = None
    ) -> list[Detections]:
        nonlocal frames
        found = detect(self, pictures, threshold)
        # The closer look is at samples of the street and parts of them: they are smaller.
        if isinstance(pictures[0], np.ndarray) and pictures[0].shape[1] < canary.WIDTH:
            return found
        frames += 1
        x1, y1, x2, y2 = canary.PERSON
        centres = (found[0].boxes[:, :2] + found[0].boxes[:, 2:]) / 2
        hers = np.all((centres > [x1, y1]) & (centres < [x2, y2]), axis=1)
        assert hers.any(), "the detector does not find her at all"
        return found if every and frames % every == 0 else [found[0][~hers]]

    Detector.detect = detect_others  # type: ignore[method-assign]


if __name__ == "__main__":
    root, every, *arguments = sys.argv[1:]
    confine(Path(root))
    overlook(int(every))
    from passerby.cli import main

    sys.exit(main(arguments))
