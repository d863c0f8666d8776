"""Rows are written by their key, and an interrupted run goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from passerby.errors import PasserbyError
from passerby.histogram import Histogram
from passerby.measurement import Measurement
from passerby.store.unfinished import UnfinishedRun

HELSINKI = ZoneInfo("Europe/Helsinki")
ROW = Measurement(
    "Harbour Square",
    "north",
    "gate",
    "crossings",
    "person",
    "forward",
    datetime(2026, 10, 25, 3, 0, tzinfo=HELSINKI),
    900,
    7,
    7,
    1.0,
)


def test_a_row_with_the_same_key_replaces_the_old(tmp_path: Path) -> None:
    run = UnfinishedRun(tmp_path, "a", HELSINKI)
    run.keep([ROW], 0.0, 0.0)
    run.keep([replace(ROW, value=8, n=8)], 5.0, 900.0)
    again = UnfinishedRun(tmp_path, "a", HELSINKI)
    assert again.rows == [replace(ROW, value=8, n=8)]
    assert (again.since, again.closed_until) == (5.0, 900.0)


def test_unknown_stays_unknown_and_the_hour_that_comes_twice_stays_two(tmp_path: Path) -> None:
    later = ROW.start.astimezone(UTC) + timedelta(hours=1)
    rows = [replace(ROW, value=None, n=None, coverage=0.0)]
    rows.append(replace(ROW, start=later.astimezone(HELSINKI)))
    assert rows[0].start.hour == rows[1].start.hour == 3
    UnfinishedRun(tmp_path, "a", HELSINKI).keep(rows, 0.0, 0.0)
    again = UnfinishedRun(tmp_path, "a", HELSINKI).rows
    assert [row.start.timestamp() for row in again] == [row.start.timestamp() for row in rows]
    assert again == rows


def test_a_histogram_comes_back_exactly(tmp_path: Path) -> None:
    histogram = Histogram(0.05)
    for value, weight in ((0.1, 1 / 3), (1.234567, 0.1), (-7.0, 2)):
        histogram.add(value, weight, censored=value < 0)
    row = replace(ROW, kind="speed_median", value=1.2, histogram=histogram)
    UnfinishedRun(tmp_path, "a", HELSINKI).keep([row], 0.0, 0.0)
    again = UnfinishedRun(tmp_path, "a", HELSINKI)
    assert again.rows == [row]
    again.keep([replace(row, value=None, n=None, histogram=None)], 0.0, 0.0)
    assert UnfinishedRun(tmp_path, "a", HELSINKI).rows[0].histogram is None


@pytest.mark.parametrize("fingerprint", ["a", "b"])
def test_a_run_of_a_version_without_histograms_starts_anew(
    tmp_path: Path, fingerprint: str
) -> None:
    UnfinishedRun(tmp_path, "a", HELSINKI).keep([ROW], 0.0, 0.0)
    (file,) = tmp_path.iterdir()
    with closing(sqlite3.connect(file)) as database:
        database.execute("alter table measurements drop column histogram")
    run = UnfinishedRun(tmp_path, fingerprint, HELSINKI)
    assert (run.rows, run.since) == ([], None)
    run.keep([ROW], 0.0, 0.0)
    assert UnfinishedRun(tmp_path, fingerprint, HELSINKI).rows == [ROW]


def test_another_run_starts_anew(tmp_path: Path) -> None:
    UnfinishedRun(tmp_path, "a", UTC).keep([ROW], 0.0, 0.0)
    other = UnfinishedRun(tmp_path, "b", UTC)
    assert (other.rows, other.since) == ([], None)


def test_what_is_done_leaves_nothing(tmp_path: Path) -> None:
    run = UnfinishedRun(tmp_path, "a", UTC)
    run.keep([ROW], 0.0, 0.0)
    run.done()
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_no_obstacle(tmp_path: Path) -> None:
    UnfinishedRun(tmp_path, "a", UTC).keep([ROW], 0.0, 0.0)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"not a database" * 100)
    assert UnfinishedRun(tmp_path, "a", UTC).rows == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PasserbyError, match="cannot write into"):
        UnfinishedRun(tmp_path / "file" / "out", "a", UTC)
