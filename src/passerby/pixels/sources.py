"""Which parts a recording has, their order, and when each begins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from passerby.clock import ClockSource, aware, shown_twice
from passerby.errors import VideoError
from passerby.pixels.parts import FilePart, ImagesPart, Part

_IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
_OTHER = {
    *("", ".txt", ".csv", ".json", ".xml", ".yaml", ".yml", ".md", ".srt", ".ini", ".log", ".db"),
    *(".html", ".pdf", ".zip", ".idx", ".thm", ".lrv", ".wav", ".mp3", ".aac", ".m4a"),
}
JOIN_SECONDS = 1.0
"""File times are rough: parts this close follow each other without a gap."""

_LONGEST_GAP_SECONDS = 31 * 86400.0  # a longer one is a camera whose clock was not set

_TWICE = "A time given without offset is shown twice, as summer time ends; the first was taken."
_METADATA = (
    "The clock time comes from the metadata of the files. Some recorders write the end of the "
    "recording there, or local time as if it were UTC; give --start where it is wrong."
)
_PATTERN_IDLE = "The metadata of the files tell the time; the pattern for their names was not used."
_ENDS = "The times in the metadata fit the lengths of the files only as ends, and were so taken."
_CONTRADICT = (
    "The times in the metadata fit neither the lengths of the files nor each other; "
    "they were not used."
)


class Placed(NamedTuple):
    """Parts in order, and when each begins; None where it follows the one before.

    Times are in POSIX seconds, or since the start with the clock ``elapsed``.
    """

    clock: ClockSource
    parts: list[Part]
    begins: list[float | None]
    notes: list[str]


def find_parts(
    sources: Path | str | Sequence[Path | str], fps: float | None
) -> tuple[list[Part], list[str]]:
    """The parts of a recording in order of their names, and why others cannot be opened.

    Files in a folder are in natural order: 9 comes before 10. So are files given one by one
    whose names differ in numbers only; others stay as given.

    Raises:
        VideoError: none can be read.
    """
    given = [Path(s) for s in ([sources] if isinstance(sources, Path | str) else sources)]
    if not given:
        raise VideoError("no video was given")
    for source in given:
        # Not shown: a name and a password can stand in an address.
        if re.match(r"[a-z][a-z0-9+.-]+:/", str(source), re.IGNORECASE):
            raise VideoError("live streams are not counted here; give files or a folder")
        if not source.exists():
            raise VideoError(f"there is no file {source}")
    if len({re.sub(r"\d+", "0", str(path)) for path in given}) == 1:
        given.sort(key=natural)
    paths: list[Path] = []
    for path in given:
        if not path.is_dir():
            if _is_image(path):
                raise VideoError(f"{path} is an image; give the folder that holds the images")
            paths.append(path)
            continue
        try:
            inside = sorted(filter(_is_media, path.iterdir()), key=natural)
        except OSError as error:
            raise VideoError(f"{path} cannot be read: {error.strerror}") from None
        videos = [p for p in inside if not _is_image(p)]
        if not inside:
            raise VideoError(f"the folder {path} holds no video and no images")
        if not videos:
            if len(given) > 1:
                raise VideoError(f"{path} is a folder of images; count it alone")
            try:
                return [ImagesPart(path, inside, fps)], []
            except VideoError as error:
                raise VideoError(f"{path} {error}") from None
        paths += videos
    if len({path.resolve() for path in paths}) < len(paths):
        raise VideoError("a file is given twice")
    parts: list[Part] = []
    failed: list[tuple[int, str]] = []
    for number, path in enumerate(paths):
        try:
            parts.append(FilePart(path, fps))
        except VideoError as error:
            failed.append((number, str(error)))
    if not parts:
        raise VideoError("\n".join(f"{paths[number]} {reason}" for number, reason in failed))
    return parts, [f"file {number + 1} of {len(paths)} {reason}" for number, reason in failed]


def natural(path: Path) -> list[list[Any]]:
    """Sort key by which frame9 comes before frame10."""
    return [
        [int(t) if t.isdecimal() else t.lower() for t in re.split(r"(\d+)", part)]
        for part in path.parts
    ]


def place_parts(
    parts: list[Part],
    *,
    start: datetime | None,
    pattern: str | None,
    zone: tzinfo,
    fps: float | None,
) -> Placed:
    """Find out when each part begins: from ``start``, else metadata, else the names.

    With ``start`` the other two still tell the gaps between parts.

    Raises:
        VideoError: a name holds no time of the pattern, or a time does not exist in the zone.
    """
    clock: ClockSource = "elapsed"
    notes: list[str] = []
    begins = _told_begins(parts, zone, fps, notes)
    if begins:
        clock = "metadata"
        notes += [_PATTERN_IDLE] * bool(pattern)
    elif pattern:
        clock = "file names"
        begins = []
        for part in parts:
            time = aware(_named_time(part, pattern), zone)
            notes += [_TWICE] * shown_twice(time)
            begins.append(time.timestamp())
        if any(b - a > _LONGEST_GAP_SECONDS for a, b in pairwise(sorted(begins))):
            raise VideoError("the names tell times more than a month apart; count them one by one")
    if begins:
        order = sorted(range(len(parts)), key=lambda i: begins[i])
        parts, begins = [parts[i] for i in order], [begins[i] for i in order]
    if start is None and clock == "metadata":
        notes.append(_METADATA)
    if start is not None:
        clock = "start"
        first = aware(start, zone)
        notes += [_TWICE] * (start.tzinfo is None and shown_twice(first))
        shift = first.timestamp() - (begins[0] if begins else 0.0)
        begins = [begin + shift for begin in begins or [0.0]]
    placed: list[float | None] = list(begins or [0.0])
    return Placed(clock, parts, placed + [None] * (len(parts) - len(placed)), notes)


def _told_begins(
    parts: list[Part], zone: tzinfo, fps: float | None, notes: list[str]
) -> list[float]:
    """When the parts begin by their metadata; empty where it does not tell or cannot be true.

    Recorders write the start of a recording there, or its end; copies and converters write when
    they ran. Only the lengths of several parts can tell which.
    """
    told = [part.told_start for part in parts]
    try:
        starts = [aware(time, zone).timestamp() for time in told if time is not None]
    except VideoError:  # a time that the site's clock never shows
        return []
    if len(starts) < len(parts):
        return []
    lengths = [part.planned_seconds(fps) or 0.0 for part in parts]
    ends = [time - length for time, length in zip(starts, lengths, strict=True)]
    as_starts, as_ends = _joins(starts, lengths), _joins(ends, lengths)
    chosen = starts
    if _misfit(as_ends) < _misfit(as_starts):
        chosen, as_starts = ends, as_ends
        notes.append(_ENDS)
    if any(
        gap < -max(shorter / 2, JOIN_SECONDS) or gap > _LONGEST_GAP_SECONDS
        for gap, shorter in as_starts
    ):
        notes[:] = [_CONTRADICT]
        return []
    return chosen


def _joins(begins: list[float], lengths: list[float]) -> list[tuple[float, float]]:
    """(gap, length of the shorter part) at each join of the parts in order of time."""
    ordered = sorted(zip(begins, lengths, strict=True))
    return [(b - a - length, min(length, other)) for (a, length), (b, other) in pairwise(ordered)]


def _misfit(joins: list[tuple[float, float]]) -> tuple[int, int]:
    """Overlaps, then joins that are not close; whole seconds at both ends make it two."""
    near = 2 * JOIN_SECONDS
    return sum(gap < -near for gap, _ in joins), sum(abs(gap) > near for gap, _ in joins)


def _named_time(part: Part, pattern: str) -> datetime:
    """The time of the pattern, looked for anywhere in its names, but never inside a number."""
    for name in part.names:
        cuts = [
            i
            for i in range(len(name) + 1)
            if not (0 < i < len(name) and name[i - 1].isdecimal() and name[i].isdecimal())
        ]
        for begin in cuts:
            for end in reversed([cut for cut in cuts if cut > begin]):
                try:
                    time = datetime.strptime(name[begin:end], pattern)
                except ValueError:
                    continue
                if time.year > 1900:  # what strptime takes where no year is given
                    return time
    raise VideoError(
        f"{part.path}: its name holds no date and time of the pattern {pattern!r}; "
        "a pattern is like %Y-%m-%d_%H-%M-%S"
    )


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _IMAGES


def _is_media(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in _OTHER
