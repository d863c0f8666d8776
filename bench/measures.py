"""Measures against the truth of simulated crowds, as the density grows.

    python bench/measures.py
    python bench/measures.py --camera "8m 45°" --chain tracker
    python bench/measures.py --json

Each scene is seen by each camera, and measured from boxes without any fault, from boxes with faults
and identities that switch, gaps and all, and from what the tracker makes of the same boxes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

import numpy as np
import shapely
from rich.console import Console
from rich.table import Table

import truth
from crowd import RATE, Scene, bottleneck, corridor, queue
from passerby.ground import Ground
from passerby.measurement import Measurement
from passerby.measures.camera import CameraMeasures
from passerby.moment import Moment
from passerby.site import Camera, make_camera
from passerby.tracker import Tracker
from projection import NO_FAULTS, Faults, Seen, View, detections, look, moments

LIMIT = 0.1
"""Relative error of a density up to which it is good."""


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a camera is.

    Attributes:
        height: metres above the ground.
        tilt: degrees below the horizon, in the middle of the picture.
    """

    height: float
    tilt: float


MOUNTS = {
    "8m 45°": Mount(8.0, 45.0),
    "6m 35°": Mount(6.0, 35.0),
    "4m 20°": Mount(4.0, 20.0),
}
"""Two that one would choose to see a crowd, and a poor one."""

CHAINS: dict[str, tuple[Faults, Callable[[Sequence[Seen], Faults], list[Moment]]]] = {
    "no faults": (NO_FAULTS, moments),
    "identities": (Faults(), moments),
    "tracker": (Faults(), lambda frames, _: track(frames)),
}
"""Ways from a scene to Moments: what goes wrong, and who tells."""


@dataclass(frozen=True, slots=True)
class Case:
    """A scene and how cameras look at it.

    Attributes:
        make: simulates it.
        target: what is in the middle of the picture, metres.
        azimuth: degrees from x towards y in which cameras look.
        focal: pixels.
        waits: whether people queue.
    """

    make: Callable[[], Scene]
    target: tuple[float, float]
    azimuth: float = 0.0
    focal: float = 1000.0
    waits: bool = False

    def view(self, mount: Mount) -> View:
        """The camera at that place."""
        return View.of(
            self.target,
            height=mount.height,
            tilt=mount.tilt,
            azimuth=self.azimuth,
            focal=self.focal,
        )


DENSITIES = (0.2, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


def _corridor(density: float, backward: float = 0.0) -> Case:
    return Case(lambda: corridor(density, backward=backward), (10.0, 2.0))


CASES: dict[str, Case] = {
    **{f"corridor {density:g}": _corridor(density) for density in DENSITIES},
    "counter-flow 0.5": _corridor(0.5, 0.4),
    "counter-flow 1": _corridor(1.0, 0.4),
    "bottleneck": Case(lambda: bottleneck(40), (10.0, 0.0)),
    "bottleneck, jam": Case(lambda: bottleneck(100), (10.0, 0.0)),
    # From the side: from behind, everybody would hide who stands before.
    "queue": Case(queue, (8.0, 3.0), azimuth=90.0, focal=700.0, waits=True),
}


def track(frames: Sequence[Seen]) -> list[Moment]:
    """What the tracker tells of the boxes."""
    tracker = Tracker()
    told = [moment for frame in detections(frames) for moment in tracker.accept(*frame)]
    return [replace(moment, seconds=1 / RATE) for moment in told + tracker.finish()]


def camera_of(scene: Scene, view: View, waits: bool) -> Camera:
    """The zone, the line and what can be walked on, as a site file would have them."""
    zone = shapely.Polygon(scene.zone)
    around = shapely.intersection(scene.walkable, shapely.buffer(zone, 1.0, join_style="mitre"))
    fields: dict[str, Any] = {
        "lines": {"line": view.fractions(scene.line)},
        "zones": {"zone": view.fractions(scene.zone)},
        "crowd": {"zone": {"walkable": view.fractions(np.array(around.exterior.coords[:-1]))}},
    }
    if waits:
        fields["queues"] = {"queue": {"zone": "zone", "head": "line"}}
    return make_camera(**fields)


def measure(
    scene: Scene, view: View, told: Iterable[Moment], *, waits: bool = False
) -> list[Measurement]:
    """The rows of one interval that is as long as the scene."""
    measures = CameraMeasures(
        site="bench",
        name=scene.name,
        camera=camera_of(scene, view, waits),
        size=view.size,
        classes=("person",),
        zone=UTC,
        interval_seconds=round(scene.seconds),
        ground=Ground(view.homography),
    )
    return [row for moment in told for row in measures.accept(moment)] + measures.finish()


def true_values(scene: Scene, waits: bool) -> dict[str, float]:
    """The truth of what is scored."""
    forward, backward = truth.crossings(scene)
    values = {
        "density": truth.density(scene),
        "voronoi": truth.voronoi(scene),
        "flow": (forward + backward) / scene.seconds,
    }
    if waits:  # most stand: a share of no speed says nothing
        served = truth.waits(scene)
        return {
            **values,
            "wait": float(np.median(served)),
            "expected wait": float(np.mean(served)),
        }
    speeds = truth.speeds(scene)
    return {**values, "speed": float(np.median(speeds)), "mean speed": float(np.mean(speeds))}


def measured_values(rows: Sequence[Measurement]) -> dict[str, float | None]:
    """What was measured of the same, and the share of time in which it was said to be too low."""

    def value(kind: str, direction: str = "") -> float | None:
        found = [
            row.value
            for row in rows
            if (row.kind, row.class_, row.direction) == (kind, "person", direction)
        ]
        return found[0] if found else None

    flows = [value("flow_rate", direction) for direction in ("forward", "backward")]
    return {
        "density": value("density_mean"),
        "voronoi": value("density_voronoi_mean"),
        "flow": sum(flow or 0.0 for flow in flows),
        "speed": value("speed_median"),
        "mean speed": value("speed_mean"),
        "wait": value("wait_observed_median"),
        "expected wait": value("wait_expected"),
        "saturated": value("saturated"),
    }


def score(
    names: Sequence[str], mounts: Sequence[str], chains: Sequence[str]
) -> list[dict[str, Any]]:
    """One row per scene, camera and chain."""
    rows = []
    for name in names:
        case = CASES[name]
        scene = case.make()
        true = true_values(scene, case.waits)
        for mount in mounts:
            view = case.view(MOUNTS[mount])
            seen: dict[Faults, list[Seen]] = {}
            for chain in chains:
                faults, tell = CHAINS[chain]
                if faults not in seen:
                    seen[faults] = look(scene, view, faults)
                told = tell(seen[faults], faults)
                measured = measured_values(measure(scene, view, told, waits=case.waits))
                errors = {
                    kind: None if (value := measured[kind]) is None else value / wanted - 1
                    for kind, wanted in true.items()
                }
                rows.append(
                    {
                        "scene": name,
                        "camera": mount,
                        "chain": chain,
                        "truth": true,
                        "measured": measured,
                        "error": errors,
                    }
                )
    return rows


def passes(rows: Iterable[dict[str, Any]], kind: str = "density") -> Iterator[dict[str, Any]]:
    """Where the error of a density passes the limit, by camera and chain.

    Densities are those of the corridor; in between the error is taken to be straight.
    """
    series: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in rows:
        error = row["error"][kind]
        if row["scene"].startswith("corridor") and error is not None:
            pairs = series.setdefault((row["camera"], row["chain"]), [(0.0, 0.0)])
            pairs.append((row["truth"]["density"], abs(error)))
    for (camera, chain), pairs in series.items():
        pairs.sort()
        yield {"camera": camera, "chain": chain, "kind": kind, "density": _first_above(pairs)}


def _first_above(pairs: Sequence[tuple[float, float]]) -> float | None:
    for (x0, y0), (x1, y1) in itertools.pairwise(pairs):
        if y1 > LIMIT:
            return x0 + (LIMIT - y0) / (y1 - y0) * (x1 - x0)
    return None


_COLUMNS = ("density", "voronoi", "flow", "speed", "mean speed", "wait", "expected wait")


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows of one camera for people."""
    made = Table(title=f"Camera {rows[0]['camera']}: error against truth")
    made.add_column("scene")
    made.add_column("1/m²", justify="right")
    made.add_column("chain")
    for name in (*_COLUMNS, "saturated"):
        made.add_column(name, justify="right")
    for before, row in zip([None, *rows[:-1]], rows, strict=True):
        first = before is None or before["scene"] != row["scene"]
        saturated = row["measured"]["saturated"]
        made.add_row(
            row["scene"] if first else "",
            f"{row['truth']['density']:.2f}" if first else "",
            row["chain"],
            *(_percent(row["error"].get(name)) for name in _COLUMNS),
            "" if saturated is None else f"{saturated:.0%}",
        )
    return made


def _percent(error: float | None) -> str:
    return "" if error is None else f"{error:+.1%}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Score what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, known in (("scene", CASES), ("camera", MOUNTS), ("chain", CHAINS)):
        parser.add_argument(f"--{name}", action="append", choices=list(known))
    parser.add_argument("--json", action="store_true", help="plain numbers instead of tables")
    asked = parser.parse_args(arguments)
    mounts = asked.camera or list(MOUNTS)
    rows = score(asked.scene or list(CASES), mounts, asked.chain or list(CHAINS))
    limits = [*passes(rows), *passes(rows, "voronoi")]
    if asked.json:
        json.dump({"rows": rows, "limits": limits}, sys.stdout, indent=2)
        print()
        return 0
    console = Console(width=None if sys.stdout.isatty() else 140)
    for mount in mounts:
        console.print(table([row for row in rows if row["camera"] == mount]))
    for limit in limits:
        at = "nowhere here" if limit["density"] is None else f"at {limit['density']:.1f}/m²"
        console.print(
            f"{limit['camera']}, {limit['chain']}, {limit['kind']}: error passes {LIMIT:.0%} {at}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
