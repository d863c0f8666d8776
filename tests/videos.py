"""Small test videos, written with PyAV. Every frame tells its number by its brightness."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from numpy.typing import NDArray

MILLISECOND = Fraction(1, 1000)


def picture(number: int, size: tuple[int, int] = (64, 48)) -> NDArray[np.uint8]:
    """A picture whose brightness tells ``number`` (modulo 70); its top left corner is white."""
    image = np.full((size[1], size[0], 3), 40 + 3 * (number % 70), np.uint8)
    image[: size[1] // 4, : size[0] // 4] = 255
    return image


def number(image: NDArray[np.uint8]) -> int:
    """The number that a picture tells, within the loss of a codec."""
    height, width = image.shape[:2]
    return round((float(image[height // 2 :, width // 2 :].mean()) - 40) / 3)


def write_video(
    path: Path,
    frames: int = 50,
    *,
    rate: int | Fraction = 25,
    codec: str = "libx264",
    size: tuple[int, int] = (64, 48),
    times: Sequence[float] | None = None,
    pix_fmt: str | None = None,
    first: int = 0,
    format: str | None = None,
    metadata: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    sound: float = 0.0,
) -> Path:
    """Write a video.

    Args:
        path: its suffix chooses the container.
        frames: how many.
        rate: frames per second, as the header says.
        codec: encoder.
        size: width and height.
        times: seconds of each frame, where the rate is not constant.
        pix_fmt: pixel format.
        first: number of the first frame.
        format: container, where the suffix does not tell.
        metadata: of the container.
        container: options of the muxer.
        options: of the encoder.
        sound: seconds of a silent sound track.
    """
    with av.open(str(path), "w", format=format, options=container or {}) as file:
        file.metadata.update(metadata or {})
        stream = cast(Any, file.add_stream(codec, rate=rate, options=options or {}))
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt or {"mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        stream.gop_size = 10
        unit = 1 / Fraction(rate) if times is None else MILLISECOND
        stream.codec_context.time_base = unit
        voice = cast(Any, file.add_stream("aac", rate=8000)) if sound else None
        for i in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(first + i, size), format="bgr24")
            frame.pts = i if times is None else round(times[i] * 1000)
            frame.time_base = unit
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
        if voice is not None:
            for i in range(int(sound * 8000) // 1024):
                silence = av.AudioFrame.from_ndarray(
                    np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
                )
                silence.rate, silence.pts = 8000, i * 1024
                file.mux(voice.encode(silence))
            file.mux(voice.encode())
    return path


def restamp(source: Path, target: Path, times: Sequence[float | None]) -> Path:
    """Copy the packets of a video that needs no reordering, with other times."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        packets = [packet for packet in old.demux() if packet.size]
        for packet, time in zip(packets, times, strict=True):
            packet.stream = stream
            packet.time_base = MILLISECOND
            packet.pts = packet.dts = None if time is None else round(time * 1000)
            new.mux(packet)
    return target


def turn(path: Path) -> Path:
    """Mark an mp4 as to be shown turned clockwise by a quarter, as a telephone does."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    values = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[matrix : matrix + 36] = b"".join(v.to_bytes(4, "big", signed=True) for v in values)
    path.write_bytes(data)
    return path
