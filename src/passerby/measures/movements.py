"""Crossings → movements: one road user over an origin line, later over a destination line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from passerby.measures.crossings import Crossing


@dataclass(frozen=True, slots=True)
class MovementMade:
    """One road user made one movement; ``time`` is that of the destination crossing."""

    movement: str
    trail: int
    time: float


class Movements:
    """Pairs the crossings of each trail.

    A crossing of the origin opens a movement, whatever its direction; the next later crossing of
    the destination completes it. One origin crossing completes a movement once.
    """

    def __init__(self, pairs: Mapping[str, tuple[str, str]]) -> None:
        """Take (origin, destination) by name of movement."""
        self._pairs = dict(pairs)
        self._opened: dict[int, dict[str, float]] = {}

    def accept(self, crossing: Crossing) -> list[MovementMade]:
        """The movements that this crossing completes."""
        made = []
        opened = self._opened.setdefault(crossing.trail, {})
        for name, (origin, destination) in self._pairs.items():
            # Lines decide out of order where one lies close to another: the times tell.
            if crossing.line == destination and opened.get(name, crossing.time) < crossing.time:
                del opened[name]
                made.append(MovementMade(name, crossing.trail, crossing.time))
            elif crossing.line == origin:
                opened[name] = crossing.time
        return made

    def end(self, trail: int) -> None:
        """Forget a trail that ended."""
        self._opened.pop(trail, None)
