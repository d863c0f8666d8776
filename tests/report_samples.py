"""Reports made up for the tests of what is written and drawn."""

from __future__ import annotations

import math
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from passerby.errors import Unread
from passerby.ground import Ground
from passerby.histogram import Histogram
from passerby.kinds import KINDS
from passerby.measurement import Measurement
from passerby.measures.measure import Value
from passerby.models import Model
from passerby.redacted import RedactedImage
from passerby.report import Report, Settings
from passerby.shapes import whole_picture
from passerby.site import Camera, make_camera

CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
HELSINKI = ZoneInfo("Europe/Helsinki")
UNKNOWN_AT = datetime(2026, 5, 4, 8, 15, tzinfo=HELSINKI)
"""The quarter of :func:`junction` in which the camera was down."""

_BUSY = {"person": 9, "bicycle": 6, "car": 38, "motorcycle": 1, "bus": 3, "truck": 0}


def model(classes: tuple[str, ...] = CLASSES, density_limit: int = 20) -> Model:
    """A detector with every limit stated."""
    return Model(
        name="sample-416",
        family="nanodet",
        runtime="onnxruntime",
        licence="Apache-2.0",
        source="made up for tests",
        classes=classes,
        threshold=0.35,
        vehicle_threshold=0.3,
        input_size=(416, 416),
        good_at="People and vehicles at 5 to 30 m in daylight.",
        bad_at="Dense crowds, night without lamps, people seen from straight above.",
        density_limit=density_limit,
        accuracy="person AP50 0.91 on PETS S2L1",
        speed="41 ms a frame on one thread",
        smallest_person=0.06,
    )


@cache
def street(width: int = 320, height: int = 180) -> RedactedImage:
    """A drawn junction: sky, houses, asphalt, pavements, markings, and a patch never proven."""
    lines = []
    for y in range(height):
        row = bytearray(b"\0")
        for x in range(width):
            row += bytes(_colour(x / width, y / height))
        lines.append(bytes(row))
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in (
            (b"IHDR", size),
            (b"IDAT", zlib.compress(b"".join(lines), 9)),
            (b"IEND", b""),
        )
    )
    return RedactedImage(data, "image/png", width, height)


def _colour(x: float, y: float) -> tuple[int, int, int]:
    if 0.78 < x < 0.9 and 0.7 < y < 0.85:
        return 128, 128, 128
    if y < 0.18:
        return 178, 200, 218
    if y < 0.34 and not 0.4 < x < 0.6:
        return (142, 112, 96) if int(x * 24) % 3 else (168, 142, 122)
    across = 0.44 < y < 0.74
    along = abs(x - 0.5) < 0.06 + (y - 0.18) * 0.24
    if across or along:
        dash = (across and abs(y - 0.59) < 0.006 and not along and int(x * 40) % 2) or (
            along and abs(x - 0.5) < 0.003 and not across and int(y * 30) % 2
        )
        return (226, 226, 220) if dash else (92, 96, 100)
    return 158, 160, 152


def camera(name: str = "gate") -> Camera:
    """Three lines, two movements, one zone and one mask."""
    return make_camera(
        lines={
            "west": ((0.16, 0.78), (0.16, 0.42)),
            name: ((0.86, 0.40), (0.86, 0.76)),
            "south": ((0.30, 0.88), (0.72, 0.92)),
        },
        zones={"square": ((0.30, 0.40), (0.70, 0.40), (0.74, 0.78), (0.26, 0.78))},
        movements={"straight on": ("west", name), "right turn": ("west", "south")},
        masks={"window": ((0.02, 0.20), (0.2, 0.20), (0.2, 0.33), (0.02, 0.33))},
    )


def rows(
    shapes: Camera,
    first: datetime,
    intervals: int,
    seconds: int,
    *,
    classes: tuple[str, ...] = CLASSES,
    unknown: frozenset[int] = frozenset(),
    busy: float = 1.0,
    site: str = "Harbour Square",
    name: str = "north",
) -> tuple[Measurement, ...]:
    """Rows of every shape, class and interval, the same at every call."""
    chance = random.Random(7)
    series = [
        *((line, "crossings", way) for line in shapes.lines for way in ("forward", "backward")),
        *((movement, "movement", "") for movement in shapes.movements),
        *(
            (zone, kind, "")
            for zone in shapes.zones
            for kind in ("occupancy_mean", "occupancy_max")
        ),
    ]
    made = []
    for place, kind, way in series:
        for class_ in classes:
            for number in range(intervals):
                rush = 1 + number % 5 / 4
                part = 0.4 if kind == "movement" else 1.0
                count = int(
                    _BUSY.get(class_, 30) * busy * part * rush * (0.6 + chance.random() / 2)
                )
                value = {
                    "occupancy_mean": count / 23,
                    "occupancy_max": float(count // 6 + (count > 0)),
                }.get(kind, float(count))
                start = (first.astimezone(UTC) + timedelta(seconds=number * seconds)).astimezone(
                    first.tzinfo
                )
                known = number not in unknown
                made.append(
                    Measurement(
                        site,
                        name,
                        place,
                        kind,
                        class_,
                        way,
                        start,
                        seconds,
                        value if known else None,
                        count if known else None,
                        1.0 if known else 0.0,
                    )
                )
    assert {row.kind for row in made} <= KINDS.keys()
    return tuple(sorted(made, key=lambda row: (row.key[2:6], row.start.timestamp())))


def junction(
    *,
    site: str = "Harbour Square",
    line: str = "gate",
    classes: tuple[str, ...] = CLASSES,
    seconds: int = 900,
    unknown: frozenset[int] | None = None,
    hours: float = 2,
) -> Report:
    """Two hours of a morning in quarters; the camera was down in the sixth."""
    first = datetime(2026, 5, 4, 7, 0, tzinfo=HELSINKI)
    shapes = camera(line)
    lost = frozenset({5}) if unknown is None else unknown
    made = rows(
        shapes,
        first,
        int(hours * 3600 / seconds),
        seconds,
        classes=classes,
        unknown=lost,
        site=site,
    )
    return Report(
        site=site,
        camera="north",
        timezone="Europe/Helsinki",
        clock="start",
        start=first,
        end=first + timedelta(hours=hours),
        frame_size=(1920, 1080),
        shapes=shapes,
        whole_picture=False,
        rows=made,
        street=street(),
        model=model(classes),
        settings=Settings(10.0, seconds, 2.0, "ground", 1, "0.1.0"),
        unread=Unread(9000, 900.0, ("The recording stops in between and goes on later.",))
        if lost
        else Unread(),
    )


def ground(spread: float = 0.06) -> Ground:
    """That of a camera 6 m above the ground, tilted 24° down: x to its right, y away from it."""
    tilt, height, focal = math.radians(24), 6.0, 1300.0
    down, ahead = math.sin(tilt), math.cos(tilt)
    to_picture = np.array(
        [
            [focal, 960 * ahead, 960 * height * down],
            [0, 540 * ahead - focal * down, 540 * height * down + focal * height * ahead],
            [0, ahead, height * down],
        ]
    )
    return Ground(np.linalg.inv(to_picture), spread, "heights of people")


def plaza() -> Camera:
    """A place with a queue, stairs and a lane, where everything is measured."""
    return make_camera(
        lines={
            "passage": ((0.21, 0.60), (0.66, 0.60)),
            "lane 1": ((0.03, 0.50), (0.18, 0.44)),
            "barrier": ((0.72, 0.50), (0.86, 0.53)),
        },
        zones={
            "plaza": ((0.26, 0.42), (0.62, 0.42), (0.70, 0.86), (0.16, 0.86)),
            "stairs": ((0.40, 0.28), (0.56, 0.28), (0.58, 0.38), (0.38, 0.38)),
            "entrance": ((0.70, 0.50), (0.88, 0.54), (0.96, 0.84), (0.76, 0.80)),
        },
        crowd={
            "plaza": {"capacity": 120},
            "stairs": {"level_of_service": "stairs", "density_limit": 3},
            "entrance": {"level_of_service": "queue"},
        },
        queues={"tickets": {"zone": "entrance", "head": "barrier"}},
        lanes=("lane 1",),
    )


_DENSITIES = {
    "plaza": (0.12, 0.21, 0.34, 0.52, 0.78, 0.0, 1.15, 0.66),
    "stairs": (0.30, 0.55, 0.90, 1.45, 2.35, 0.0, 2.80, 1.20),
    "entrance": (0.40, 0.70, 1.30, 1.80, 2.10, 0.0, 1.60, 0.90),
}
_QUEUED = (3, 6, 11, 17, 22, 0, 14, 8)


def _measured(number: int) -> Iterator[Value]:
    """Every kind but counts in one interval of :func:`square`, as the measures tell them."""
    chance = random.Random(number)
    for zone, densities in _DENSITIES.items():
        yield from _crowd(zone, densities[number], number)
    for line in ("passage", "lane 1", "barrier"):
        yield from _line(line, number, chance)
    waiting = _QUEUED[number]
    served = 0.055 + 0.004 * number
    wait = waiting / served if number else None
    waits = _histogram(1.0, [0.9 * (wait or 0) + 3 * step for step in range(-3, 9)])
    delays = _histogram(1.0, [4.0 + step for step in range(4)])
    numbers = {
        "queue_mean": float(waiting),
        "queue_max": waiting + 4.0,
        "queue_length_mean": 0.8 * waiting,
        "queue_length_max": 0.8 * waiting + 2.5,
        "service_rate": served,
        "wait_expected": wait,
        "wait_expected_low": wait and 0.75 * wait,
        "wait_expected_high": wait and 1.3 * wait,
    }
    for kind, value in numbers.items():
        yield Value("tickets", kind, "person", "", value, 50)
    yield _of("tickets", "wait_observed_median", "person", "", waits, 12 if wait else 2)
    yield _of("tickets", "delay_mean", "car", "", delays, 4)


def _crowd(zone: str, density: float, number: int) -> Iterator[Value]:
    speed = max(0.15, 1.34 * (1 - density / 4))
    speeds = _histogram(0.05, [speed * (0.6 + 0.1 * step) for step in range(9)])
    stays = _histogram(1.0, [20 / speed + 4 * step for step in range(20)])
    filling = zone == "plaza" and number in (3, 4)
    numbers: dict[str, float | None] = {
        "density_mean": density,
        "density_max": density * 1.35,
        "density_voronoi_mean": density * 0.94 if zone == "plaza" else density,
        "density_local_max": density * 1.7 + 0.3,
        "saturated": 0.4 if density > 2 else 0.0,
        "implausible_speeds": float(number % 2),
        "net_inflow": (12.0, 20.0, 31.0, 40.0, 22.0, 0.0, -55.0, -38.0)[number],
        "time_to_capacity": 540.0 - 60 * number if filling else None,
        "time_to_capacity_low": 300.0 - 40 * number if filling else None,
    }
    for kind, value in numbers.items():
        yield Value(zone, kind, "person", "", value, None if value is None else 40)
    for kind in ("speed_mean", "speed_median"):
        yield _of(zone, kind, "person", "", speeds, 9)
    for kind in ("dwell_median", "dwell_p90"):
        yield _of(zone, kind, "person", "", stays, 20)


def _line(line: str, number: int, chance: random.Random) -> Iterator[Value]:
    density = _DENSITIES["plaza"][number]
    flow = density * max(0.15, 1.34 * (1 - density / 4)) * (0.9 + 0.05 * (number % 4))
    for way, share in (("forward", 0.6), ("backward", 0.4)):
        yield Value(line, "specific_flow", "person", way, flow * share, 60)
        for class_ in CLASSES:
            people = flow * share * 5 if class_ == "person" else 0.0
            cars = 0.05 * share * (number + 2) if (class_, line) == ("car", "lane 1") else 0.0
            yield Value(line, "flow_rate", class_, way, people + cars, 60)
            if class_ == "person":
                continue
            many = {"car": 45, "bus": 4, "bicycle": 14}.get(class_, 0) if line == "lane 1" else 0
            many = many if way == "forward" else many // 9
            mean = 17.0 if class_ == "bicycle" else 34.0
            speeds = _histogram(0.5, [max(2.0, chance.gauss(mean, 6)) for _ in range(many)])
            for kind in ("spot_speed_mean", "spot_speed_median", "spot_speed_v85"):
                yield _of(line, kind, class_, way, speeds, many)
            yield Value(line, "implausible_speeds", class_, way, 0.0, 0)
    for class_ in CLASSES:
        directions = Histogram(1.0)
        if class_ == "person":
            directions.add(0.0, 60)
            directions.add(1.0, 40)
        yield _of(
            line, "counter_flow_share", class_, "", directions, 100 if class_ == "person" else 0
        )
    if line == "lane 1":
        gaps = _histogram(0.1, [1.5 + 12 / (number + 1) * step / 6 for step in range(30)])
        for kind in ("headway_mean", "headway_median"):
            yield _of(line, kind, "vehicle", "", gaps, 30)
        yield Value(line, "time_occupancy", "vehicle", "", 3.0 + 1.7 * number, 45)


def _histogram(width: float, values: list[float]) -> Histogram:
    histogram = Histogram(width)
    for value in values:
        histogram.add(value)
    return histogram


def _of(place: str, kind: str, class_: str, way: str, histogram: Histogram, n: int) -> Value:
    value = KINDS[kind].value_of(histogram, n)
    return Value(place, kind, class_, way, value, n, histogram)


def square(*, spread: float = 0.06) -> Report:
    """The junction's two hours at a place with a known ground, where every kind is measured."""
    base, shapes = junction(), plaza()
    counted = rows(shapes, base.start, 8, 900, unknown=frozenset({5}))
    measured = []
    for number in range(8):
        start = base.start + timedelta(seconds=900 * number)
        known = number != 5
        for value in _measured(number):
            blank = counted[0]
            row = replace(blank, **value._asdict(), start=start, seconds=900, coverage=float(known))
            measured.append(row if known else replace(row, value=None, n=None, histogram=None))
    assert {row.kind for row in (*counted, *measured)} | {"movement"} == KINDS.keys()
    made = sorted((*counted, *measured), key=lambda row: (row.key[2:6], row.start.timestamp()))
    return replace(base, shapes=shapes, rows=tuple(made), ground=ground(spread))


def short_clip() -> Report:
    """80 s of elapsed time, nothing drawn, no street, a portrait picture."""
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    shapes = whole_picture(make_camera())
    made = rows(shapes, zero, 2, 60, classes=("person", "vehicle"), busy=0.6, name="clip")
    return Report(
        site="clip",
        camera="clip",
        timezone="UTC",
        clock="elapsed",
        start=zero,
        end=zero + timedelta(seconds=80),
        frame_size=(1080, 1440),
        shapes=shapes,
        whole_picture=True,
        rows=tuple(_cut(row) for row in made),
        street=None,
        model=model(("person", "vehicle"), density_limit=3),
        settings=Settings(5.0, 60, 2.0, "ground", 1, "0.1.0"),
        notes=("Nothing was drawn: the middle line and the whole picture were measured.",),
    )


def _cut(row: Measurement) -> Measurement:
    return replace(row, coverage=20 / 60) if row.start.timestamp() >= 60 else row
