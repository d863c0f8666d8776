"""The demonstration: finds its clip, and says what to measure in it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from passerby.download import Progress, digest, download
from passerby.errors import PasserbyError
from passerby.models import cache_folder
from passerby.site import make_camera

CAMERA = make_camera(
    lines={
        "west": ((0.326, 0.694), (0.326, 0.174)),
        "north": ((0.76, 0.24), (0.93, 0.36)),
        "south": ((0.95, 0.44), (0.74, 0.74)),
    },
    zones={
        "junction": (
            (0.34, 0.34),
            (0.60, 0.36),
            (0.76, 0.25),
            (0.93, 0.37),
            (0.93, 0.47),
            (0.75, 0.73),
            (0.34, 0.50),
        ),
    },
    movements={
        "right": ("west", "south"),
        "left": ("south", "west"),
        "up": ("south", "north"),
        "down": ("north", "south"),
    },
    fps=7,
)
"""What is measured in the clip. Its header says 10 frames per second; it was filmed at 7."""

_NAME = "vtest.avi"
_SIZE = 8131690
_SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"
_URL = "https://raw.githubusercontent.com/opencv/opencv/4.x/samples/data/vtest.avi"
_PACKAGE = "opencv-doc"
_DEBIAN_PATH = Path("usr/share/doc/opencv-doc/examples/data") / _NAME
_DEBIAN = Path("/") / _DEBIAN_PATH


def find_clip(say: Callable[[str], None], progress: Progress | None = None) -> Path:
    """OpenCV's ``vtest.avi``, from the nearest place that has it.

    Looked for in the cache and in Debian's package ``opencv-doc`` if that is installed, then
    fetched into the cache: from OpenCV's public address, else out of the Debian package, which is
    downloaded for it and not installed.

    Args:
        say: told in one line what is done.
        progress: told as the bytes come.

    Raises:
        PasserbyError: none of these places has it.
    """
    cached = cache_folder() / "demo" / _NAME
    for path in (cached, _DEBIAN):
        if _is_clip(path):
            say(f"The clip is here already: {path}")
            return path
    say(f"Fetching the clip (8 MB) from {_URL}")
    try:
        download(_URL, cached, size=_SIZE, algorithm="sha256", expected=_SHA256, progress=progress)
        return cached
    except PasserbyError as error:
        online = str(error)
    say(f"{online}\nTaking it out of the Debian package {_PACKAGE} instead (96 MB to download)")
    try:
        _unpack_from_debian(cached)
    except (OSError, subprocess.CalledProcessError, PasserbyError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise PasserbyError(
            f"the clip of the demonstration could not be fetched:\n  {online}\n"
            f"  apt-get download {_PACKAGE}: {said.strip()}\n"
            f"Copy OpenCV's samples/data/{_NAME} to {cached}, or count a video of your own: "
            "passerby count VIDEO"
        ) from None
    return cached


def _is_clip(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == _SIZE and digest(path, "sha256") == _SHA256


def _unpack_from_debian(target: Path) -> None:
    """Download the package into a folder that is thrown away, and keep the clip."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        try:
            _run("apt-get", "download", _PACKAGE, folder=folder)
        except subprocess.CalledProcessError:
            # A bare machine has no package lists. These are our own: nobody needs to be root.
            (folder / "lists" / "partial").mkdir(parents=True)
            own = ("-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder}")
            _run("apt-get", *own, "update", folder=folder)
            _run("apt-get", *own, "download", _PACKAGE, folder=folder)
        package = next(folder.glob("*.deb"))
        _run("dpkg-deb", "-x", str(package), "tree", folder=folder)
        clip = folder / "tree" / _DEBIAN_PATH
        if not _is_clip(clip):
            raise PasserbyError("the clip in the package is not the one that was meant")
        shutil.move(clip, target)


def _run(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
