"""What the tracker assumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from passerby.moment import CLASSES, Floats, Ints

# Person and two-wheeler are one group, because a cyclist is seen now as one, now as the other.
GROUPS = np.array([0, 0, 1, 0, 1, 1, 1])
assert len(GROUPS) == len(CLASSES)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the tracker assumes about road users and detectors.

    Lengths are in sizes: the square root of the area of a road user's box. Found with several
    detectors and clips at once (bench/accuracy.py); none of the numbers is critical.

    Attributes:
        confident: score from which a person or two-wheeler may begin a track.
        confident_vehicle: the same for a vehicle.
        doubtful: share of that score from which a box may continue a track.
        convincing: how far a mean score lies between ``confident`` and 1 where something that
            never moved is taken for a road user and not for street furniture.
        moved: who moved by so many sizes is no street furniture.
        part: who lies to this share in a likelier road user may be a part of it ...
        part_often: ... and is taken for one where that was so in this share of its boxes ...
        part_score: ... and its mean score is below so many times the confident score.
        hits: a track is real once it was seen so often ...
        age: ... over so many seconds.
        noise: standard deviation of a seen position, and of a seen width or height.
        speed: standard deviation of the first speed, sizes/s, of position and of size.
        acceleration: change of speed, sizes/s per root second, of position and of size.
        odd_size: a box whose size is off by such a ratio (logarithm) is trusted half as much:
            two people who overlap are often seen as one.
        overlap: smallest similarity of a confident and of a doubtful box with a track.
        margin: boxes are compared grown by so many sizes ...
        margin_spread: ... and by this times the standard deviation of the track's position.
        same_size: smallest ratio of the heights of a box and a track.
        distance_weight: what being far from where it was expected costs.
        match_bonus: how much one more match is worth against better ones.
        doubtful_seconds: a doubtful box continues only a track seen so lately.
        double: a new box that lies to this share in a matched one is not a new road user.
        smooth: standard deviation in seconds of the weights by which places are smoothed over time.
    """

    confident: float = 0.42
    confident_vehicle: float = 0.55
    doubtful: float = 0.6
    convincing: float = 0.1
    moved: float = 0.56
    part: float = 0.35
    part_often: float = 0.41
    part_score: float = 1.5
    hits: int = 3
    age: float = 0.37
    noise: tuple[float, float] = (0.11, 0.1)
    speed: tuple[float, float] = (1.8, 0.39)
    acceleration: tuple[float, float] = (0.6, 0.16)
    odd_size: float = 0.1
    overlap: tuple[float, float] = (0.23, 0.36)
    margin: float = 0.23
    margin_spread: float = 0.32
    same_size: float = 0.47
    distance_weight: float = 0.5
    match_bonus: float = 0.11
    doubtful_seconds: float = 1.5
    double: float = 0.44
    smooth: float = 0.42

    def limits(self, codes: Ints) -> Floats:
        """(N,) the confident scores for (N,) class codes."""
        return np.where(GROUPS[codes] == 1, self.confident_vehicle, self.confident)
