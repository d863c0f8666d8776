"""The table of measurements, and how a Measurement becomes a row of it and comes back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from passerby.clock import from_posix
from passerby.histogram import Histogram
from passerby.measurement import Measurement

metadata = MetaData()

measurements = Table(
    "measurements",
    metadata,
    Column("site", String, primary_key=True),
    Column("camera", String, primary_key=True),
    Column("place", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("class", String, primary_key=True, key="class_"),
    Column("direction", String, primary_key=True),
    # POSIX seconds: a database knows no zones, and this hour comes twice in no autumn.
    Column("start", Integer, primary_key=True),
    Column("seconds", Integer, primary_key=True),
    Column("value", Float),
    Column("n", Integer),
    Column("coverage", Float, nullable=False),
    Column("histogram", String),
)


def upsert(connection: Connection, rows: Iterable[Measurement]) -> None:
    """Write rows; one whose key is there already is replaced."""
    values = [_to_row(row) for row in rows]
    if not values:
        return
    statement = insert(measurements)
    fresh = {column.name: statement.excluded[column.key] for column in _VALUES}
    statement = statement.on_conflict_do_update(
        index_elements=list(measurements.primary_key.columns), set_=fresh
    )
    connection.execute(statement, values)


def read(connection: Connection, zone: tzinfo) -> list[Measurement]:
    """Every row, in the order of the keys, with its start in the site's ``zone``.

    Raises:
        ValueError: a histogram is none.
    """
    query = select(measurements).order_by(*measurements.primary_key.columns)
    found = connection.execute(query).mappings()
    return [_from_row(row, zone) for row in found]


_VALUES = [column for column in measurements.columns if not column.primary_key]


def _to_row(row: Measurement) -> dict[str, Any]:
    fields = {column.key: getattr(row, column.key) for column in measurements.columns}
    text = None if row.histogram is None else row.histogram.to_text()
    return {**fields, "start": round(row.start.timestamp()), "histogram": text}


def _from_row(row: RowMapping, zone: tzinfo) -> Measurement:
    fields = {column.key: row[column.key] for column in measurements.columns}
    start, text = from_posix(row["start"], zone), row["histogram"]
    histogram = None if text is None else Histogram.from_text(text)
    return Measurement(**{**fields, "start": start, "histogram": histogram})
