"""The clips whose truth is known, and that truth as plain arrays."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from passerby.moment import CLASSES, Floats, Ints

ROOT = Path(__file__).resolve().parent.parent

PEOPLE = ("person",)
VEHICLES = tuple(name for name in CLASSES if name not in ("person", "bicycle"))


def shared_folder() -> Path:
    """The folder of real data and model files (``PASSERBY_SHARED``, else beside the checkout).

    Raises:
        SystemExit: there is none.
    """
    folder = Path(os.environ.get("PASSERBY_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        raise SystemExit(
            f"no real data at {folder}: set PASSERBY_SHARED to the folder that holds it"
        )
    return folder


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Boxes of a clip with identities, as parallel arrays of length N.

    Attributes:
        frames: (N,) 0-based numbers of the frames.
        ids: (N,) identities.
        boxes: (N, 4) pixels x1, y1, x2, y2.
    """

    frames: Ints
    ids: Ints
    boxes: Floats

    @classmethod
    def of(cls, frames: Ints, ids: Ints, boxes: Floats) -> Tracks:
        """Tracks in order of frames."""
        order = np.argsort(frames, kind="stable")
        return cls(frames[order], ids[order], boxes[order])

    def reaching(self, below: float) -> Tracks:
        """The boxes whose lower edge lies below that height of the picture, pixels."""
        keep = self.boxes[:, 3] > below
        return Tracks(self.frames[keep], self.ids[keep], self.boxes[keep])

    def lasting(self, frames: int) -> int:
        """Number of identities that have at least so many boxes."""
        return int((np.unique(self.ids, return_counts=True)[1] >= frames).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A clip and its truth.

    Attributes:
        name: as the command line takes it.
        video: the file.
        size: width and height, pixels.
        rate: true frames per second.
        frames: how many there are.
        classes: names of the classes that the truth is about.
        region: the truth covers what reaches below this height of the picture, pixels.
        lines: by name, from bottom to top, so that forward is rightwards.
        truth: every box within the region.
        least_frames: a road user counts from so many frames in the region on.
    """

    name: str
    video: Path
    size: tuple[int, int]
    rate: float
    frames: int
    classes: tuple[str, ...]
    region: float
    lines: dict[str, tuple[tuple[float, float], tuple[float, float]]]
    truth: Tracks
    least_frames: int


def load_clips(shared: Path) -> dict[str, Clip]:
    """Every clip with a truth, by name."""
    clips = [_pets(shared / "data" / "pets2009")]
    clips += [_tfl(shared / "data" / "tfl_jamcam", number) for number in (5, 7)]
    return {clip.name: clip for clip in clips}


def _pets(folder: Path) -> Clip:
    """People on a campus; the file says 10 frames per second, the truth is 7."""
    # The seventh column marks 174 small boxes that the MOT challenge leaves out; people they are.
    rows = np.loadtxt(folder / "gt.txt", delimiter=",")
    boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
    truth = Tracks.of(rows[:, 0].astype(np.int64) - 1, rows[:, 1].astype(np.int64), boxes)
    return Clip(
        name="pets",
        video=folder / "pets09_s2l1_view001.avi",
        size=(768, 576),
        rate=7.0,
        frames=795,
        classes=PEOPLE,
        region=0.0,
        # x = 430 runs through a sign post that hides people.
        lines={f"x={x}": ((x, 400.0), (x, 100.0)) for x in (250, 430)},
        truth=truth,
        least_frames=1,
    )


def _tfl(folder: Path, number: int) -> Clip:
    """A London traffic camera; the truth covers the bottom two thirds of the picture."""
    with (folder / f"clip{number}.csv").open(newline="") as file:
        rows = [
            [float(row[key]) for key in ("frame_1based", "id", "x", "y", "w", "h")]
            for row in csv.DictReader(file)
        ]
    table = np.array(rows)
    boxes = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], axis=1)
    frames, ids = table[:, 0].astype(np.int64) - 1, table[:, 1].astype(np.int64)
    height = 288
    return Clip(
        name=f"tfl{number}",
        video=folder / f"clip{number}.mp4",
        size=(352, height),
        rate=25.0,
        frames=int(frames.max()) + 1,
        classes=VEHICLES,
        region=height / 3,
        lines={},
        truth=Tracks.of(frames, ids, boxes).reaching(height / 3),
        least_frames=10,
    )
