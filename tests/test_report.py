"""What the report's files say must be what was measured."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from passerby.errors import PasserbyError
from passerby.measurement import Measurement, merge
from passerby.report import Report
from passerby.report.columns import COLUMNS, csv_bytes, parquet_bytes
from passerby.report.files import summary, write_all
from passerby.report.peak import Quarter, heavy_share, peak_hour, peak_hour_factor, peaks
from passerby.report.tally import QUARTER, Series, chart_seconds, observed_share, tally
from passerby.report.words import NOT_KNOWN, SiteClock, percent
from passerby.report.workbook import workbook_bytes
from report_samples import CLASSES, HELSINKI, UNKNOWN_AT, junction, short_clip

NAMES = {
    "measurements.csv",
    "measurements.parquet",
    "counts.xlsx",
    "summary.json",
    "report.html",
}
SUMS = ("crossings", "movement")


def _cells(report: Report, sheet: str) -> list[tuple[object, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(report)), data_only=True)
    return list(book[sheet].iter_rows(values_only=True))


# Files


def test_write_all_leaves_the_five_files_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    paths = junction().write(folder)
    assert paths.keys() == NAMES
    assert {path.name for path in folder.iterdir()} == NAMES
    assert all(path.stat().st_size for path in paths.values())


def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    write_all(short_clip(), tmp_path)
    before = (tmp_path / "measurements.csv").read_bytes()
    (tmp_path / "counts.xlsx").unlink()
    (tmp_path / "counts.xlsx").mkdir()
    (tmp_path / "counts.xlsx" / "in the way").touch()
    with pytest.raises(PasserbyError, match="--out"):
        write_all(short_clip(), tmp_path)
    assert (tmp_path / "measurements.csv").read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))


def test_a_file_where_the_folder_should_be_is_one_plain_message(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(PasserbyError, match="cannot write the report"):
        write_all(short_clip(), tmp_path / "out")


# CSV and Parquet


def test_csv_has_every_row_with_offset_and_short_numbers() -> None:
    report = junction()
    lines = list(csv.reader(io.StringIO(csv_bytes(report).decode())))
    assert tuple(lines[0]) == COLUMNS
    assert len(lines) == len(report.rows) + 1
    for line, row in zip(lines[1:], report.rows, strict=True):
        cell = dict(zip(COLUMNS, line, strict=True))
        assert datetime.fromisoformat(cell["start"]) == row.start
        assert cell["start"].endswith("+03:00")
        if row.value is None:
            assert (cell["value"], cell["n"], cell["coverage"]) == ("", "", "0")
        else:
            assert float(cell["value"]) == row.value
            assert row.kind not in SUMS or cell["value"] == str(int(row.value))
            assert cell["n"] == str(row.n)


def test_parquet_says_the_same_with_types() -> None:
    report = junction()
    table = parquet.read_table(io.BytesIO(parquet_bytes(report)))
    assert tuple(table.column_names) == (*COLUMNS, "histogram")
    types = {field.name: str(field.type) for field in table.schema}
    assert types["start"] == "timestamp[us, tz=Europe/Helsinki]"
    assert types["value"] == "double"
    assert types["n"] == "int64"
    columns = table.to_pydict()
    assert columns["value"] == [row.value for row in report.rows]
    assert columns["n"] == [row.n for row in report.rows]
    assert columns["class"] == [row.class_ for row in report.rows]
    assert [start.timestamp() for start in columns["start"]] == [
        row.start.timestamp() for row in report.rows
    ]


def test_parquet_of_nothing_is_an_empty_table() -> None:
    table = parquet.read_table(io.BytesIO(parquet_bytes(replace(junction(), rows=()))))
    assert table.num_rows == 0


# Summary


def test_summary_totals_are_the_merged_rows() -> None:
    report = junction()
    said = json.loads(json.dumps(summary(report)))
    assert {"version", "site", "camera", "shapes", "totals", "coverage", "unread"} <= said.keys()
    assert said["coverage"] == pytest.approx(7 / 8)
    assert said["model"] == {"name": "sample-416", "licence": "Apache-2.0"}
    for total in said["totals"]:
        key = (total["place"], total["kind"], total["class"], total["direction"])
        expected = merge(
            row for row in report.rows if (row.place, row.kind, row.class_, row.direction) == key
        )
        assert total["value"] == expected.value
        assert total["coverage"] == pytest.approx(7 / 8)
    assert len(said["totals"]) == (3 * 2 + 2 + 2) * len(CLASSES)


# Tally


@given(st.lists(st.one_of(st.none(), st.integers(0, 50)), min_size=1, max_size=40))
def test_longer_intervals_keep_every_count(values: list[int | None]) -> None:
    first = datetime(2026, 5, 4, 7, 25, tzinfo=HELSINKI)
    base = junction(hours=1)
    rows = tuple(
        _row(first + timedelta(minutes=5 * number), 300, value)
        for number, value in enumerate(values)
    )
    report = replace(base, rows=rows, settings=replace(base.settings, interval_seconds=300))
    quarters = tally(report, QUARTER)
    series = Series("gate", "crossings", "forward")
    known = [value for value in values if value is not None]
    total = quarters.total_over_classes(series)
    assert total == (sum(known) if known else None)
    assert all(start.minute % 15 == 0 for start in quarters.starts)
    observed = sum(quarters.coverage(start) * QUARTER for start in quarters.starts)
    assert observed == pytest.approx(300 * len(known))


def _row(start: datetime, seconds: int, value: float | None) -> Measurement:
    return Measurement(
        "Harbour Square",
        "north",
        "gate",
        "crossings",
        "car",
        "forward",
        start,
        seconds,
        value,
        None if value is None else int(value),
        0.0 if value is None else 1.0,
    )


def test_the_repeated_hour_of_autumn_is_two_hours() -> None:
    first = datetime(2026, 10, 25, 2, 0, tzinfo=HELSINKI).astimezone(UTC)
    rows = tuple(
        _row((first + timedelta(hours=number)).astimezone(HELSINKI), 3600, 10.0 + number)
        for number in range(4)
    )
    assert rows[1].start.hour == rows[2].start.hour == 3
    report = replace(
        junction(),
        rows=rows,
        start=rows[0].start,
        end=(first + timedelta(hours=4)).astimezone(HELSINKI),
        settings=replace(junction().settings, interval_seconds=3600),
    )
    counts = tally(report)
    assert len(counts.starts) == 4
    assert counts.total_over_classes(Series("gate", "crossings", "forward")) == 46
    assert summary(report)["coverage"] == 1
    offsets = [row[1] for row in _cells(report, "Lines")[4:8]]
    assert offsets == ["+03:00", "+03:00", "+02:00", "+02:00"]


def test_maxima_do_not_add_up_over_classes() -> None:
    counts = tally(junction())
    with pytest.raises(ValueError, match="occupancy_max"):
        counts.over_classes(Series("square", "occupancy_max"), counts.starts[0])


def test_intervals_that_do_not_fill_the_wanted_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fill"):
        tally(junction(seconds=1800, unknown=frozenset()), QUARTER)


def test_long_recordings_are_charted_in_longer_steps() -> None:
    report = junction(seconds=60, unknown=frozenset())
    assert chart_seconds(report) == QUARTER
    assert chart_seconds(replace(report, end=report.start + timedelta(minutes=80))) == 60
    assert chart_seconds(replace(report, end=report.start + timedelta(days=3))) == 3600


# Peak hour

START = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)


def _quarters(volumes: Sequence[int | None]) -> list[Quarter]:
    return [
        Quarter(
            START + timedelta(minutes=15 * number),
            None if volume is None else {"car": volume, "bus": 0, "truck": 0},
            0.0 if volume is None else 1.0,
        )
        for number, volume in enumerate(volumes)
    ]


def test_peak_hour_factor_by_hand() -> None:
    """V = 1000 + 1100 + 1200 + 900 = 4200; 4200 / (4 · 1200) = 0.875."""
    assert peak_hour_factor([1000, 1100, 1200, 900]) == pytest.approx(0.875)
    assert peak_hour_factor([0, 0, 0, 0]) is None


@given(st.lists(st.integers(0, 500), min_size=4, max_size=4))
def test_peak_hour_factor_lies_between_a_quarter_and_one(volumes: list[int]) -> None:
    factor = peak_hour_factor(volumes)
    assert factor is None if not any(volumes) else 0.25 <= (factor or 0) <= 1


@given(st.lists(st.integers(0, 99), min_size=4, max_size=20))
def test_no_hour_is_busier_than_the_peak(volumes: list[int]) -> None:
    peak = peak_hour(_quarters(volumes))
    hours = [sum(volumes[first : first + 4]) for first in range(len(volumes) - 3)]
    if not any(hours):
        assert peak is None
        return
    assert peak is not None
    assert peak.volume == max(hours)
    assert peak.start == START + timedelta(minutes=15 * hours.index(max(hours)))
    assert (peak.coverage, peak.remarks) == (1, ())


def test_an_unknown_quarter_in_the_peak_leaves_out_the_factor() -> None:
    peak = peak_hour(_quarters([1, 1, 90, None, 90, 1]))
    assert peak is not None
    assert (peak.volume, peak.factor, peak.coverage) == (181, None, 0.75)
    assert "1 of its 4 quarters not known" in peak.remarks[0]


def test_an_unknown_quarter_elsewhere_is_said() -> None:
    peak = peak_hour(_quarters([9, 9, 9, 9, None]))
    assert peak is not None
    assert peak.factor == 1
    assert "true peak" in peak.remarks[0]


def test_four_quarters_with_a_hole_in_time_are_no_hour() -> None:
    quarters = _quarters([9, 9, 9, 9, 9])
    assert peak_hour([*quarters[:2], *quarters[3:]]) is None


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        ({"person": 50, "bicycle": 9, "car": 80, "motorcycle": 5, "bus": 5, "truck": 10}, 0.15),
        ({"person": 50, "car": 0, "bus": 0, "truck": 0}, None),
        ({"person": 5, "vehicle": 40}, None),
        ({"person": 5, "car": 40}, None),
    ],
)
def test_heavy_share(counts: dict[str, float], share: float | None) -> None:
    assert heavy_share(counts) == share


def test_no_peak_hour_without_an_hour_or_without_quarters() -> None:
    assert {row.why for row in peaks(short_clip())} == {"the recording is shorter than an hour"}
    halves = peaks(junction(seconds=1800, unknown=frozenset()))
    assert {row.why for row in halves} == {"intervals of 30 min do not fill quarters of an hour"}


def test_finer_intervals_give_the_same_peak() -> None:
    fine = junction(seconds=300, unknown=frozenset())
    quarters = tally(fine, QUARTER)
    row = next(row for row in peaks(fine) if row.series == Series("gate", "crossings", "forward"))
    assert row.peak is not None
    volumes = [quarters.over_classes(row.series, start) or 0 for start in quarters.starts]
    assert row.peak.volume == max(sum(volumes[first : first + 4]) for first in range(5))


# Workbook


def test_workbook_holds_every_quarter_of_every_movement_and_class() -> None:
    report = junction()
    counts = tally(report)
    lines = _cells(report, "Turning movements")
    width = len(CLASSES) + 1
    for block, name in enumerate(report.shapes.movements):
        first = 3 + block * width
        assert lines[1][first] == name
        assert lines[3][first : first + width] == (*CLASSES, "all")
        for start, line in zip(counts.starts, lines[4:12], strict=True):
            series = Series(name, "movement")
            expected = [counts.value(series, start, class_) for class_ in CLASSES]
            together = counts.over_classes(series, start)
            shown = [NOT_KNOWN if value is None else value for value in [*expected, together]]
            assert list(line[first : first + width]) == shown
        assert lines[12][first + width - 1] == counts.total_over_classes(Series(name, "movement"))
    assert [line[0] for line in lines[4:12]] == [
        start.astimezone(HELSINKI).replace(tzinfo=None) for start in counts.starts
    ]


def test_workbook_never_shows_the_unknown_as_zero() -> None:
    number = next(
        number
        for number, start in enumerate(tally(junction()).starts)
        if start == UNKNOWN_AT.astimezone(UTC)
    )
    for sheet in ("Turning movements", "Lines", "Occupancy"):
        line = _cells(junction(), sheet)[4 + number]
        assert line[2] == 0
        assert {value for value in line[3:] if value is not None} == {NOT_KNOWN}


def test_workbook_shows_elapsed_time_from_zero() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(short_clip())))
    cell = book["Lines"].cell(5, 1)
    assert cell.number_format == "[h]:mm:ss"
    assert book["Lines"].cell(5, 2).value in (None, "")
    assert any("start of the recording" in str(row[1]) for row in _cells(short_clip(), "Summary"))
    assert _cells(short_clip(), "Peak hour")[4][9] == "the recording is shorter than an hour"


def test_names_are_text_in_the_workbook_and_exact_in_the_columns() -> None:
    name = '=HYPERLINK("http://example.org")'
    report = junction(site="@SUM(1)", line=name)
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(report)))
    named = [
        cell
        for sheet in book.worksheets
        for line in sheet.iter_rows()
        for cell in line
        if name in str(cell.value)
    ]
    assert named
    assert {cell.data_type for cell in named} == {"s"}
    assert not any(cell.hyperlink for cell in named)
    places = {line["place"] for line in csv.DictReader(io.StringIO(csv_bytes(report).decode()))}
    assert name in places


def test_workbook_of_nothing_drawn_still_opens() -> None:
    report = short_clip()
    bare = replace(report, rows=())
    assert _cells(bare, "Turning movements")[2][0] == "none was measured"
    assert _cells(bare, "Summary")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.001, "< 1 %"), (0.5, "50 %"), (0.999, "> 99 %"), (1, "100 %")],
)
def test_percentages_are_whole_only_where_they_are(share: float, text: str) -> None:
    assert percent(share) == text


# Words


def test_a_span_has_seconds_at_both_ends_or_at_none() -> None:
    report = junction()
    clock, start = SiteClock.of(report), report.start
    assert clock.span(start, report.end) == "2026-05-04 07:00 to 09:00"
    later = start + timedelta(seconds=9.7)
    assert clock.span(start, later) == "2026-05-04 07:00:00 to 07:00:10"
    assert clock.span(start, start + timedelta(days=1)) == "2026-05-04 07:00 to 2026-05-05 07:00"


@given(st.integers(1, 899_000))
def test_a_recording_without_a_gap_was_observed_wholly(milliseconds: int) -> None:
    """Coverage is rounded to six decimals; its rounding is no gap."""
    seconds = milliseconds / 1000
    report = junction(hours=0.25, unknown=frozenset())
    rows = tuple(replace(row, coverage=round(seconds / 900, 6)) for row in report.rows)
    cut = replace(report, rows=rows, end=report.start + timedelta(seconds=seconds))
    assert observed_share(cut, tally(cut)) == (1 if rows[0].coverage else 0)
