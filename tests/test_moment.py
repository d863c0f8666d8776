"""Plain arrays, and how others take them."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from passerby.moment import CLASSES, Detections, Moment

BOXES = np.array([[0.0, 1, 20, 51], [5, 6, 7, 8]])
CODES = np.array([CLASSES.index("person"), CLASSES.index("bus")])
MOMENT = Moment(3, 1.5, 0.1, np.array([4, 9]), BOXES, CODES, np.array([0.9, 0.0]))


def test_detections_are_chosen_by_mask_or_place() -> None:
    found = Detections(BOXES, np.array([0.9, 0.2]), CODES)
    assert list(found.classes) == ["person", "bus"]
    assert list(found[found.scores > 0.5].classes) == ["person"]
    assert list(found[np.array([1])].classes) == ["bus"]
    assert len(Detections.empty()) == 0


def test_a_moment_goes_to_supervision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where supervision is not installed, its constructor is stood in for."""
    try:
        import supervision
    except ImportError:
        supervision = ModuleType("supervision")
        supervision.Detections = SimpleNamespace  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "supervision", supervision)
    given = MOMENT.to_supervision()
    assert given.xyxy.tolist() == BOXES.tolist()
    assert given.tracker_id.tolist() == [4, 9]
    assert given.class_id.tolist() == CODES.tolist()
    assert given.confidence.tolist() == pytest.approx([0.9, 0.0])
    assert given.data["class_name"].tolist() == ["person", "bus"]
