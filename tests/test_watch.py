"""Sampling, and Moments of one camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.models import DEFAULT, available
from passerby.moment import Detections, Moment
from passerby.pixels.parts import Reading
from passerby.pixels.video import Frame
from passerby.pixels.watch import Sampler, Watch, longest_gap, moments
from passerby.site import Camera, make_camera

SIZE = (64, 48)


def frame(index: int, time: float) -> Frame:
    picture = np.full((SIZE[1], SIZE[0], 3), 200, np.uint8)
    return Frame(index, time, Reading(picture, time, SIZE, 0))


def watch(
    rate: float = 10,
    camera: Camera | None = None,
    analyse_fps: float | None = None,
    together: int = 8,
) -> Watch:
    (model,) = (model for model in available() if model.name == DEFAULT)
    return Watch(
        camera or Camera(),
        size=SIZE,
        rate=rate,
        model=model,
        analyse_fps=analyse_fps,
        together=together,
    )


@given(st.floats(5, 60), st.floats(0.3, 60), st.floats(0, 2e9))
def test_sampling_by_fractional_rates_loses_no_frame(
    rate: float, wanted: float, start: float
) -> None:
    sampler = Sampler(rate, wanted)
    frames = 600
    taken = sum(sampler.takes(start + index / rate) for index in range(frames))
    expected = frames * min(wanted / rate, 1)
    assert abs(taken - expected) <= 1


@given(st.floats(5, 60), st.floats(0.3, 60))
def test_sampled_frames_keep_the_beat(rate: float, wanted: float) -> None:
    sampler = Sampler(rate, wanted)
    times = np.array([i / rate for i in range(400) if sampler.takes(i / rate)])
    if len(times) > 1:
        off = np.abs(np.diff(times) - sampler.period)
        assert off.max() <= 1 / rate + 1e-6


def test_every_frame_is_taken_where_more_is_asked_than_there_is() -> None:
    sampler = Sampler(7, 25)
    assert all(sampler.takes(index / 7 + (index % 3) * 0.01) for index in range(100))


def test_after_a_gap_the_beat_begins_anew() -> None:
    sampler = Sampler(25, 5)
    for index in range(50):
        sampler.takes(index / 25)
    taken = [sampler.takes(100.03 + index / 25) for index in range(10)]
    assert taken == [True, False, False, False, False] * 2


def test_moments_last_until_the_next_and_never_over_a_gap() -> None:
    seen = watch(rate=10)
    times = [0, 0.1, 0.2, 0.9, 1.0, 5.0, 5.1]
    told = []
    for index, time in enumerate(times):
        told += seen.accept(frame(index, time), Detections.empty())
    told += seen.finish()
    assert [moment.time for moment in told] == times
    assert [moment.index for moment in told] == list(range(7))
    lasted = [moment.seconds for moment in told]
    assert lasted == pytest.approx([0.1, 0.1, 0.7, 0.1, 0.1, 0.1, 0.1])


def test_waiting_to_be_tracked_in_one_go_changes_nothing_but_the_delay() -> None:
    def walker(index: int) -> Detections:
        box = np.array([[10.0 + index, 10.0, 20.0 + index, 40.0]])
        return Detections(box, np.array([0.9]), np.array([0]))

    told: dict[int, list[Moment]] = {}
    delays: dict[int, int] = {}
    for together in (1, 8):
        seen = watch(together=together)
        told[together] = []
        for index in range(30):
            told[together] += seen.accept(frame(index, index / 10), walker(index))
            if told[together]:
                delays.setdefault(together, index)
        told[together] += seen.finish()
    assert delays[1] < delays[8] <= delays[1] + 8
    for one, other in zip(told[1], told[8], strict=True):
        assert (one.index, one.time, one.seconds) == (other.index, other.time, other.seconds)
        assert np.array_equal(one.ids, other.ids)
        assert np.array_equal(one.boxes, other.boxes)
    assert any(len(moment) for moment in told[1])


def test_the_longest_gap_is_a_second_or_two_periods() -> None:
    assert longest_gap(0.1) == 1.0
    assert longest_gap(2.0) == 4.0


def test_masks_are_painted_over_and_the_frame_stays() -> None:
    corner = make_camera(masks={"window": [[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]]})
    seen, offered = watch(camera=corner), frame(0, 0.0)
    picture = seen.offer(offered)
    assert picture is not None
    shown = picture.scaled(SIZE)
    assert (shown[:20, :28] == 114).all()
    assert (shown[30:] == 200).all()
    assert (offered.image == 200).all()


def test_moments_of_a_real_clip(shared: Path) -> None:
    """True numbers of frames, rising times, boxes within the picture, ids from 1."""
    clip = shared / "data" / "tfl_jamcam" / "clip5.mp4"
    told = list(moments(clip, analyse_fps=5))
    times = [moment.time for moment in told]
    assert np.diff(times) == pytest.approx(0.2, abs=0.041)
    assert [moment.index for moment in told] == [round(time * 25) for time in times]
    ids = np.concatenate([moment.ids for moment in told])
    assert ids.min() >= 1
    assert {"car"} <= {name for moment in told for name in moment.classes}
    for moment in told:
        assert len(set(moment.ids.tolist())) == len(moment)
