"""Reports made up for the tests of what is written and drawn."""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from passerby.errors import Unread
from passerby.measurement import KINDS, Measurement
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
