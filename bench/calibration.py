"""How well people tell the ground they walk on, where the truth is known.

    python bench/calibration.py
    python bench/calibration.py --no-video --json

Cases: PETS view 1 with its true boxes and with tracked ones; the trajectories of eth_hotel and
ucy_zara01 under the cameras that best explain their homographies, and under made-up cameras 3 to
12 m high that look down by 15° to 60°. Made-up people are no ellipsoids: they have shoulders, hands
and feet that swing. Their mean height differs from case to case as little as is assumed of it;
their boxes jitter by 3 pixels, end where somebody nearer hides the feet, and one in ten is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from rich.console import Console
from rich.table import Table
from scipy.optimize import least_squares

from clips import Clip, load_clips, shared_folder
from detections import models_at_hand
from passerby.calibrate import Calibration, People, calibrate, people_of
from passerby.errors import GroundError
from passerby.moment import Floats, Ints
from passerby.pinhole import Pinhole
from passerby.pixels.watch import moments

RATE = 5.0
HEIGHTS, TILTS = (3.0, 5.0, 8.0, 12.0), (15.0, 30.0, 45.0, 60.0)
JITTER = 3.0
MISSED = 0.1
SIZE = (1280, 720)


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Trajectories as parallel arrays of length N, in order of identity and time.

    Attributes:
        ids: (N,) identities.
        times: (N,) seconds.
        metres: (N, 2) where they are.
    """

    ids: Ints
    times: Floats
    metres: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What people tell, and the truth.

    Attributes:
        name: as the table shows it.
        size: of the picture, pixels.
        people: their boxes.
        walk: where they truly were.
        feet: (N, 2) pixels of the points of the walk; NaN outside the picture.
        camera: where known.
    """

    name: str
    size: tuple[int, int]
    people: People
    walk: Walk
    feet: Floats
    camera: Pinhole | None


def read_walk(folder: Path) -> Walk:
    """Trajectories of one of the two scenes, at :data:`RATE`."""
    rows = np.loadtxt(folder / "obsmat.txt")
    parts = []
    for person in np.unique(rows[:, 1]):
        own = rows[rows[:, 1] == person]
        if len(own) > 1:
            times = np.arange(own[0, 0] / 25, own[-1, 0] / 25 + 1e-9, 1 / RATE)
            at = [np.interp(times, own[:, 0] / 25, own[:, axis]) for axis in (2, 4)]
            parts.append(np.column_stack([np.full(len(times), person), times, *at]))
    table = np.concatenate(parts)
    return Walk(table[:, 0].astype(np.int64), table[:, 1], table[:, 2:])


def camera_of_homography(matrix: Floats, walk: Walk, size: tuple[int, int]) -> tuple[Pinhole, Walk]:
    """The camera that best explains a homography where people walk, and the walk in its frame.

    Its field of view is held between 30° and 100°: one of the two homographies is affine, and
    would like to be seen from infinity.
    """
    # The homographies take row and column, in this order, of PAL video, whose pixels are wide.
    seen = np.column_stack([walk.metres, np.ones(len(walk.metres))]) @ np.linalg.inv(matrix).T
    pixels = (seen[:, :2] / seen[:, 2:])[:, ::-1] * [size[0] / 720, 1.0]
    some = np.random.default_rng(0).choice(len(pixels), 400, replace=False)

    def placed(unknowns: Floats, mirror: float) -> tuple[Pinhole, Floats]:
        focal, tilt, roll, height, turn, x, y = unknowns
        camera = Pinhole(size, float(np.exp(focal)) * size[0], tilt, roll, float(np.exp(height)))
        sine, cosine = np.sin(turn), np.cos(turn)
        turned = (walk.metres * [mirror, 1.0]) @ np.array([[cosine, sine], [-sine, cosine]])
        return camera, turned + np.array([x, y])

    def errors(unknowns: Floats, mirror: float) -> Floats:
        camera, metres = placed(unknowns, mirror)
        level = np.column_stack([metres[some], np.zeros(len(some))])
        return np.asarray((camera.project(level) - pixels[some]).ravel())

    low = [np.log(0.42), 0.2, -0.3, np.log(3.0), -10, -60, -60]
    high = [np.log(1.87), 1.5, 0.3, np.log(60.0), 10, 60, 60]
    best, which = None, 1.0
    for mirror in (1.0, -1.0):
        for turn in np.radians([0, 90, 180, 270]):
            middle = placed(np.array([0, 0, 0, 0, turn, 0, 0]), mirror)[1].mean(axis=0)
            start = np.array([0.0, 0.9, 0.0, np.log(12.0), turn, *([0.0, 10.0] - middle)])
            found = least_squares(errors, start, args=(mirror,), bounds=(low, high), x_scale=0.1)
            if best is None or found.cost < best.cost:
                best, which = found, mirror
    assert best is not None
    camera, metres = placed(best.x, which)
    return camera, Walk(walk.ids, walk.times, metres)


def made_camera(rng: np.random.Generator, walk: Walk, height: float, tilt: float) -> Case:
    """A camera that looks at the middle of a walk from any side."""
    view = np.radians(rng.uniform(45, 85))
    focal = SIZE[0] / 2 / np.tan(view / 2)
    roll = np.radians(rng.normal(0, 1.5))
    camera = Pinhole(SIZE, float(focal), float(np.radians(tilt)), float(roll), height)
    turn = rng.uniform(0, 2 * np.pi)
    sine, cosine = np.sin(turn), np.cos(turn)
    turned = walk.metres @ np.array([[cosine, sine], [-sine, cosine]])
    away = height / np.tan(np.radians(tilt))
    metres = turned - np.median(turned, axis=0) + [0.0, away]
    return make_case("", rng, camera, Walk(walk.ids, walk.times, metres))


def make_case(name: str, rng: np.random.Generator, camera: Pinhole, walk: Walk) -> Case:
    """Boxes of people of random heights on a walk before a camera."""
    size = np.array(camera.size)
    depth = np.column_stack([walk.metres, np.zeros(len(walk.ids)), np.ones(len(walk.ids))])
    ahead = camera.matrix()[2]
    # Head and feet must be before the camera.
    before = (depth @ ahead > 0.5) & ((depth + np.array([0.0, 0.0, 2.1, 0.0])) @ ahead > 0.5)
    feet = np.full((len(walk.ids), 2), np.nan)
    feet[before] = camera.project(depth[before, :3])
    feet[~((feet > 0) & (feet < size)).all(axis=1)] = np.nan
    near = before & (np.hypot(*walk.metres.T) < 60)
    boxes = np.full((len(walk.ids), 4), np.nan)
    mean = rng.normal(1.70, 0.05)
    for person in np.unique(walk.ids):
        own = np.flatnonzero(walk.ids == person)
        tall = rng.normal(mean, 0.09)
        bodies = body(tall, walk.metres[own], walk.times[own], rng.uniform(0, 2 * np.pi))
        seen = own[near[own]]
        points = camera.project(bodies[near[own]])
        boxes[seen] = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
    clipped = np.clip(boxes, 0, np.tile(size, 2))
    kept = ((clipped[:, 2:] - clipped[:, :2]) > 4).all(axis=1) & near
    for time in np.unique(walk.times[kept]):
        now = np.flatnonzero(kept & (walk.times == time))
        _hide(clipped, now[np.argsort(-clipped[now, 3])])
    tall_enough = (clipped[:, 3] - clipped[:, 1]) > 0.4 * (boxes[:, 3] - boxes[:, 1])
    kept &= tall_enough & (rng.uniform(size=len(kept)) > MISSED)
    jittered = clipped[kept] + rng.normal(0, JITTER, (int(kept.sum()), 4))
    people = People(jittered, walk.ids[kept], walk.times[kept])
    return Case(name, camera.size, people, walk, feet, camera)


def _hide(boxes: Floats, nearest_first: Ints) -> None:
    """End boxes where somebody nearer covers most of their width at the feet."""
    for place, index in enumerate(nearest_first):
        for other in nearest_first[:place]:
            a, b = boxes[index], boxes[other]
            shared = min(a[2], b[2]) - max(a[0], b[0])
            if shared > 0.6 * (a[2] - a[0]) and b[1] < a[3]:
                a[3] = max(b[1], a[1])


def body(tall: float, metres: Floats, times: Floats, phase: float) -> Floats:
    """(N, K, 3) points on the outline of somebody who walks, metres."""
    ahead = np.gradient(metres, axis=0) if len(metres) > 1 else np.ones((1, 2))
    speed = np.hypot(*ahead.T)[:, None] * RATE
    ahead = ahead / np.maximum(np.hypot(*ahead.T)[:, None], 1e-9)
    side = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    swing = np.sin(2 * np.pi * 0.9 * times + phase)[:, None] * np.minimum(speed / 1.3, 1.0)
    points = []

    def add(forward: Floats | float, sideways: float, height: float) -> None:
        flat = metres + tall / 1.7 * (forward * ahead + sideways * side)
        points.append(np.column_stack([flat, np.full(len(metres), height * tall)]))

    for angle in np.arange(0, 2 * np.pi, np.pi / 4):
        sine, cosine = float(np.sin(angle)), float(np.cos(angle))
        add(0.10 * sine, 0.08 * cosine, 0.93)
        add(0.06 * sine, 0.05 * cosine, 0.99)
        add(0.12 * sine, 0.23 * cosine, 0.80)
        add(0.14 * sine, 0.18 * cosine, 0.55)
    add(0.0, 0.0, 1.0)
    for sign in (-1, 1):
        add(-0.25 * sign * swing, 0.27 * sign, 0.47)
        for toe in (-0.08, 0.18):
            add(0.30 * sign * swing + toe, 0.10 * sign, 0.01)
            add(0.30 * sign * swing + toe, 0.10 * sign, 0.05)
    return np.stack(points, axis=1)


def score(case: Case) -> dict[str, Any]:
    """One row of the table."""
    row: dict[str, Any] = {"case": case.name}
    if case.camera is not None:
        row["true_height"] = case.camera.height
        row["true_tilt"] = float(np.degrees(case.camera.tilt))
        row["true_focal"] = case.camera.focal
    try:
        found = calibrate(case.people, case.size)
    except GroundError as error:
        return {**row, "refused": str(error)}
    metres = to_metres(found, case.feet)
    ratios = speed_ratios(case.walk, metres)
    area = area_ratio(case.walk, case.feet, metres)
    row |= {
        "height": found.camera_height,
        "tilt": found.tilt,
        "focal": found.focal,
        "people": found.people,
        "speed_error": float(np.median(np.abs(ratios - 1))),
        "speed_bias": float(np.median(ratios) - 1),
        "area_error": area - 1,
        "spread": found.spread,
    }
    row["covered"] = {
        "speed": abs(np.log(np.median(ratios))) <= 2 * found.spread,
        "area": abs(np.log(area)) <= 4 * found.spread,
    }
    if case.camera is not None:
        for name in ("height", "tilt", "focal"):
            off = abs(row[name].value - row[f"true_{name}"])
            row["covered"][name] = off <= 2 * row[name].error
    row["covered"] = {name: bool(held) for name, held in row["covered"].items()}
    return row


def to_metres(found: Calibration, pixels: Floats) -> Floats:
    """(N, 2) metres; NaN above the horizon."""
    seen = np.column_stack([pixels, np.ones(len(pixels))]) @ found.homography.T
    depth = np.where(seen[:, 2:] > 1e-9, seen[:, 2:], np.nan)
    return np.asarray(seen[:, :2] / depth)


def speed_ratios(walk: Walk, metres: Floats) -> Floats:
    """Estimated over true speeds over 0.6 s or more, of people who walk."""
    step = int(np.ceil(0.5 / np.median(np.diff(walk.times)[np.diff(walk.ids) == 0])))
    same = walk.ids[step:] == walk.ids[:-step]
    true = np.hypot(*(walk.metres[step:] - walk.metres[:-step]).T)
    seen = np.hypot(*(metres[step:] - metres[:-step]).T)
    seconds = walk.times[step:] - walk.times[:-step]
    keep = same & np.isfinite(seen) & (true > 0.3 * seconds)
    return np.asarray(seen[keep] / true[keep])


def area_ratio(walk: Walk, feet: Floats, metres: Floats) -> float:
    """Median, over quarters of the picture, of estimated over true areas of where people walk."""
    inside = np.isfinite(feet).all(axis=1) & np.isfinite(metres).all(axis=1)
    middle = np.median(feet[inside], axis=0)
    ratios = []
    for right in (False, True):
        for below in (False, True):
            quarter = inside & ((feet > middle) == [right, below]).all(axis=1)
            true, seen = (
                shapely.MultiPoint(places[quarter]).convex_hull.area
                for places in (walk.metres, metres)
            )
            if true > 1.0:
                ratios.append(seen / true)
    return float(np.median(ratios))


def pets_cases(clip: Clip, video: bool, shared: Path) -> Iterator[Case]:
    """PETS view 1 with true boxes and, if asked, with tracked ones."""
    rows = np.loadtxt(clip.video.parent / "gt.txt", delimiter=",")
    rows = rows[np.lexsort([rows[:, 0], rows[:, 1]])]
    boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
    times, ids = (rows[:, 0] - 1) / clip.rate, rows[:, 1].astype(np.int64)
    walk = Walk(ids, times, rows[:, 7:9])
    feet = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])
    yield Case("pets, true boxes", clip.size, People(boxes, ids, times), walk, feet, None)
    if not video:
        return
    for name, path in models_at_hand(shared).items():
        tracked = people_of(moments(clip.video, model=path, fps=clip.rate))
        yield Case(f"pets, {name}", clip.size, tracked, walk, feet, None)


def all_cases(shared: Path, *, video: bool, seeds: Sequence[int]) -> Iterator[Case]:
    """Every case, one after the other."""
    yield from pets_cases(load_clips(shared)["pets"], video, shared)
    for scene in ("eth_hotel", "ucy_zara01"):
        folder = shared / "data" / scene
        walk = read_walk(folder)
        matrix = np.loadtxt(folder / "H.txt")
        camera, turned = camera_of_homography(matrix, walk, (768, 576))
        for seed in seeds:
            rng = np.random.default_rng(seed)
            yield make_case(f"{scene}, its own", rng, camera, turned)
            for height in HEIGHTS:
                for tilt in TILTS:
                    case = made_camera(rng, walk, height, tilt)
                    yield Case(scene, case.size, case.people, case.walk, case.feet, case.camera)


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows for people."""
    made = Table(title="Calibration from people: estimate ± standard error / truth")
    made.add_column("case")
    for name in ("camera, m", "tilt, °", "focal, px", "people"):
        made.add_column(name, justify="right")
    for name in ("speed off", "area off", "spread", "within 2 spreads"):
        made.add_column(name, justify="right")
    for row in rows:
        truth = {
            name: f" / {row[f'true_{name}']:.{digits}f}" if f"true_{name}" in row else ""
            for name, digits in (("height", 1), ("tilt", 0), ("focal", 0))
        }
        if "refused" in row:
            made.add_row(
                row["case"],
                *(f"–{truth[name]}" for name in truth),
                "",
                "refused",
                *[""] * 3,
            )
            continue
        made.add_row(
            row["case"],
            f"{row['height'].value:.1f} ± {row['height'].error:.1f}{truth['height']}",
            f"{row['tilt'].value:.1f} ± {row['tilt'].error:.1f}{truth['tilt']}",
            f"{row['focal'].value:.0f} ± {row['focal'].error:.0f}{truth['focal']}",
            str(row["people"]),
            f"{row['speed_error']:.1%}",
            f"{row['area_error']:+.1%}",
            f"{row['spread']:.1%}",
            " ".join(name for name, held in row["covered"].items() if not held) or "all",
        )
    return made


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """How often truth lies within two standard errors, and the median errors."""
    told = [row for row in rows if "refused" not in row]
    lines = [f"{len(told)} of {len(rows)} cases told"]
    for name in ("speed", "area", "height", "tilt", "focal"):
        held = [row["covered"][name] for row in told if name in row["covered"]]
        lines.append(f"{name}: truth within 2 standard errors in {np.mean(held):.0%}")
    lines += [
        f"median {name}: {np.median([abs(row[name]) for row in told]):.1%}"
        for name in ("speed_error", "area_error", "spread")
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Score every case."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--no-video", action="store_true", help="leave out what needs a detector")
    parser.add_argument("--seeds", type=int, default=2, help="made-up people and cameras, times")
    parser.add_argument("--json", action="store_true", help="plain numbers instead of a table")
    asked = parser.parse_args(arguments)
    cases = all_cases(shared_folder(), video=not asked.no_video, seeds=range(asked.seeds))
    rows = [score(case) for case in cases]
    if asked.json:
        json.dump(rows, sys.stdout, indent=2)
        print()
    else:
        console = Console(width=None if sys.stdout.isatty() else 140)
        console.print(table(rows))
        console.print(summary(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
