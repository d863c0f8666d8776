"""Crossings → movements: one road user over an origin line, later over a destination line."""

from __future__ import annotations

from collections import defaultdict
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
        # By trail: times of the crossings that wait for their other half, by movement.
        self._origins: dict[int, dict[str, float]] = defaultdict(dict)
        self._destinations: dict[int, dict[str, float]] = defaultdict(dict)

    def accept(self, crossing: Crossing) -> list[MovementMade]:
        """The movements that this crossing completes.

        Lines decide out of order where one lies close to another: the times tell which was first.
        """
        made = []
        trail, time = crossing.trail, crossing.time
        origins, destinations = self._origins[trail], self._destinations[trail]
        for name, (origin, destination) in self._pairs.items():
            if crossing.line == origin:
                if destinations.get(name, time) > time:
                    made.append(MovementMade(name, trail, destinations.pop(name)))
                else:
                    origins[name] = time
            elif crossing.line == destination:
                if origins.get(name, time) < time:
                    del origins[name]
                    made.append(MovementMade(name, trail, time))
                else:
                    destinations[name] = time
        return made

    def end(self, trail: int) -> None:
        """Forget a trail that ended."""
        self._origins.pop(trail, None)
        self._destinations.pop(trail, None)
