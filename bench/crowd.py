"""Crowds whose truth is known: people simulated by JuPedSim in places of known shape.

Metres: x along the way, y to its left, flat ground. The same arguments give the same scene.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import jupedsim as jps
import numpy as np
import shapely

from passerby.moment import Floats, Ints

RATE = 10.0
"""Frames per second of every scene, as many as Passerby analyses."""

_STEP = 0.05  # seconds
_PER_FRAME = round(1 / (RATE * _STEP))
_WARM_UP = 5.0  # seconds before a scene that are not part of it

_RADIUS = 0.15  # of an agent, metres; what a camera sees of it is wider
_APART = 2 * _RADIUS + 0.01  # JuPedSim takes nobody who stands closer
_GAP = 0.5  # seconds that people keep to those before them


@dataclass(frozen=True, eq=False)
class Scene:
    """People on the ground, as parallel arrays of length N, and where they are measured.

    Attributes:
        name: what happens.
        frames: (N,) 0-based numbers of the frames, rising; :data:`RATE` a second.
        ids: (N,) identities.
        points: (N, 2) metres.
        seconds: length.
        walkable: where people can be.
        zone: (K, 2) corners of the zone, metres.
        line: (2, 2) ends of the line; forward is to the right of its direction.
    """

    name: str
    frames: Ints
    ids: Ints
    points: Floats
    seconds: float
    walkable: shapely.Polygon
    zone: Floats
    line: Floats

    @property
    def count(self) -> int:
        """Number of frames."""
        return round(self.seconds * RATE)

    def at(self, frame: int) -> slice:
        """The rows of a frame."""
        return slice(int(self._starts[frame]), int(self._starts[frame + 1]))

    @cached_property
    def _starts(self) -> Ints:
        return np.searchsorted(self.frames, np.arange(self.count + 1))


def walking_speed(density: float) -> float:
    """Metres per second at people per square metre (Weidmann 1993, fundamental diagram)."""
    return 1.34 * (1 - math.exp(-1.913 * (1 / density - 1 / 5.4)))


def corridor(
    density: float, *, backward: float = 0.0, seconds: float = 60.0, seed: int = 1
) -> Scene:
    """People walk through a corridor, 20 m by 4 m, at about the speed that suits the density.

    Args:
        density: people per square metre, up to 3.2; people who walk against each other thin out
            a little from 1 on.
        backward: share of them that comes from the far end.
        seconds: length of the scene.
        seed: of places and speeds.
    """
    length, width, margin = 20.0, 4.0, 3.0
    first, last = -margin, length + margin
    run = _Run(
        shapely.box(first - margin, 0, last + margin, width),
        jps.AnticipationVelocityModel() if backward else jps.CollisionFreeSpeedModel(),
        seed,
    )
    stage = run.sim.add_direct_steering_stage()
    journey = run.sim.add_journey(jps.JourneyDescription([stage]))
    speed, random = walking_speed(density), run.random

    def enter(x: float, y: float, back: bool) -> bool:
        agent = run.add((x, y), random.normal(speed, 0.1 * speed), journey, stage)
        if agent is not None:
            agent.target = (first - margin + 0.1 if back else last + margin - 0.1, y)
        return agent is not None

    for x, y in jps.distribute_by_density(
        polygon=shapely.box(first, 0, last, width),
        density=density,
        distance_to_agents=max(_APART, min(0.4, 0.55 / math.sqrt(density))),
        distance_to_polygon=0.2,
        seed=seed,
    ):
        enter(x, y, random.random() < backward)

    due = 0.0

    def step(_: float) -> None:
        nonlocal due
        due += density * speed * width * _STEP
        while due >= 1:
            due -= 1
            back = random.random() < backward
            for _ in range(20):  # until there is room
                x, y = random.uniform(0, 1), random.uniform(0.2, width - 0.2)
                if enter(last + x if back else first - x, y, back):
                    break
        for agent in run.sim.agents():
            if not first - 1.5 < agent.position[0] < last + 1.5:
                run.sim.mark_agent_for_removal(agent.id)

    middle = length / 2
    return run.record(
        f"{'counter-flow' if backward else 'corridor'} {density:g}/m²",
        step,
        seconds,
        zone=shapely.box(middle - 3, 0, middle + 3, width),
        line=[(middle, -0.5), (middle, width + 0.5)],
    )


def bottleneck(people: int = 100, *, seconds: float = 60.0, seed: int = 1) -> Scene:
    """People leave a hall, 12 m by 8 m, through a passage of 1.2 m.

    Args:
        people: how many are in the hall at first; others come as long as there is room.
        seconds: length of the scene.
        seed: of places and speeds.
    """
    hall, passage = shapely.box(0, -4, 12, 4), shapely.box(12, -0.6, 18, 0.6)
    run = _Run(shapely.union(hall, passage), jps.CollisionFreeSpeedModel(), seed)
    stage = run.sim.add_exit_stage(shapely.box(17, -0.6, 18, 0.6))
    journey = run.sim.add_journey(jps.JourneyDescription([stage]))
    random = run.random

    def enter(x: float, y: float) -> None:
        run.add((x, y), random.normal(1.34, 0.13), journey, stage)

    for x, y in jps.distribute_by_number(
        polygon=hall,
        number_of_agents=people,
        distance_to_agents=0.35,
        distance_to_polygon=0.2,
        seed=seed,
    ):
        enter(x, y)

    def step(_: float) -> None:
        if run.sim.agent_count() < people:
            enter(random.uniform(0.2, 1), random.uniform(-3.8, 3.8))

    return run.record(
        f"bottleneck, {people} people",
        step,
        seconds,
        zone=shapely.box(8, -2, 12, 2),
        line=[(12.5, -0.8), (12.5, 0.8)],
    )


def queue(
    service: float = 0.4, *, arrivals: float | None = None, seconds: float = 300.0, seed: int = 1
) -> Scene:
    """People queue before two gates, served one by one.

    Args:
        service: people a second that both gates together serve while somebody waits.
        arrivals: people a second that come; as many as are served where None.
        seconds: length of the scene.
        seed: of arrivals, places and speeds.
    """
    gates, at, places = (2.0, 4.0), 14.0, 16
    run = _Run(shapely.box(-1, 0, 20, 6), jps.CollisionFreeSpeedModel(), seed)
    sim, random = run.sim, run.random
    leave = sim.add_exit_stage(shapely.box(18, 0, 20, 6))
    lanes = []
    for y in gates:
        stage = sim.add_queue_stage([(at - 0.5 - 0.75 * place, y) for place in range(places)])
        journey = jps.JourneyDescription([stage, leave])
        journey.set_transition_for_stage(stage, jps.Transition.create_fixed_transition(leave))
        lanes.append((sim.add_journey(journey), stage, sim.get_stage(stage)))

    def enter(x: float, lane: int) -> None:
        journey, stage, _ = lanes[lane]
        y = gates[lane] + random.uniform(-0.5, 0.5)
        run.add((x, y), random.normal(1.3, 0.13), journey, stage)

    for lane in range(len(gates)):
        for place in range(7):
            enter(at - 1 - 0.8 * place, lane)
    each = len(gates) / service  # seconds that one gate needs for one person
    ready = [random.uniform(0, each) for _ in gates]
    come = 0.0

    def step(time: float) -> None:
        nonlocal come
        for lane, (_, _, line) in enumerate(lanes):
            if time >= ready[lane] and line.count_enqueued():
                line.pop(1)
                ready[lane] = time + each * random.uniform(0.5, 1.5)
        if time >= come:
            enter(-0.5, min(range(len(gates)), key=lambda lane: lanes[lane][2].count_targeting()))
            come = time + random.exponential(1 / (arrivals or service))

    return run.record(
        f"queue, {service:g}/s",
        step,
        seconds,
        zone=shapely.box(2, 0, at, 6),
        line=[(at, 0.5), (at, 5.5)],
    )


class _Run:
    """A simulation, and the places of its people in every frame."""

    def __init__(
        self,
        walkable: shapely.Polygon,
        model: jps.CollisionFreeSpeedModel | jps.AnticipationVelocityModel,
        seed: int,
    ) -> None:
        self.sim = jps.Simulation(model=model, geometry=walkable, dt=_STEP)
        self.random = np.random.default_rng(seed)
        self._walkable = walkable
        self._parameters = (
            jps.CollisionFreeSpeedModelAgentParameters
            if isinstance(model, jps.CollisionFreeSpeedModel)
            else jps.AnticipationVelocityModelAgentParameters
        )

    def add(
        self, place: tuple[float, float], speed: float, journey: int, stage: int
    ) -> jps.Agent | None:
        """Somebody more, None where there is no room."""
        if any(True for _ in self.sim.agents_in_range(place, _APART)):
            return None
        agent = self._parameters(
            position=place,
            desired_speed=speed,
            radius=_RADIUS,
            time_gap=_GAP,
            journey_id=journey,
            stage_id=stage,
        )
        return self.sim.agent(self.sim.add_agent(agent))

    def record(
        self,
        name: str,
        step: Callable[[float], None],
        seconds: float,
        *,
        zone: shapely.Polygon,
        line: list[tuple[float, float]],
    ) -> Scene:
        """Let it run, ``step`` told the time of the scene before every step."""
        before = round(_WARM_UP * RATE)
        frames: list[int] = []
        ids: list[int] = []
        points: list[tuple[float, float]] = []
        for index in range((before + round(seconds * RATE)) * _PER_FRAME):
            frame, rest = divmod(index, _PER_FRAME)
            if rest == 0 and frame >= before:
                for agent in self.sim.agents():
                    frames.append(frame - before)
                    ids.append(agent.id)
                    points.append(agent.position)
            step(index * _STEP - _WARM_UP)
            self.sim.iterate()
        return Scene(
            name,
            np.array(frames, np.int64),
            np.array(ids, np.int64),
            np.array(points, np.float64).reshape(-1, 2),
            seconds,
            self._walkable,
            np.array(zone.exterior.coords[:-1]),
            np.array(line),
        )
