"""Frames per second on one thread: Passerby beside a plain loop of supervision and trackers.

    python bench/speed.py
    python bench/speed.py --model pvb-2004 --frames 400 --repeats 9
    python bench/speed.py --json

Both count the same lines and one zone, in the same frames, with the same loaded detector; both look
at every frame. Detector and OpenCV have one thread, and what is measured is the CPU time of the
whole process: frames per CPU second are frames per second per thread, whatever else the machine
does and however many threads decode. The two take turns, so that a slow minute hurts both; a ratio
is that of the medians.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from itertools import islice
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import cv2
import numpy as np
import supervision as sv
from rich.console import Console
from rich.table import Table

import yardstick
from clips import Clip, load_clips, shared_folder
from detections import models_at_hand
from machine import machine
from ours import measures_of, watch_of
from passerby.ground import ground_from_homography
from passerby.measures.camera import CameraMeasures
from passerby.moment import Detections, Moment
from passerby.pixels.detector import Detector
from passerby.pixels.video import Frame, Recording
from passerby.pixels.watch import Watch
from passerby.site import make_camera
from passerby.tracker import Tracker

CROWD = 100
"""People in view where the cost of measures is shown."""

Picture = np.ndarray[Any, np.dtype[np.uint8]]


class Ours:
    """Passerby, as ``passerby count`` joins its parts."""

    def __init__(self, clip: Clip, detector: Detector, count: int) -> None:
        self.clip, self.detector, self.count = clip, detector, count

    def frames(self) -> Iterator[Frame]:
        """The first frames of the clip."""
        recording = Recording(self.clip.video, fps=self.clip.rate)
        # Leaving the loop ends the decoding thread.
        yield from islice(recording.frames(), self.count)

    def decode(self) -> None:
        """Frames with their pictures."""
        for frame in self.frames():
            assert frame.image.size

    def whole(self) -> None:
        """The pipeline."""
        watch, measures = self.watch(), self.measures()
        for frame in self.frames():
            picture = watch.offer(frame)
            if picture is not None:
                (found,) = self.detector.detect([picture])
                for moment in watch.accept(frame, found):
                    measures.accept(moment)
        for moment in watch.finish():
            measures.accept(moment)
        measures.finish()

    def track(self, frames: Sequence[Frame], found: Sequence[Detections]) -> list[Moment]:
        """Detections → Moments."""
        watch = self.watch()
        moments = [
            moment
            for frame, boxes in zip(frames, found, strict=True)
            for moment in watch.accept(frame, boxes)
        ]
        return moments + watch.finish()

    def measure(self, moments: Sequence[Moment]) -> None:
        """Moments → rows."""
        measures = self.measures()
        for moment in moments:
            measures.accept(moment)
        measures.finish()

    def watch(self) -> Watch:
        """A new watch."""
        return watch_of(self.clip, self.detector.model)

    def measures(self) -> CameraMeasures:
        """New measures."""
        return measures_of(self.clip, self.detector.model.classes)


class Plain:
    """The loop that one writes with supervision and trackers."""

    def __init__(self, clip: Clip, detector: Detector, model: str, count: int) -> None:
        self.clip, self.detector, self.count = clip, detector, count
        self.thresholds = yardstick.thresholds_for(clip, model)

    def frames(self) -> Iterator[Picture]:
        """The first pictures of the clip."""
        yield from sv.get_video_frames_generator(str(self.clip.video), end=self.count)

    def decode(self) -> None:
        """Pictures."""
        for picture in self.frames():
            assert picture.size

    def whole(self) -> None:
        """The loop."""
        tracker, zones = self.tracker(), self.zones()
        for picture in self.frames():
            (found,) = self.detector.detect([picture])
            tracked = tracker.update(self.convert(found))
            for zone in zones:
                zone.trigger(tracked)

    def track(self, found: Sequence[Detections]) -> list[sv.Detections]:
        """Detections → tracked detections."""
        tracker = self.tracker()
        return [tracker.update(self.convert(boxes)) for boxes in found]

    def measure(self, tracked: Sequence[sv.Detections]) -> None:
        """Tracked detections → counts."""
        zones = self.zones()
        for boxes in tracked:
            for zone in zones:
                zone.trigger(boxes)

    def convert(self, found: Detections) -> sv.Detections:
        """The boxes as supervision has them."""
        return yardstick.to_supervision(self.clip, found, self.thresholds.floor)

    def tracker(self) -> Any:
        """A new ByteTrack."""
        return yardstick.byte_tracker(self.thresholds, self.clip.rate)

    def zones(self) -> list[sv.LineZone | sv.PolygonZone]:
        """The lines and the zone."""
        width, height = self.clip.size
        polygon = np.array([[0, 0], [width, 0], [width, height], [0, height]])
        return [*yardstick.line_zones(self.clip).values(), sv.PolygonZone(polygon)]


def measure_speed(
    clip: Clip, name: str, path: Path | None, count: int, repeats: int
) -> dict[str, Any]:
    """Median frames per CPU second of each part, by side."""
    detector = Detector.load(path, threads=1)
    ours, plain = Ours(clip, detector, count), Plain(clip, detector, name, count)
    frames = list(ours.frames())
    found = [detector.detect([frame])[0] for frame in frames]
    moments, tracked = ours.track(frames, found), plain.track(found)
    jobs: dict[tuple[str, str], Callable[[], object]] = {
        ("whole", "passerby"): ours.whole,
        ("whole", "plain loop"): plain.whole,
        ("decode", "passerby"): ours.decode,
        ("decode", "plain loop"): plain.decode,
        ("detect", "both"): lambda: [detector.detect([frame]) for frame in frames],
        ("track", "passerby"): lambda: ours.track(frames, found),
        ("track", "plain loop"): lambda: plain.track(found),
        ("measure", "passerby"): lambda: ours.measure(moments),
        ("measure", "plain loop"): lambda: plain.measure(tracked),
    }
    seconds: dict[tuple[str, str], list[float]] = {job: [] for job in jobs}
    for repeat in range(repeats):
        # Whoever goes first finds other caches: take turns in that too.
        order = list(jobs) if repeat % 2 == 0 else list(jobs)[::-1]
        for job in order:
            begin = process_time()
            jobs[job]()
            seconds[job].append(process_time() - begin)
    rates: dict[str, dict[str, float]] = {}
    for (part, side), taken in seconds.items():
        rates.setdefault(part, {})[side] = len(frames) / median(taken)
    ratio = rates["whole"]["passerby"] / rates["whole"]["plain loop"]
    tracking, measuring = crowd_seconds(repeats)
    rest = sum(
        1 / rates[part].get("passerby", rates[part].get("both", 0)) for part in ("decode", "detect")
    )
    return {
        "clip": clip.name,
        "model": name,
        "frames": len(frames),
        "repeats": repeats,
        "frames_per_second": rates,
        "ratio": ratio,
        "crowd": {
            "people": CROWD,
            "track_ms": 1000 * tracking,
            "measures_ms": 1000 * measuring,
            "share": measuring / (rest + tracking + measuring),
        },
    }


def crowd_seconds(repeats: int) -> tuple[float, float]:
    """CPU seconds a frame of tracking :data:`CROWD` people, and of measuring all that can be.

    A street of 30 by 20 m at 10 frames a second, its ground known: two lines, two zones with
    densities, a queue and a lane.
    """
    size, rate, seconds = (1280, 720), 10.0, 60
    random = np.random.default_rng(0)
    # A camera 8 m above the ground, tilted by 35 degrees.
    down, ahead = np.sin(np.radians(35)), np.cos(np.radians(35))
    seen = np.array([[1, 0, 0], [0, -down, 8 * ahead], [0, ahead, 8 * down]])
    sensor = np.array([[900, 0, 640], [0, 900, 360], [0, 0, 1]])
    ground = ground_from_homography(np.linalg.inv(sensor @ seen), size)
    places = random.uniform([-6, 7], [6, 20], (CROWD, 2))
    steps = random.normal(0, 0.9, (CROWD, 2)) / rate
    told, found = [], []
    for index in range(round(seconds * rate)):
        places += steps
        steps[(places < [-6, 7]) | (places > [6, 20])] *= -1
        feet = ground.to_picture(places)
        tall = 1.7 / ground.metres_per_pixel(feet)
        corners = [
            feet - np.stack([tall / 5, tall], axis=1),
            feet + np.stack([tall / 5, 0 * tall], 1),
        ]
        boxes = np.concatenate(corners, axis=1)
        ids, codes = np.arange(CROWD), np.zeros(CROWD, np.int64)
        scores = np.full(CROWD, 0.9)
        told.append(Moment(index, index / rate, 1 / rate, ids, boxes, codes, scores))
        found.append(Detections(boxes, scores, codes))
    low, high = [(0.1, 0.2), (0.9, 0.2), (0.9, 0.5), (0.1, 0.5)], 0.3
    camera = make_camera(
        lines={"a": ((0.1, 0.4), (0.9, 0.4)), "b": ((0.5, 0.2), (0.5, 0.9))},
        zones={"far": low, "near": [(x, y + high) for x, y in low]},
        crowd={"far": {"capacity": 200}, "near": {"capacity": 100}},
        queues={"gate": {"zone": "near", "head": "a"}},
        lanes=("b",),
    )
    tracking, measuring = [], []
    for _ in range(repeats):
        tracker = Tracker()
        begin = process_time()
        for moment, detected in zip(told, found, strict=True):
            tracker.accept(moment.index, moment.time, detected)
        tracking.append((process_time() - begin) / len(told))
        measures = CameraMeasures(
            site="bench",
            name="crowd",
            camera=camera,
            size=size,
            classes=("person", "car"),
            zone=UTC,
            ground=ground,
        )
        begin = process_time()
        for moment in told:
            measures.accept(moment)
        measures.finish()
        measuring.append((process_time() - begin) / len(told))
    return median(tracking), median(measuring)


def table(result: dict[str, Any]) -> Table:
    """One detector's rates for people."""
    made = Table(
        title=f"Frames per second per thread: {result['clip']}, {result['model']}, "
        f"{result['frames']} frames, median of {result['repeats']}"
    )
    made.add_column("part")
    for name in ("passerby", "plain loop", "ratio"):
        made.add_column(name, justify="right")
    for part, sides in result["frames_per_second"].items():
        a, b = (sides.get(side, sides.get("both")) for side in ("passerby", "plain loop"))
        made.add_row(part, f"{a:.1f}", f"{b:.1f}", "same" if "both" in sides else f"{a / b:.2f}")
    crowd = result["crowd"]
    made.caption = (
        f"With {crowd['people']} people in view: tracking {crowd['track_ms']:.2f} ms a frame, "
        f"all measures {crowd['measures_ms']:.2f} ms, {crowd['share']:.1%} of the pipeline"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for."""
    shared = shared_folder()
    clips, models = load_clips(shared), models_at_hand(shared)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clip", choices=list(clips), default="pets")
    parser.add_argument("--model", action="append", choices=list(models), help="all by default")
    parser.add_argument("--frames", type=int, default=200, help="of the clip; 200 by default")
    parser.add_argument("--repeats", type=int, default=5, help="of each part; 5 by default")
    parser.add_argument("--json", action="store_true", help="plain numbers instead of tables")
    asked = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")  # what the plain loop is warned of is not measured here
    results = [
        measure_speed(clips[asked.clip], model, models[model], asked.frames, asked.repeats)
        for model in asked.model or models
    ]
    if asked.json:
        json.dump({"machine": machine(), "results": results}, sys.stdout, indent=2)
        print()
        return 0
    console = Console(width=None if sys.stdout.isatty() else 100)
    for result in results:
        console.print(table(result))
    console.print(", ".join(f"{key}: {value}" for key, value in machine().items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
