"""What went wrong, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


class PasserbyError(Exception):
    """Base of every error that the command line shows as one plain message (exit status 2)."""


class SiteError(PasserbyError):
    """A site file, a line or a zone that cannot be used."""


class GroundError(PasserbyError):
    """A ground that cannot be known in metres."""


class VideoError(PasserbyError):
    """A recording that cannot be read, or whose times cannot be known."""


class ModelError(PasserbyError):
    """A detector that is unknown, damaged or of a family we do not understand."""


@dataclass(frozen=True, slots=True)
class Unread:
    """How much of the recording could not be read.

    Attributes:
        frames: frames that are missing, as far as the file tells.
        seconds: the time they would have filled.
        reasons: one plain sentence per fault, without file metadata.
    """

    frames: int = 0
    seconds: float = 0.0
    reasons: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.reasons)
