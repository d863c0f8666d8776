"""Building SVG without ever forgetting to escape."""

from __future__ import annotations

from markupsafe import Markup


def element(name: str, *children: str, **attributes: object) -> Markup:
    """One element. Text children and attribute values are escaped; None leaves one out.

    An underscore in an attribute's name stands for a hyphen; one at its end is dropped.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _plain(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, Markup("").join(children))


def path(*parts: str | float) -> str:
    """The ``d`` of a path from letters and numbers."""
    return " ".join(_plain(part) for part in parts)


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
