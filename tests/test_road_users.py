"""A road user is one detection."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passerby.moment import CLASSES, Detections
from passerby.road_users import road_users


def found(*boxes: tuple[str, float, float, float, float]) -> Detections:
    """Detections with falling scores."""
    return Detections(
        np.array([box[1:] for box in boxes], np.float64).reshape(-1, 4),
        np.linspace(0.9, 0.6, len(boxes)),
        np.array([CLASSES.index(box[0]) for box in boxes], np.int64),
    )


def test_a_cyclist_is_one_road_user_with_the_box_around_both() -> None:
    users = road_users(found(("person", 100, 100, 130, 170), ("bicycle", 90, 130, 140, 190)))
    assert list(users.classes) == ["bicycle"]
    assert users.boxes.tolist() == [[90, 100, 140, 190]]
    assert users.scores.tolist() == [0.9]


def test_who_walks_past_a_parked_bicycle_stays_a_person() -> None:
    users = road_users(found(("person", 150, 100, 190, 220), ("bicycle", 90, 150, 160, 200)))
    assert sorted(users.classes) == ["bicycle", "person"]


def test_each_machine_has_one_rider() -> None:
    two = [("person", 100, 100, 130, 170), ("person", 104, 102, 134, 172)]
    users = road_users(found(*two, ("motorcycle", 90, 130, 140, 190)))
    assert sorted(users.classes) == ["motorcycle", "person"]


def test_the_driver_is_part_of_the_car() -> None:
    users = road_users(found(("car", 100, 100, 300, 220), ("person", 180, 115, 220, 160)))
    assert list(users.classes) == ["car"]


def test_who_walks_before_a_bus_or_behind_a_car_is_a_person() -> None:
    before = found(("bus", 100, 50, 400, 250), ("person", 200, 170, 230, 248))
    assert sorted(road_users(before).classes) == ["bus", "person"]
    behind = found(("car", 100, 100, 300, 220), ("person", 180, 60, 210, 130))
    assert sorted(road_users(behind).classes) == ["car", "person"]


def test_a_doubtful_vehicle_swallows_nobody() -> None:
    inside = found(("car", 100, 100, 300, 220), ("person", 180, 115, 220, 160))
    assert len(road_users(inside, vehicle_threshold=0.95)) == 2


@given(st.lists(st.tuples(*[st.floats(0, 500)] * 4, st.integers(0, len(CLASSES) - 1)), max_size=9))
def test_boxes_only_merge_or_go(boxes: list[tuple[float, float, float, float, int]]) -> None:
    array = np.array([box[:4] for box in boxes], np.float64).reshape(-1, 4)
    array[:, 2:] += array[:, :2] + 1
    codes = np.array([box[4] for box in boxes], np.int64)
    users = road_users(Detections(array, np.full(len(boxes), 0.5), codes))
    person = CLASSES.index("person")
    # No machine and no vehicle is lost, and nobody becomes a person.
    for code in set(range(len(CLASSES))) - {person}:
        assert (users.codes == code).sum() == (codes == code).sum()
    assert (users.codes == person).sum() <= (codes == person).sum()
