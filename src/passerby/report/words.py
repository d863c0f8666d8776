"""How times, numbers and classes are said to people."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from passerby.clock import ClockSource, from_posix

if TYPE_CHECKING:
    from passerby.report import Report

NOT_KNOWN = "not known"
"""What stands where a value would: silence is never zero."""


CLOCKS: dict[ClockSource, str] = {
    "start": "the start that was given",
    "metadata": "the recording itself",
    "file names": "the names of the files",
    "elapsed": "nothing: time since the start of the recording",
}
"""Where the clock time came from, in words."""


@dataclass(frozen=True, slots=True)
class SiteClock:
    """Says a time as the site's clock shows it, or as time since the start of the recording."""

    zone: ZoneInfo
    elapsed: bool

    @classmethod
    def of(cls, report: Report) -> SiteClock:
        """The clock of a report."""
        return cls(ZoneInfo(report.timezone), report.clock == "elapsed")

    def local(self, time: datetime) -> datetime:
        """The time in the site's zone."""
        return time.astimezone(self.zone)

    def time(self, time: datetime) -> str:
        """Time of day such as ``07:45``; ``0:15:00`` since the start where the clock is elapsed."""
        if self.elapsed:
            return duration(time.timestamp())
        local = self.local(time)
        return local.strftime("%H:%M:%S" if local.second else "%H:%M")

    def date(self, time: datetime) -> str:
        """Date such as ``2026-05-04``; empty where the clock is elapsed."""
        return "" if self.elapsed else self.local(time).date().isoformat()

    def offset(self, time: datetime) -> str:
        """Offset from UTC such as ``+03:00``; empty where the clock is elapsed."""
        return "" if self.elapsed else self.local(time).isoformat()[-6:]

    def iso(self, time: datetime) -> str:
        """ISO 8601 with offset."""
        return self.local(time).isoformat()

    def span(self, start: datetime, end: datetime) -> str:
        """From one time to another: a second date, and seconds, only where they are needed."""
        start, end = (from_posix(round(time.timestamp()), self.zone) for time in (start, end))
        if self.elapsed:
            return f"{self.time(start)} to {self.time(end)}"
        look = "%H:%M:%S" if start.second or end.second else "%H:%M"
        later = "" if start.date() == end.date() else f"{self.date(end)} "
        return f"{self.date(start)} {start:{look}} to {later}{end:{look}}"


def length(report: Report) -> float:
    """Seconds from the first frame to the end of the last, whatever the clocks did meanwhile."""
    return report.end.timestamp() - report.start.timestamp()


def in_utc(time: datetime) -> datetime:
    """The same instant in UTC: there, and only there, two times compare across a clock change."""
    return time.astimezone(UTC)


def exact(value: float | None) -> str:
    """Shortest text that reads back as the same number; whole numbers without a point."""
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def rounded(value: float | None) -> str:
    """A number for reading: whole, or with two decimals."""
    if value is None:
        return NOT_KNOWN
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def significant(value: float | None) -> str:
    """A number for reading: whole, or with three significant digits."""
    if value is None:
        return NOT_KNOWN
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}".replace("-", "−")
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{value:.{digits}f}".replace("-", "−")


def percent(share: float) -> str:
    """A share as a percentage that says 0 or 100 only where it is exactly that."""
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{share:.0%}".replace("%", " %")


def sentence(text: str) -> str:
    """A text that begins and ends as a sentence does."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds such as ``1:05:00``."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def step(seconds: int) -> str:
    """The length of an interval such as ``15 min``, ``1 h`` or ``90 s``."""
    if seconds % 3600 == 0:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
