"""What the tracker must hold, on boxes made up for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.moment import CLASSES, Detections, Moment
from passerby.tracker import Tracker, Tuning

PERSON, BICYCLE, CAR, TRUCK = (CLASSES.index(c) for c in ("person", "bicycle", "car", "truck"))
FPS = 10


def boxes(*seen: tuple[float, float] | tuple[float, float, float]) -> Detections:
    """People 40 pixels wide and 100 high by (middle, feet) or (middle, feet, score)."""
    middles = np.array([one[:2] for one in seen], np.float64).reshape(-1, 2)
    scores = np.array([one[2] if len(one) > 2 else 0.9 for one in seen])
    corners = np.concatenate([middles - np.array([20, 100]), middles + np.array([20, 0])], axis=1)
    return Detections(corners, scores, np.full(len(seen), PERSON, np.int64))


def track(frames: list[Detections], **settings: float) -> list[Moment]:
    """Every Moment of frames that follow at :data:`FPS`."""
    tracker = Tracker(**settings)  # type: ignore[arg-type]
    told = [
        moment for i, found in enumerate(frames) for moment in tracker.accept(i, i / FPS, found)
    ]
    return told + tracker.finish()


def identities(told: list[Moment]) -> set[int]:
    return {int(number) for moment in told for number in moment.ids}


def walk(frames: int, start: float = 100, speed: float = 8, feet: float = 300) -> list[float]:
    return [start + speed * i for i in range(frames)]


def test_one_who_walks_is_one_from_the_first_box_to_the_last() -> None:
    told = track([boxes((x, 300)) for x in walk(40)])
    assert [len(moment) for moment in told] == [1] * 40
    assert len(identities(told)) == 1
    middles = [moment.boxes[0, [0, 2]].mean() for moment in told]
    assert middles == pytest.approx(walk(40), abs=0.5)


@pytest.mark.parametrize("hidden", [5, 10, 19])
def test_one_who_is_hidden_for_less_than_the_bridging_time_is_followed(hidden: int) -> None:
    frames = [boxes((x, 300)) for x in walk(60)]
    frames[20 : 20 + hidden] = [boxes()] * hidden
    told = track(frames)
    assert len(identities(told)) == 1
    assert [len(moment) for moment in told] == [1] * 60
    assert all(moment.scores[0] == 0 for moment in told[20 : 20 + hidden])
    middles = [moment.boxes[0, [0, 2]].mean() for moment in told]
    assert middles == pytest.approx(walk(60), abs=2)


def test_one_who_is_gone_for_longer_is_somebody_else() -> None:
    frames = [boxes((200, 300))] * 20 + [boxes()] * 25 + [boxes((200, 300))] * 20
    told = track(frames)
    assert len(identities(told)) == 2
    assert [len(moment) for moment in told] == [1] * 20 + [0] * 25 + [1] * 20


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.0])
def test_without_bridging_one_who_is_always_seen_is_one(seconds: float) -> None:
    tracker = Tracker(bridge_seconds=0)
    told = [
        moment
        for i in range(20)
        for moment in tracker.accept(i, i * seconds, boxes((100 + 20 * i, 300)))
    ]
    assert len(identities(told + tracker.finish())) == 1


def test_a_gap_in_the_recording_loses_nothing_before_it() -> None:
    tracker = Tracker()
    told = [m for i in range(30) for m in tracker.accept(i, i / FPS, boxes((100 + 8 * i, 300)))]
    told += tracker.accept(30, 3600.0, boxes((500, 300)))
    assert [len(moment) for moment in told] == [1] * 30


def test_two_who_cross_keep_their_identities() -> None:
    right, left = walk(60, 100, 8), walk(60, 572, -8)
    told = track([boxes((a, 300), (b, 310)) for a, b in zip(right, left, strict=True)])
    assert len(identities(told)) == 2
    first, last = told[0], told[-1]
    order = first.ids[np.argsort(first.boxes[:, 0])]
    assert last.ids[np.argsort(last.boxes[:, 0])].tolist() == order[::-1].tolist()


def test_two_abreast_are_two() -> None:
    told = track([boxes((x, 300), (x + 30, 296)) for x in walk(40)])
    assert [len(moment) for moment in told] == [2] * 40
    assert len(identities(told)) == 2


def test_a_flash_is_nobody() -> None:
    frames = [boxes()] * 10 + [boxes((200, 300))] * 2 + [boxes()] * 30
    assert identities(track(frames)) == set()


def test_a_doubtful_box_continues_a_track_but_begins_none() -> None:
    alone = [boxes((x, 300, 0.35)) for x in walk(40)]
    assert identities(track(alone)) == set()
    seen = [boxes((x, 300, 0.9 if i < 20 else 0.35)) for i, x in enumerate(walk(40))]
    assert [len(moment) for moment in track(seen)] == [1] * 40


def test_the_class_is_fixed_by_vote() -> None:
    found = boxes((200, 300))
    frames = [
        Detections(found.boxes + 6 * i, found.scores, np.array([TRUCK if i % 4 == 0 else CAR]))
        for i in range(40)
    ]
    assert {name for moment in track(frames) for name in moment.classes} == {"car"}


def test_a_cyclist_who_is_seen_as_a_person_now_and_then_stays_one_track() -> None:
    found = boxes((200, 300))
    frames = [
        Detections(found.boxes + 6 * i, found.scores, np.array([PERSON if i % 3 == 0 else BICYCLE]))
        for i in range(40)
    ]
    told = track(frames)
    assert len(identities(told)) == 1
    assert {name for moment in told for name in moment.classes} == {"bicycle"}


def test_a_part_of_a_vehicle_is_not_another() -> None:
    """A detector boxes the cab of a lorry too, and is less sure of it."""
    whole, cab = np.array([100.0, 100, 400, 300]), np.array([300.0, 120, 395, 290])
    frames = [
        Detections(
            np.stack([whole, cab]) + np.array([8 * i, 0, 8 * i, 0]),
            np.array([0.8, 0.33]),
            np.array([TRUCK, CAR]),
        )
        for i in range(5, 40)
    ]
    cab_first = [found[np.array([1])] for found in frames[:3]]
    told = track(cab_first + frames[3:])
    assert all(len(moment) <= 1 for moment in told[5:])


def test_without_look_ahead_each_frame_is_told_at_once() -> None:
    tracker = Tracker(look_ahead=0)
    for index, x in enumerate(walk(30)):
        (moment,) = tracker.accept(index, index / FPS, boxes((x, 300)))
        assert moment.index == index
    assert tracker.finish() == []


@pytest.mark.parametrize("seconds", [-0.1, 5.1, float("nan")])
def test_nobody_is_remembered_for_more_than_five_seconds(seconds: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 5"):
        Tracker(bridge_seconds=seconds)


def test_nothing_is_kept_of_the_past() -> None:
    """After an hour with a new face every few seconds the tracker holds seconds of it."""
    tracker = Tracker()
    for index in range(3600):
        x = 100 + 50 * (index % 30)
        tracker.accept(index, index * 1.0, boxes((x, 300)))
    assert len(tracker._tracks) < 10
    assert len(tracker._pages._untold) + len(tracker._pages._told) < 10


@given(
    st.lists(
        st.lists(
            st.tuples(st.floats(0, 600), st.floats(100, 500), st.floats(0.1, 1), st.integers(0, 6)),
            max_size=6,
        ),
        max_size=25,
    ),
    st.floats(0, 5),
)
def test_whatever_comes_every_frame_is_told_once_and_in_order(
    frames: list[list[tuple[float, float, float, int]]], bridge: float
) -> None:
    tracker = Tracker(Tuning(), bridge_seconds=bridge)
    told = []
    for index, seen in enumerate(frames):
        found = boxes(*[(x, y, score) for x, y, score, _ in seen])
        codes = np.array([code for *_, code in seen], np.int64)
        told += tracker.accept(index, index * 0.2, Detections(found.boxes, found.scores, codes))
    told += tracker.finish()
    assert [moment.index for moment in told] == list(range(len(frames)))
    for moment in told:
        assert len(set(moment.ids.tolist())) == len(moment)
        assert np.isfinite(moment.boxes).all()
        assert (moment.boxes[:, 2:] > moment.boxes[:, :2]).all()
