"""The only type in which a picture may leave the process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RedactedImage:
    """An encoded picture from which people, vehicles, faces and plates were destroyed.

    Made only in :mod:`passerby.pixels.redaction`; a test holds that there is one call site.

    Attributes:
        data: the encoded bytes.
        media_type: their type, such as ``image/png``.
        width: pixels.
        height: pixels.
    """

    data: bytes
    media_type: str
    width: int
    height: int
