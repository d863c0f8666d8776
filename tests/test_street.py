"""The empty street shows nobody, and the street as far as it is proven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from passerby.moment import Detections
from passerby.pixels.detector import Detector
from passerby.pixels.picture import Picture, Still
from passerby.pixels.redaction import FLAT
from passerby.pixels.street import EmptyStreet
from passerby.redacted import RedactedImage

WIDTH, HEIGHT, FPS = 320, 240, 5
BOX = (140, 80, 180, 180)
_RANDOM = np.random.default_rng(7)


def smooth(shape: tuple[int, int], size: int, low: int, high: int) -> Picture:
    """Random blobs about so many pixels large."""
    noise = _RANDOM.uniform(low, high, (shape[0] // size + 2, shape[1] // size + 2, 3))
    return np.asarray(cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


STREET = smooth((HEIGHT, WIDTH), 60, 40, 110)
CANARY = smooth((BOX[3] - BOX[1], BOX[2] - BOX[0]), 6, 100, 255)


def nobody(picture: Picture) -> Detections:
    return Detections.empty()


def seen(*boxes: tuple[float, ...], score: float = 0.1) -> Detections:
    corners = np.array(boxes, np.float64).reshape(-1, 4)
    return Detections(corners, np.full(len(corners), score), np.zeros(len(corners), np.int64))


def with_canary(x: int, y: int = BOX[1]) -> Picture:
    picture = STREET.copy()
    picture[y : y + CANARY.shape[0], x : x + CANARY.shape[1]] = CANARY
    return picture


def film(
    frame: Callable[[int], tuple[Picture, Detections]],
    *,
    seconds: float = 40,
    masks: tuple[tuple[tuple[float, float], ...], ...] = (),
) -> RedactedImage | None:
    """The street of a film whose camera adds a little noise, detected by the film itself."""
    street = EmptyStreet((WIDTH, HEIGHT), nobody)
    random = np.random.default_rng(1)
    for index in range(round(seconds * FPS)):
        picture, found = frame(index)
        noisy = picture + random.normal(0, 2, picture.shape)
        street.accept(index / FPS, Still(np.clip(noisy, 0, 255).astype(np.uint8)), found)
    return street.image(masks)


def decoded(image: RedactedImage | None) -> Picture:
    if image is None:
        return np.broadcast_to(FLAT, (HEIGHT, WIDTH, 3))
    picture = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(picture, np.uint8)


def flat(picture: Picture) -> NDArray[np.bool_]:
    """(H, W) whether a pixel has the colour of the fill, as far as JPEG keeps colours."""
    return np.asarray(np.abs(picture.astype(int) - FLAT).max(axis=2) <= 10)


def likeness(picture: Picture, pattern: Picture) -> float:
    """The highest correlation of the pattern with any place of the picture."""
    return float(cv2.matchTemplate(picture, pattern, cv2.TM_CCOEFF_NORMED).max())


def test_the_canary_would_be_found() -> None:
    assert likeness(with_canary(BOX[0]), CANARY) > 0.99
    assert likeness(STREET, CANARY) < 0.5


@settings(deadline=None, max_examples=8)
@given(
    share=st.floats(0.1, 1.0),
    stays=st.floats(0.6, 1.0),
    sway=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_who_stands_still_is_not_in_it_however_often_missed(
    share: float, stays: float, sway: int, seed: int
) -> None:
    random = np.random.default_rng(seed)

    def frame(index: int) -> tuple[Picture, Detections]:
        if index >= stays * 40 * FPS:
            return STREET, seen()
        x = BOX[0] + int(random.integers(-sway, sway + 1))
        box = (x, BOX[1], x + BOX[2] - BOX[0], BOX[3])
        return with_canary(x), seen(box) if random.random() < share else seen()

    shown = decoded(film(frame))
    assert likeness(shown, CANARY) < 0.5
    # What was not hers is there, and where she stood is either flat or the street.
    assert not flat(shown)[:, :80].any()
    x1, y1, x2, y2 = BOX
    street = np.abs(shown.astype(int) - STREET).max(axis=2) <= 20
    assert (flat(shown) | street)[y1:y2, x1:x2].mean() > 0.95


def test_passers_by_vanish_and_the_street_is_recovered() -> None:
    def frame(index: int) -> tuple[Picture, Detections]:
        x = (index * 8) % (WIDTH + 200)
        if x > WIDTH - 40:
            return STREET, seen()
        # One in three is missed.
        return with_canary(x), seen((x, BOX[1], x + 40, BOX[3])) if index % 3 else seen()

    image = film(frame)
    assert image is not None
    assert (image.width, image.height, image.media_type) == (WIDTH, HEIGHT, "image/jpeg")
    shown = decoded(image)
    assert flat(shown).mean() < 0.05
    assert np.abs(shown.astype(int) - STREET)[~flat(shown)].max() <= 30
    assert likeness(shown, CANARY) < 0.5


def test_a_parked_vehicle_that_leaves_gives_its_place_back() -> None:
    def frame(index: int) -> tuple[Picture, Detections]:
        return (with_canary(BOX[0]), seen(BOX)) if index < 10 * FPS else (STREET, seen())

    shown = decoded(film(frame))
    assert not flat(shown).any()
    assert np.abs(shown.astype(int) - STREET).max() <= 30


def test_what_keeps_changing_is_not_shown() -> None:
    def frame(index: int) -> tuple[Picture, Detections]:
        return (with_canary(BOX[0]) if index // 5 % 2 else STREET), seen()

    x1, y1, x2, y2 = BOX
    assert flat(decoded(film(frame)))[y1:y2, x1:x2].mean() > 0.8


def test_masks_are_flat() -> None:
    shown = decoded(film(lambda _: (STREET, seen()), masks=(((0, 0), (0.5, 0), (0.5, 1), (0, 1)),)))
    assert flat(shown)[:, : WIDTH // 2].all()
    assert not flat(shown)[:, WIDTH // 2 + 8 :].any()


@pytest.mark.parametrize(
    ("seconds", "found"),
    [(0.0, seen()), (2.0, seen()), (40.0, seen((0, 0, 200, 240), (120, 0, 320, 240), score=0.9))],
    ids=["nothing", "too short", "covered all the time"],
)
def test_nothing_proven_is_no_picture(seconds: float, found: Detections) -> None:
    assert film(lambda _: (STREET, found), seconds=seconds) is None


def test_whom_only_the_closer_look_finds_is_not_in_it() -> None:
    canary = with_canary(BOX[0], y=30)

    def closer(part: Picture) -> Detections:
        if part.shape == canary.shape:
            return Detections.empty()
        match = cv2.matchTemplate(part, CANARY, cv2.TM_CCOEFF_NORMED)
        _, best, _, (x, y) = cv2.minMaxLoc(match)
        return seen((x, y, x + 40, y + 100)) if best > 0.9 else seen()

    street = EmptyStreet((WIDTH, HEIGHT), closer)
    for index in range(20 * FPS):
        street.accept(index / FPS, Still(canary), seen())
    assert flat(decoded(street.image(())))[30:130, BOX[0] : BOX[2]].all()


def test_memory_does_not_grow_and_wide_pictures_are_shrunk() -> None:
    street = EmptyStreet((1280, 960), nobody)
    large = np.asarray(cv2.resize(STREET, (1280, 960)), np.uint8)
    for second in range(1200):
        street.accept(float(second), Still(large), seen())
    assert 16 <= len(street._samples) <= 32
    times = [sample.time for sample in street._samples]
    assert times[0] == 0 and times[-1] > 1000
    image = street.image(())
    assert image is not None and (image.width, image.height) == (640, 480)


def test_a_busy_walkway_is_shown_without_anyone(shared: Path) -> None:
    folder = shared / "data" / "pets2009"
    truth = np.loadtxt(folder / "gt.txt", delimiter=",")
    detector = Detector.load()
    street = EmptyStreet((768, 576), lambda picture: detector.detect([picture])[0])
    video = cv2.VideoCapture(str(folder / "pets09_s2l1_view001.avi"))
    random = np.random.default_rng(0)
    standing = np.zeros((0, 0, 3), np.uint8)
    pictures, empty = [], []
    # Every third frame is enough here and takes a third of the time.
    for index in range(795):
        _, frame = video.read()
        if index % 3:
            continue
        people = truth[truth[:, 0] == index + 1, 2:6].astype(int)
        if index == 0:
            x, y, w, h = people[0]
            standing = np.asarray(frame[y : y + h, x : x + w], np.uint8).copy()
        picture = np.asarray(frame, np.uint8)
        free = np.ones(picture.shape[:2], np.bool_)
        for x, y, w, h in people:
            free[max(y - 4, 0) : y + h + 4, max(x - 4, 0) : x + w + 4] = False
        if index % 15 == 0:
            pictures.append(cv2.resize(picture, (640, 480), interpolation=cv2.INTER_AREA))
            empty.append(cv2.resize(free.astype(np.uint8), (640, 480)) > 0)
        # Somebody who never moves and is missed nine times in ten.
        height, width = standing.shape[:2]
        picture[330 : 330 + height, 60 : 60 + width] = standing
        found = detector.detect([picture])[0]
        x, y = (found.boxes[:, :2] + found.boxes[:, 2:]).T / 2
        hers = (x > 60) & (x < 60 + width) & (y > 330) & (y < 330 + height)
        street.accept(index / 7, Still(picture), found[~hers | (random.random(len(found)) < 0.1)])
    shown = decoded(street.image(()))
    scale = 640 / 768
    top, left = round(330 * scale), round(60 * scale)
    below, right = round((330 + height) * scale), round((60 + width) * scale)
    assert flat(shown)[top:below, left:right].all()
    # JPEG rings at the edges of fills.
    visible = cv2.dilate(flat(shown).astype(np.uint8), np.ones((9, 9))) == 0
    assert visible.mean() > 0.5
    values = np.where(np.stack(empty)[..., None], np.stack(pictures).astype(np.float32), np.nan)
    background = np.nanmedian(values[:, visible], axis=0)
    differs = np.abs(shown[visible] - background).max(axis=1) > 40
    # The smallest person here covers 0.3 % of the picture.
    assert differs.mean() < 0.001
