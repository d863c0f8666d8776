"""How comfortable a density is for people on foot: the levels of service A to F."""

from __future__ import annotations

import itertools
from typing import Literal, get_args

Setting = Literal["walkway", "stairs", "queue"]
"""What people do on the ground: walk on the level, climb stairs, stand and wait."""

BOUNDS: dict[Setting, tuple[float, float, float, float, float]] = {
    "walkway": (3.25, 2.32, 1.39, 0.93, 0.46),
    "stairs": (1.86, 1.39, 0.93, 0.65, 0.37),
    "queue": (1.21, 0.93, 0.65, 0.28, 0.19),
}
"""Least m² a person in the levels A, B, C, D and E; with less it is F.

They are those of Fruin, rounded to 0.01 m². The book gives square feet: walkways 35, 25, 15, 10, 5;
stairs 20, 15, 10, 7, 4; queues 13, 10, 7, 3, 2. The walkway levels of the Highway Capacity Manual
have the same letters and other bounds.
"""


def level_of_service(density: float, setting: Setting) -> str:
    """The level of service at a density, ``A`` (free) to ``F`` (no room to move).

    It speaks of comfort, not of safety: a crowd that stands in level F may be calm, and one that
    walks in level E may be in danger. Warnings belong on people per square metre. A bound belongs
    to the better of its two levels.

    Source: J. J. Fruin, Pedestrian Planning and Design, New York 1971, chapter 4.

    Args:
        density: people per square metre, 0 or more.
        setting: ``walkway``, ``stairs`` or ``queue``.

    Raises:
        ValueError: a density that is negative or no number, or an unknown setting.
    """
    if not density >= 0:
        raise ValueError(f"a density of {density} is none; give people per m², 0 or more")
    if setting not in BOUNDS:
        raise ValueError(f"unknown setting {setting!r}; one of: {', '.join(get_args(Setting))}")
    # The area a person is never divided out: where nobody is, it is endless.
    levels = itertools.compress("ABCDE", (density <= 1 / least for least in BOUNDS[setting]))
    return next(levels, "F")
