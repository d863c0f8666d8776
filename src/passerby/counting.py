"""A recorded video → a Report."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from passerby import __version__
from passerby.clock import from_posix
from passerby.ground_fit import fit_ground
from passerby.measurement import Measurement
from passerby.measures.camera import CameraMeasures
from passerby.moment import Detections
from passerby.pixels.detector import Detector
from passerby.pixels.picture import Scalable
from passerby.pixels.street import EmptyStreet
from passerby.pixels.video import Frame, Recording
from passerby.pixels.watch import Watch, watch_recording
from passerby.report import Report, Settings
from passerby.shapes import Shape, camera_from_shapes, whole_picture
from passerby.site import Camera
from passerby.store.unfinished import UnfinishedRun
from passerby.tracker import MAX_BRIDGE_SECONDS

__all__ = ["Progress", "Report", "count"]


class Progress(NamedTuple):
    """How far a run is.

    Attributes:
        frames: read so far.
        seconds: of the recording, read so far.
        total_seconds: planned length of the recording; None where it tells none.
    """

    frames: int
    seconds: float
    total_seconds: float | None


def count(
    video: Path | str | Sequence[Path | str],
    camera: Camera | None = None,
    *,
    lines: Sequence[Shape] = (),
    zones: Sequence[Shape] = (),
    site: str | None = None,
    name: str | None = None,
    zone: tzinfo = UTC,
    model: str | Path | None = None,
    fps: float | None = None,
    analyse_fps: float | None = None,
    start: datetime | None = None,
    time_pattern: str | None = None,
    interval_seconds: int = 900,
    bridge_seconds: float = 2.0,
    threads: int | None = None,
    out: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Count the road users in a recording.

    Args:
        video: a file, several files or a folder: one recording, see
            :class:`passerby.pixels.video.Recording`.
        camera: what to measure; the whole picture and a middle line each way where nothing is
            drawn in it nor given by ``lines`` and ``zones``.
        lines: more lines, in pixels or fractions.
        zones: more zones.
        site: name of the site; the name of the recording where None.
        name: name of the camera; the name of the recording where None.
        zone: of the site's clock; a naive ``start`` is in it.
        model: the camera's own where None, else the embedded default.
        fps: true frames per second, where the header lies; the camera's own where None.
        analyse_fps: frames to analyse per second; the camera's own where None, else 10.
        start: clock time of the first frame.
        time_pattern: strptime pattern of the time in the file names.
        interval_seconds: length of an interval; at least 60, divides an hour.
        bridge_seconds: how long a road user may be unseen, 0 to 5.
        threads: CPU threads; all cores where None.
        out: folder for the files of the report, see :meth:`Report.write`. It also keeps what is
            counted while the run lasts: after an interruption the same call goes on there.
        progress: told how far the run is, once per frame.

    Raises:
        VideoError: the recording cannot be read.
        ModelError: the model cannot be used.
        SiteError: a line or zone cannot be used.
        GroundError: the camera's ground cannot be known from what the site says.
        ValueError: an interval or a bridging time outside its range.
    """
    if not 0 <= bridge_seconds <= MAX_BRIDGE_SECONDS:
        raise ValueError(f"the bridging time is {bridge_seconds} s; it must be from 0 to 5 s")
    camera = camera or Camera()
    threads = threads or os.cpu_count() or 1
    recording = Recording(
        video,
        fps=fps or camera.fps,
        start=start,
        time_pattern=time_pattern,
        zone=zone,
        threads=threads,
    )
    zone = UTC if recording.clock == "elapsed" else zone
    camera = camera_from_shapes(camera, lines, zones, recording.size)
    nothing_drawn = not (camera.lines or camera.zones)
    if nothing_drawn:
        camera = whole_picture(camera)
    detector = Detector.load(model or camera.model, threads)
    watch = Watch(
        camera,
        size=recording.size,
        rate=recording.rate,
        model=detector.model,
        analyse_fps=analyse_fps,
        bridge_seconds=bridge_seconds,
    )
    ground = fit_ground(camera.ground, recording.size).ground if camera.ground else None
    title = _title(video)
    measures = CameraMeasures(
        site=site or title,
        name=name or title,
        camera=camera,
        size=recording.size,
        classes=detector.model.classes,
        zone=zone,
        interval_seconds=interval_seconds,
        bridge_seconds=bridge_seconds,
        ground=ground,
        saturation=detector.model.saturation,
    )
    settings = Settings(
        analyse_fps=round(1 / watch.period, 3),
        interval_seconds=interval_seconds,
        bridge_seconds=bridge_seconds,
        reference=camera.reference,
        threads=threads,
        passerby_version=__version__,
    )
    unfinished = None
    if out is not None:
        told = [site, name, str(zone), camera.model_dump_json(), str(model), fps]
        told += [str(start), time_pattern, str(replace(settings, threads=0))]
        unfinished = UnfinishedRun(out, _fingerprint(video, told), zone)
    street = EmptyStreet(recording.size, lambda picture: detector.detect([picture])[0])
    rows, end = _watch(recording, watch, detector, measures, street, unfinished, progress)
    report = Report(
        site=site or title,
        camera=name or title,
        timezone=zone.key if isinstance(zone, ZoneInfo) else "UTC",
        clock=recording.clock,
        start=from_posix(recording.start, zone),
        end=from_posix(end, zone),
        frame_size=recording.size,
        shapes=camera.model_copy(update={"source": None}),
        whole_picture=nothing_drawn,
        rows=tuple(sorted(rows, key=lambda row: (row.key[2:6], row.start.timestamp()))),
        street=street.image(list(camera.masks.values())),
        model=detector.model,
        settings=settings,
        unread=recording.unread,
        notes=recording.notes,
        ground=ground,
    )
    if out is not None and unfinished is not None:
        report.write(out)
        unfinished.done()
    return report


def _watch(
    recording: Recording,
    watch: Watch,
    detector: Detector,
    measures: CameraMeasures,
    street: EmptyStreet,
    unfinished: UnfinishedRun | None,
    progress: Callable[[Progress], None] | None,
) -> tuple[list[Measurement], float]:
    """Watch the recording to its end: every row, and the time at which the last frame ends."""
    rows = list(unfinished.rows) if unfinished else []
    since = unfinished.since if unfinished else None
    closed_until = unfinished.closed_until if unfinished else float("-inf")
    end = recording.start

    def look(frame: Frame, picture: Scalable, found: Detections) -> None:
        street.accept(frame.time, picture, found)

    def tell(frame: Frame) -> None:
        nonlocal end
        end = frame.time + 1 / recording.rate
        if progress is not None:
            progress(Progress(frame.index + 1, end - recording.start, recording.duration))

    def keep(closed: list[Measurement]) -> None:
        # A run that goes on begins in an interval that is closed already: that stays as it is.
        fresh = [row for row in closed if row.start.timestamp() >= closed_until]
        rows.extend(fresh)
        if unfinished is not None and fresh:
            until = max(row.start.timestamp() + row.seconds for row in fresh)
            unfinished.keep(fresh, measures.needed_since, until)

    for moment in watch_recording(
        recording, watch, detector, since=since, look=look, progress=tell
    ):
        keep(measures.accept(moment))
    keep(measures.finish())
    return rows, end


def _title(video: Path | str | Sequence[Path | str]) -> str:
    """What a recording is called where nobody named it: after its file or folder."""
    first = Path(video if isinstance(video, Path | str) else video[0]).resolve()
    name = first.name if first.is_dir() else first.stem
    return "".join(letter for letter in name if letter.isprintable()).strip() or "recording"


def _fingerprint(
    video: Path | str | Sequence[Path | str], told: Sequence[str | float | None]
) -> str:
    """A hash of everything the counts depend on: the files as they are, and the settings."""
    given = [video] if isinstance(video, Path | str) else video
    files = [
        file for path in map(Path, given) for file in (path.iterdir() if path.is_dir() else [path])
    ]
    states = [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in sorted(files)]
    return hashlib.sha256(json.dumps([states, told]).encode()).hexdigest()
