"""The results as tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from passerby.cli.consoles import console
from passerby.report import Report
from passerby.report.limits import remarks
from passerby.report.street import direction
from passerby.report.tally import (
    Series,
    Tally,
    line_series,
    movement_series,
    observed_share,
    tally,
)
from passerby.report.words import SiteClock, duration, length, percent, rounded


def show(report: Report, files: Mapping[str, Path]) -> None:
    """Print lines, movements and zones by class, what they rest on, and where the files are."""
    screen = console()
    counts = tally(report)
    clock = SiteClock.of(report)
    when = clock.span(report.start, report.end)
    zone = "since its start" if clock.elapsed else report.timezone
    place = report.site
    if report.camera != report.site:
        place += f", camera {report.camera}"
    screen.print(f"\n{place}: {when} ({zone})", soft_wrap=True)
    if report.whole_picture:
        screen.print(
            "No line or zone was given: the whole picture was counted, and a line through its "
            "middle each way. Click your own lines on the picture in report.html."
        )
    lines = line_series(report)
    movements = movement_series(report)
    means = [Series(name, "occupancy_mean") for name in report.shapes.zones]
    seen = counts.seen([*lines, *movements, *means])
    if lines:
        rows = _count_rows(screen, report, counts, lines, seen)
        _table(screen, ("Line", "Direction"), seen, rows)
    if movements:
        rows = _count_rows(screen, report, counts, movements, seen)
        _table(screen, ("Movement", "From, to"), seen, rows)
    if means:
        _table(screen, ("Zone", "At once"), seen, _zone_rows(counts, means, seen))
    unseen = [name for name in counts.classes if name not in seen]
    share = observed_share(report, counts)
    if unseen and share > 0:
        screen.print(f"Looked for and not seen: {', '.join(unseen)}.")
    screen.print(
        f"Observed: {percent(share)} of {duration(length(report))}. Model: {report.model.name}."
    )
    for remark in remarks(report, counts):
        if remark.warning or remark.text in report.notes:
            screen.print(f"{remark.about}: {remark.text}")
    screen.print("\nFiles:")
    for path in files.values():
        screen.print(f"  {path}", soft_wrap=True)
    screen.print(f"\nOpen {files['report.html'].resolve()}", soft_wrap=True)


def _table(
    screen: Console, heads: tuple[str, str], seen: tuple[str, ...], rows: Iterable[list[str]]
) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head)
    for head in (*seen, *_all(seen, "all")):
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(*row)
    screen.print(table)


def _values(counts: Tally, series: Series, seen: tuple[str, ...]) -> list[str]:
    totals = [counts.total(series, name) for name in seen]
    return [rounded(None if total is None else total.value) for total in totals]


def _all(seen: tuple[str, ...], text: str) -> list[str]:
    """The cell of all classes together: one class alone needs none."""
    return [] if len(seen) == 1 else [text]


def _count_rows(
    screen: Console,
    report: Report,
    counts: Tally,
    all_series: Iterable[Series],
    seen: tuple[str, ...],
) -> Iterable[list[str]]:
    for series in all_series:
        way = direction(report, series)
        if screen.options.ascii_only:  # no arrows there
            way = series.direction or ", ".join(report.shapes.movements[series.place])
        total = rounded(counts.total_over_classes(series))
        yield [series.place, way, *_values(counts, series, seen), *_all(seen, total)]


def _zone_rows(
    counts: Tally, means: Iterable[Series], seen: tuple[str, ...]
) -> Iterable[list[str]]:
    for mean in means:
        total = rounded(counts.total_over_classes(mean))
        yield [mean.place, "mean", *_values(counts, mean, seen), *_all(seen, total)]
        # Maxima of classes need not fall into the same second: they have no sum.
        most = Series(mean.place, "occupancy_max")
        yield ["", "maximum", *_values(counts, most, seen), *_all(seen, "")]
