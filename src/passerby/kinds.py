"""Every kind of measurement: its unit, what it says, and how its values merge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from passerby.histogram import Histogram


class Merge(StrEnum):
    """How the values of neighbouring intervals become the value of the longer interval."""

    SUM = "sum"
    MEAN = "coverage-weighted mean"
    MAX = "maximum"
    MIN = "minimum"
    HISTOGRAM = "histogram"


class Statistic(StrEnum):
    """What the value of a kind that keeps a histogram says of it."""

    MEAN = "mean"
    QUANTILE = "quantile"
    MINORITY = "share of the smaller of two bins"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of measurement.

    Attributes:
        name: as in the table.
        unit: of its values.
        merge: how values of neighbouring intervals become one.
        place: what it is about: ``line``, ``movement``, ``zone`` or ``queue``.
        meaning: one sentence.
        statistic: of the histogram, for kinds that keep one.
        quantile: 0 to 1, where that is the statistic.
        least: of fewer objects the value is not known.
    """

    name: str
    unit: str
    merge: Merge
    place: str
    meaning: str
    statistic: Statistic = Statistic.MEAN
    quantile: float = 0.5
    least: int = 0

    def value_of(self, histogram: Histogram, n: int) -> float | None:
        """What the histogram of ``n`` objects says; None where they are too few."""
        if n < self.least:
            return None
        match self.statistic:
            case Statistic.MEAN:
                return histogram.mean()
            case Statistic.QUANTILE:
                return histogram.quantile(self.quantile)
            case Statistic.MINORITY:
                return histogram.minority()


def _of_histogram(
    name: str,
    unit: str,
    place: str,
    meaning: str,
    least: int,
    statistic: Statistic = Statistic.MEAN,
    quantile: float = 0.5,
) -> Kind:
    return Kind(name, unit, Merge.HISTOGRAM, place, meaning, statistic, quantile, least)


_QUANTILE, _FEW, _MANY = Statistic.QUANTILE, 5, 30

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "crossings",
            "count",
            Merge.SUM,
            "line",
            "road users that crossed the line in the direction, once each",
        ),
        Kind(
            "movement",
            "count",
            Merge.SUM,
            "movement",
            "road users that crossed the destination line after the origin line; "
            "belongs to the interval of the destination crossing",
        ),
        Kind(
            "occupancy_mean",
            "road users",
            Merge.MEAN,
            "zone",
            "time-weighted mean number of road users in the zone",
        ),
        Kind(
            "occupancy_max",
            "road users",
            Merge.MAX,
            "zone",
            "maximum of the one-second medians of the number of road users in the zone",
        ),
        Kind(
            "flow_rate",
            "1/s",
            Merge.MEAN,
            "line",
            "road users that crossed the line in the direction, per observed second",
        ),
        Kind(
            "specific_flow",
            "1/(m·s)",
            Merge.MEAN,
            "line",
            "people that crossed the line in the direction, per observed second and metre of it",
        ),
        _of_histogram(
            "counter_flow_share",
            "share",
            "line",
            "crossings in the rarer direction as a share of those in both",
            _FEW,
            Statistic.MINORITY,
        ),
        _of_histogram(
            "spot_speed_mean",
            "km/h",
            "line",
            "mean speed of vehicles where they crossed the line",
            _FEW,
        ),
        _of_histogram(
            "spot_speed_median",
            "km/h",
            "line",
            "median speed of vehicles where they crossed the line",
            _FEW,
            _QUANTILE,
        ),
        _of_histogram(
            "spot_speed_v85",
            "km/h",
            "line",
            "speed that 85 % of the vehicles did not exceed where they crossed the line",
            _MANY,
            _QUANTILE,
            0.85,
        ),
        _of_histogram(
            "headway_mean",
            "s",
            "line",
            "mean time between one vehicle and the next across a lane's line",
            _FEW,
        ),
        _of_histogram(
            "headway_median",
            "s",
            "line",
            "median time between one vehicle and the next across a lane's line",
            _FEW,
            _QUANTILE,
        ),
        Kind(
            "time_occupancy",
            "%",
            Merge.MEAN,
            "line",
            "share of the observed time in which a vehicle covered a lane's line",
        ),
        Kind(
            "density_mean",
            "1/m²",
            Merge.MEAN,
            "zone",
            "time-weighted mean number of people per area of the zone",
        ),
        Kind(
            "density_max",
            "1/m²",
            Merge.MAX,
            "zone",
            "maximum of the one-minute means of the number of people per area of the zone",
        ),
        Kind(
            "density_voronoi_mean",
            "1/m²",
            Merge.MEAN,
            "zone",
            "time-weighted mean of the Voronoi density in the zone",
        ),
        Kind(
            "density_local_max",
            "1/m²",
            Merge.MAX,
            "zone",
            "maximum of the three-second medians of the highest local density: one person per "
            "area of his or her Voronoi cell",
        ),
        Kind(
            "saturated",
            "share",
            Merge.MEAN,
            "zone",
            "share of the observed time in which the density was above what the model can "
            "count: densities are lower bounds then",
        ),
        _of_histogram(
            "speed_mean",
            "m/s",
            "zone",
            "space-mean speed of people in the zone: metres walked per second spent there",
            _FEW,
        ),
        _of_histogram(
            "speed_median",
            "m/s",
            "zone",
            "median speed of people in the zone, each weighted by the time spent there",
            _FEW,
            _QUANTILE,
        ),
        Kind(
            "implausible_speeds",
            "count",
            Merge.SUM,
            "zone",
            "road users whose speed was implausible and is in no mean; at lines, vehicles",
        ),
        _of_histogram(
            "dwell_median",
            "s",
            "zone",
            "median time spent in the zone (Kaplan–Meier)",
            _FEW,
            _QUANTILE,
        ),
        _of_histogram(
            "dwell_p90",
            "s",
            "zone",
            "time in the zone that 90 % did not exceed (Kaplan–Meier)",
            _FEW,
            _QUANTILE,
            0.9,
        ),
        Kind(
            "net_inflow",
            "count",
            Merge.SUM,
            "zone",
            "road users that came into the zone less those that left it",
        ),
        Kind(
            "time_to_capacity",
            "s",
            Merge.MIN,
            "zone",
            "shortest time until the zone would be full at the trend of that time",
        ),
        Kind(
            "time_to_capacity_low",
            "s",
            Merge.MIN,
            "zone",
            "the same at the steepest trend that the data allow (90 % interval)",
        ),
        Kind(
            "queue_mean",
            "road users",
            Merge.MEAN,
            "queue",
            "time-weighted mean number in the queue",
        ),
        Kind(
            "queue_max",
            "road users",
            Merge.MAX,
            "queue",
            "maximum of the one-second medians of the number in the queue",
        ),
        Kind(
            "queue_length_mean",
            "m",
            Merge.MEAN,
            "queue",
            "time-weighted mean distance from the head of the queue to its last member",
        ),
        Kind(
            "queue_length_max",
            "m",
            Merge.MAX,
            "queue",
            "maximum of the one-second medians of that distance",
        ),
        Kind(
            "service_rate",
            "1/s",
            Merge.MEAN,
            "queue",
            "road users that passed the head of the queue, per observed second",
        ),
        Kind(
            "wait_expected",
            "s",
            Merge.MEAN,
            "queue",
            "mean wait that somebody who joined faced: number ahead ÷ service rate",
        ),
        Kind(
            "wait_expected_low",
            "s",
            Merge.MEAN,
            "queue",
            "lower end of its 90 % interval",
        ),
        Kind(
            "wait_expected_high",
            "s",
            Merge.MEAN,
            "queue",
            "upper end of its 90 % interval",
        ),
        _of_histogram(
            "wait_observed_median",
            "s",
            "queue",
            "median time from joining to the head, of those who could be followed all the way "
            "(Kaplan–Meier)",
            _FEW,
            _QUANTILE,
        ),
        _of_histogram(
            "delay_mean",
            "s",
            "queue",
            "mean time that vehicles lost in the queue against passing it freely",
            _FEW,
        ),
    )
}
"""Every kind by name."""
