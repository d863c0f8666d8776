"""Passerby counts everyone and knows no one.

``import passerby`` loads no code that can see a picture; the names below are loaded when used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from passerby.counting import Report, count
    from passerby.moment import Detections, Moment
    from passerby.site import Camera, Site

__version__ = "0.1.0"

__all__ = ["Camera", "Detections", "Moment", "Report", "Site", "count"]

_HOMES = {
    "Camera": "passerby.site",
    "Detections": "passerby.moment",
    "Moment": "passerby.moment",
    "Report": "passerby.counting",
    "Site": "passerby.site",
    "count": "passerby.counting",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its room when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'passerby' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
