"""What the parts of the page about measures have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from passerby.measurement import Measurement
from passerby.report.figures import Column, Figure, measure_table
from passerby.report.measured import Layer, Look, measure_chart
from passerby.report.tally import Series, Tally
from passerby.report.words import SiteClock, percent, significant

if TYPE_CHECKING:
    from passerby.report import Report

Looks = Mapping[str, tuple[Look, str]]
"""By kind: how it is drawn, and what to say of it."""


@dataclass(frozen=True, slots=True)
class View:
    """The measures of one report.

    Attributes:
        report: all of it.
        counts: the rows of all kinds but counts.
        clock: of the site.
    """

    report: Report
    counts: Tally
    clock: SiteClock

    def places(self, kinds: Iterable[str]) -> Iterator[str]:
        """Places with anything known of some kinds, in the order in which they were drawn."""
        wanted, shapes = set(kinds), self.report.shapes
        chosen = [one for one in self.counts.rows if one.kind in wanted]
        found = {one.place for one in chosen if self.counts.known([one])}
        if found:
            order = [*shapes.lines, *shapes.zones, *shapes.queues]
            yield from sorted(found, key=order.index)

    def known(self, place: str, kinds: Iterable[str]) -> tuple[str, ...]:
        """The classes of which anything is known."""
        return self.counts.known(
            one for one in self.counts.rows if one.place == place and one.kind in kinds
        )

    def seen(self, kind: str) -> tuple[str, ...]:
        """The classes with a value above zero anywhere."""
        return self.counts.seen(one for one in self.counts.rows if one.kind == kind)

    def layers(self, place: str, looks: Looks, class_: str) -> list[Layer]:
        """One layer a kind."""
        return [
            Layer(Series(place, kind), class_, look, says) for kind, (look, says) in looks.items()
        ]

    def columns(
        self,
        group: str,
        place: str,
        kinds: Iterable[str],
        class_: str,
        *,
        way: str = "",
        bound: Series | None = None,
    ) -> list[Column]:
        """One column a kind, below one heading."""
        return [
            Column(group, HEADS[kind], Series(place, kind, way), class_, bound=bound)
            for kind in kinds
        ]

    def chart(
        self,
        layers: Sequence[Layer],
        unit: str,
        name: str,
        *,
        label: str = "",
        tall: float = 130.0,
    ) -> Markup:
        """A plain chart of some layers; nothing where no interval has a value."""
        if not any(
            self.counts.value(one.series, start, one.class_) is not None
            for one in layers
            for start in self.counts.starts
        ):
            return Markup("")
        return measure_chart(self.counts, self.clock, layers, unit, name, label=label, tall=tall)

    def figure(
        self, word: str, name: str, about: str, charts: Sequence[Markup], columns: Sequence[Column]
    ) -> Figure:
        """A place with its charts and its table."""
        groups = dict.fromkeys(one.group for one in columns if one.group)
        caption = f"{word} {name}: {'; '.join(groups)}"
        table = measure_table(self.counts, self.clock, columns, caption)
        return Figure(name, about, [("", chart) for chart in charts if chart], table, word=word)


def behind(row: Measurement) -> str:
    """How many road users are behind a value."""
    return "" if row.n is None else significant(row.n)


def percentage(row: Measurement) -> str:
    """A share as a percentage."""
    return "" if row.value is None else percent(row.value)


HEADS = {
    "density_mean": "mean",
    "density_max": "highest minute",
    "density_voronoi_mean": "Voronoi mean",
    "density_local_max": "highest local",
    "speed_mean": "space mean",
    "speed_median": "median",
    "spot_speed_mean": "mean",
    "spot_speed_median": "median",
    "spot_speed_v85": "V85",
    "headway_mean": "mean",
    "headway_median": "median",
    "dwell_median": "median",
    "dwell_p90": "P90",
    "time_to_capacity": "at the trend",
    "time_to_capacity_low": "at the steepest",
    "queue_mean": "mean",
    "queue_max": "maximum",
    "queue_length_mean": "mean",
    "queue_length_max": "maximum",
    "service_rate": "rate",
    "wait_expected": "expected",
    "wait_expected_low": "5 %",
    "wait_expected_high": "95 %",
    "wait_observed_median": "observed, median",
    "delay_mean": "mean",
}
"""What stands above the column of a kind."""
