"""The site's clock: POSIX seconds inside, the site's zone outside."""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from typing import Literal

from passerby.errors import VideoError

ClockSource = Literal["start", "metadata", "file names", "elapsed"]
"""Where the clock time of a recording came from.

With ``elapsed`` nothing told it: POSIX time 0 is the start of the recording and the zone is UTC.
"""


def aware(time: datetime, zone: tzinfo) -> datetime:
    """A naive time is site time; an aware one stays what it is.

    A time that the site's clock shows twice, when summer time ends, is taken as the first, unless
    its ``fold`` says otherwise.

    Raises:
        VideoError: the site's clock never shows that time, because summer time begins.
    """
    if time.tzinfo is not None:
        return time
    here = time.replace(tzinfo=zone)
    if here.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != time:
        raise VideoError(
            f"no clock in {zone} shows {time.isoformat(' ')}: summer time begins there; "
            "give the time with its offset, such as +02:00, or correct the time zone"
        )
    return here


def shown_twice(time: datetime) -> bool:
    """Whether the clock of its zone shows this aware time twice, because summer time ends."""
    return time.utcoffset() != time.replace(fold=1 - time.fold).utcoffset()


def from_posix(time: float, zone: tzinfo) -> datetime:
    """POSIX seconds as an aware time in ``zone``."""
    return datetime.fromtimestamp(time, UTC).astimezone(zone)


def interval_start(time: float, seconds: int, zone: tzinfo) -> float:
    """POSIX start of the interval that holds ``time``, aligned to the wall clock of ``zone``.

    Args:
        time: POSIX seconds.
        seconds: length of the intervals; it divides an hour.
        zone: the site's zone: a quarter of an hour there starts at :00, :15, :30 or :45 even
            where the zone is 5 h 45 min away from UTC.
    """
    offset = from_posix(time, zone).utcoffset()
    assert offset is not None
    shift = offset.total_seconds()
    return math.floor((time + shift) / seconds) * seconds - shift
