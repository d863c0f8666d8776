"""What a picture must have lost before it becomes bytes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from passerby.moment import Detections
from passerby.pixels.picture import Picture
from passerby.pixels.plates import find_plates
from passerby.pixels.redaction import FLAT, mark, meant, redact
from passerby.redacted import RedactedImage

SOURCES = Path(__file__).resolve().parent.parent / "src" / "passerby"


def nobody(picture: Picture) -> Detections:
    return Detections.empty()


def nothing(picture: Picture) -> NDArray[np.bool_]:
    return np.zeros(picture.shape[:2], np.bool_)


def decoded(image: RedactedImage | None) -> Picture:
    assert image is not None
    return np.asarray(cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def flat(picture: Picture) -> NDArray[np.bool_]:
    """(H, W) whether a pixel has the colour of the fill, as far as JPEG keeps colours."""
    return np.asarray(np.abs(picture.astype(int) - FLAT).max(axis=2) <= 10)


def narrow(path: Path) -> tuple[Picture, float]:
    """A picture at most 640 pixels wide, and by how much it was shrunk."""
    picture = cv2.imread(str(path))
    assert picture is not None
    scale = min(640 / picture.shape[1], 1.0)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), scale


def test_a_redacted_image_is_made_in_one_place_only() -> None:
    for word in ("RedactedImage(", "imencode("):
        calls = [
            path.name for path in SOURCES.rglob("*.py") for _ in range(path.read_text().count(word))
        ]
        assert calls == ["redaction.py"], word


def test_every_face_is_destroyed(shared: Path) -> None:
    count = 0
    for image in ElementTree.parse(shared / "data" / "faces" / "faces.xml").iter("image"):
        picture, scale = narrow(shared / "data" / "faces" / image.attrib["file"])
        gone = flat(decoded(redact(picture, nothing(picture), nobody)))
        for box in image.iter("box"):
            left, top, width, height = (
                round(int(box.attrib[key]) * scale) for key in ("left", "top", "width", "height")
            )
            count += 1
            assert gone[top : top + height, left : left + width].mean() >= 0.9, box.attrib
    assert count == 25


def test_every_plate_is_destroyed(shared: Path) -> None:
    folder = shared / "data" / "plates"
    rows = [line.split("\t") for line in (folder / "boxes.tsv").read_text().splitlines()]
    assert len(rows) == 24
    for file, *box in rows:
        picture, scale = narrow(folder / file)
        x, y, width, height = (round(float(value) * scale) for value in box)
        gone = np.zeros(picture.shape[:2], np.uint8)
        mark(gone, find_plates(picture))
        assert gone[y : y + height, x : x + width].mean() >= 0.97, file
        # Finding everything everywhere would be no finding.
        assert gone.mean() < 0.2, file


def test_road_users_found_in_any_part_are_destroyed() -> None:
    picture = np.full((240, 320, 3), 200, np.uint8)
    picture[150:190, 250:270] = (0, 0, 255)

    def small_ones(part: Picture) -> Detections:
        """Finds red, but not in a large picture."""
        rows, columns = np.nonzero((part[..., 2] == 255) & (part[..., 0] == 0))
        if part.shape == picture.shape or not len(rows):
            return Detections.empty()
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        return Detections(np.array([box], float), np.array([0.2]), np.zeros(1, np.int64))

    image = redact(picture, nothing(picture), small_ones)
    assert image is not None
    assert (image.width, image.height) == (320, 240)
    shown = decoded(image)
    assert flat(shown)[150:190, 250:270].all()
    assert not flat(shown)[:100].any()


def test_what_is_hidden_is_flat_and_nothing_left_is_no_picture() -> None:
    picture = np.full((240, 320, 3), 200, np.uint8)
    hidden = nothing(picture)
    hidden[:, :160] = True
    gone = flat(decoded(redact(picture, hidden, nobody)))
    assert gone[:, :160].all() and not gone[:, 168:].any()
    assert redact(picture, ~nothing(picture), nobody) is None


def test_a_doubtful_box_around_everything_means_nothing() -> None:
    boxes = np.array([[0, 0, 90, 90], [0, 0, 90, 90], [0, 0, 20, 20]], float)
    found = Detections(boxes, np.array([0.2, 0.8, 0.2]), np.zeros(3, np.int64))
    assert meant(found, (100, 100, 3), 0.1).tolist() == boxes[1:].tolist()


@pytest.mark.parametrize(
    "box", [(-5.0, -5.0, 3.2, 3.2), (97.5, 97.5, 120.0, 120.0), (-9.0, 5.0, -1.0, 9.0)]
)
def test_boxes_over_the_edge_are_marked_up_to_it(box: tuple[float, ...]) -> None:
    mask = np.zeros((100, 100), np.uint8)
    mark(mask, np.array([box]))
    inside = [min(max(value, 0), 100) for value in box]
    area = np.prod(np.ceil(inside[2:]) - np.floor(inside[:2]))
    assert mask.sum() == area
