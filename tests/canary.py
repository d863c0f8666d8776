"""A pattern that a person in a film wears, and the search for it in all that a run leaves.

The film is the PETS clip at a frame a second, lossless. One of its people stands still in it
from the first frame to the last, with the pattern on her body, while the others walk past.

What the search cannot see: the memory of the process, what was deleted from a disk, and a
picture other than JPEG that is cut off.
"""

from __future__ import annotations

import base64
import io
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

WIDTH, HEIGHT = 768, 576
STREET_WIDTH = 640  # of the picture in the report
FRAMES, FPS = 75, 1  # long enough to close an interval of a minute
PERSON = (367, 419, 423, 572)  # x1, y1, x2, y2 in frame 621 of the clip
_PERSON_FRAME = 621
_CLIP_FPS = 7
_PHASE = _PERSON_FRAME % _CLIP_FPS
_MARGIN = 4
CELL = 5
PLACE = (376, 452)  # of the pattern in the film; even, for formats with halved colours
PATTERN: Picture = np.kron(
    np.random.default_rng(5).integers(0, 2, (12, 8, 3), np.uint8) * np.uint8(255),
    np.ones((CELL, CELL, 1), np.uint8),
)

LIKE = 0.5
"""Correlation from which a picture shows the pattern.

The street without her comes to 0.43 by chance; a ghost of her that is blended in by a tenth to
0.69; a sharp picture of her to 0.94.
"""

_LAYOUTS = ("bgr24", "rgb24", "bgra", "rgba", "gbrp", "gray", "yuv420p", "yuvj420p", "yuv444p")
_PICTURE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|GIF8[79]a|II\*\0|MM\0\*"
    rb"|BM....\0\0\0\0....[\x0c\x28\x6c\x7c]\0\0\0",
    re.DOTALL,
)
_JPEG_END = b"\xff\xd9"
_COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_-]{20,}\s?)+")
_DEEPEST = 4  # a picture in base64 in a page in an archive, and one more
_LARGEST = 1 << 26


def worn(picture: Picture) -> Picture:
    """The picture with the pattern where she wears it in the film."""
    x, y = PLACE
    picture = picture.copy()
    picture[y : y + PATTERN.shape[0], x : x + PATTERN.shape[1]] = PATTERN
    return picture


def film(clip: Path, path: Path) -> Path:
    """Write the film: FFV1 in BGR, so that a decoder gives back every byte of the pattern."""
    with av.open(str(clip)) as file:
        frames = [frame for n, frame in enumerate(file.decode(video=0)) if n % _CLIP_FPS == _PHASE]
    x1, y1, x2, y2 = PERSON
    here = slice(y1 - _MARGIN, y2 + _MARGIN), slice(x1 - _MARGIN, x2 + _MARGIN)
    her = worn(_to_bgr(frames[_PERSON_FRAME // _CLIP_FPS]))[here]
    with av.open(str(path), "w") as file:
        stream = cast(Any, file.add_stream("ffv1", rate=FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        for number, real in enumerate(frames[:FRAMES]):
            picture = _to_bgr(real)
            picture[here] = her
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="bgr0")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def _to_bgr(frame: av.VideoFrame) -> Picture:
    return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def leaks(folders: Iterable[Path]) -> list[str]:
    """Where the pattern is in the files of these folders, and how it was known."""
    found = []
    for where, data in everything(folders):
        if any(row in data for row in rows()):
            found.append(f"{where}: rows of it")
        likenesses = [likeness(picture) for picture in _pictures(data)]
        found += [f"{where}: a picture of it ({like:.2f})" for like in likenesses if like > LIKE]
    return found


def pictures(folders: Iterable[Path]) -> list[Picture]:
    """Every picture in the files of these folders."""
    return [picture for _, data in everything(folders) for picture in _pictures(data)]


def everything(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """What every file below these folders holds, as it is and unpacked, and where it was."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield from _unpacked(str(path.relative_to(folder)), path.read_bytes(), 0)


def _unpacked(where: str, data: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    yield where, data
    if depth < _DEEPEST:
        for part, inner in _parts(data):
            yield from _unpacked(f"{where}, {part}", inner, depth + 1)


def _parts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What is packed into these bytes, one layer of it."""
    if data[:4] == b"PK\3\4":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
    elif data[:16] == b"SQLite format 3\0":
        yield from _cells(data)
    elif data[:4] == b"PAR1":
        for column in pq.read_table(pa.BufferReader(data)).itercolumns():
            for value in column.to_pylist():
                if isinstance(value, bytes | str):
                    yield "a column", value if isinstance(value, bytes) else value.encode()
    for match in _COMPRESSED.finditer(data):
        try:
            inner = zlib.decompressobj(47).decompress(data[match.start() :], _LARGEST)
        except zlib.error:
            continue  # two bytes that only look like a beginning
        if inner:
            yield f"compressed at {match.start()}", inner
    for match in _BASE64.finditer(data):
        text = b"".join(match[0].split()).translate(bytes.maketrans(b"-_", b"+/"))
        text += b"A" * (-len(text) % 4)  # whatever the padding is, all of it is decoded
        yield f"base64 at {match.start()}", base64.b64decode(text)


def _cells(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Every text and blob of a database. A blob lies on several pages, in pieces."""
    database = sqlite3.connect(":memory:")
    try:
        # Read as a database without a write-ahead log, which is another file.
        database.deserialize(data[:18] + b"\1\1" + data[20:])
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'select * from "{table}"'):
                for value in row:
                    if isinstance(value, bytes | str):
                        yield table, value if isinstance(value, bytes) else value.encode()
    finally:
        database.close()


def _pictures(data: bytes) -> Iterator[Picture]:
    for match in _PICTURE.finditer(data):
        whole = data[match.start() :] + _JPEG_END  # where the rest is missing
        picture = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_COLOR)
        if picture is not None:
            yield np.asarray(picture, np.uint8)


@cache
def rows() -> frozenset[bytes]:
    """Rows of the pattern as they lie in memory in every layout, and as numbers in a text.

    At the size of the film and at that of the street.
    """
    canvas = worn(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    height = HEIGHT * STREET_WIDTH // WIDTH
    small = [
        np.asarray(cv2.resize(canvas, (STREET_WIDTH, height), interpolation=how), np.uint8)
        for how in (cv2.INTER_LINEAR, cv2.INTER_AREA)
    ]
    lines = {line for picture in (canvas, *small) for line in _lines(picture)}
    # What has one value only is no sign of the pattern.
    lines = {line for line in lines if np.count_nonzero(np.diff(np.frombuffer(line, np.uint8))) > 4}
    texts = {mark.join(map(str, line)).encode() for line in lines for mark in (",", ", ", " ")}
    return frozenset(lines | texts)


def _lines(canvas: Picture) -> Iterator[bytes]:
    """Rows of the pattern in a picture that holds it at its place, without its edges."""
    scale = canvas.shape[1] / WIDTH
    for layout in _LAYOUTS:
        frame = av.VideoFrame.from_ndarray(canvas, format="bgr24").reformat(format=layout)
        for plane in frame.planes:
            share = scale * plane.width / canvas.shape[1]
            each = plane.line_size // plane.width  # bytes of a pixel
            values = np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)
            left, top = (round(side * share) + 2 for side in PLACE)
            right, bottom = (
                round((side + size) * share) - 2
                for side, size in zip(PLACE, PATTERN.shape[1::-1], strict=True)
            )
            for line in values[top:bottom, left * each : right * each]:
                yield line.tobytes()


def likeness(picture: Picture) -> float:
    """The highest correlation of the pattern with any place of a picture, in many sizes.

    From double its size in the film down to a quarter of it.
    """
    grey = _grey(picture)
    # A flat fill has no variance, and would correlate with anything.
    grey += np.random.default_rng(0).normal(0, 3, grey.shape).astype(np.float32)
    return max((_likeness(grey, template) for template in _templates()), default=0.0)


def _likeness(grey: NDArray[np.float32], template: NDArray[np.float32]) -> float:
    if template.shape[0] > grey.shape[0] or template.shape[1] > grey.shape[1]:
        return 0.0
    return float(cv2.matchTemplate(grey, template, cv2.TM_CCOEFF_NORMED).max())


def _grey(picture: Picture) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.float32)


@cache
def _templates() -> list[NDArray[np.float32]]:
    grey = _grey(PATTERN)
    scales = [2 / 1.05**step for step in range(43)]
    return [
        np.asarray(cv2.resize(grey, None, fx=s, fy=s, interpolation=cv2.INTER_AREA), np.float32)
        for s in scales
    ]
