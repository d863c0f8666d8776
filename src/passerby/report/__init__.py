"""What one run of counting found, and the files that tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from passerby.clock import ClockSource
from passerby.errors import Unread
from passerby.measurement import Measurement
from passerby.models import Model
from passerby.redacted import RedactedImage
from passerby.site import Camera

if TYPE_CHECKING:
    from passerby.ground import Ground


@dataclass(frozen=True, slots=True)
class Settings:
    """What the run was told, for the report: nothing that names a file, a box or a person."""

    analyse_fps: float
    interval_seconds: int
    bridge_seconds: float
    reference: str
    threads: int
    passerby_version: str


@dataclass(frozen=True, slots=True)
class Report:
    """The result of counting one recording.

    Attributes:
        site: name of the site.
        camera: name of the camera.
        timezone: IANA name of the site's zone; ``UTC`` where the clock is elapsed time.
        clock: where the clock time came from. With ``elapsed``, 1970-01-01T00:00:00+00:00 is
            the start of the recording.
        start: time of the first frame.
        end: time at which the last frame ends.
        frame_size: width and height of the source in pixels.
        shapes: lines, zones and movements that were measured, in fractions of the picture.
        whole_picture: True where nothing was drawn and the middle line and whole picture were used.
        rows: every measurement, sorted by place, kind, class, direction and start.
        street: the empty street, or None where no part of it could be proven empty.
        model: the detector and its limits.
        settings: what the run was told.
        unread: what could not be read.
        notes: plain sentences a reader of the numbers must know.
        ground: the map from the picture to metres; None where it is not known.
    """

    site: str
    camera: str
    timezone: str
    clock: ClockSource
    start: datetime
    end: datetime
    frame_size: tuple[int, int]
    shapes: Camera
    whole_picture: bool
    rows: tuple[Measurement, ...]
    street: RedactedImage | None
    model: Model
    settings: Settings
    unread: Unread = field(default_factory=Unread)
    notes: tuple[str, ...] = ()
    ground: Ground | None = None

    def write(self, folder: Path) -> dict[str, Path]:
        """Write every file of the report into ``folder`` and return them by name.

        Writes ``measurements.csv``, ``measurements.parquet``, ``counts.xlsx``, ``summary.json``
        and ``report.html``. Each is written beside its name and then moved over it, so that a
        full disk leaves the old file whole.
        """
        from passerby.report.files import write_all

        return write_all(self, folder)
