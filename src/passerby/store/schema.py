"""The table of measurements, and how a Measurement becomes a row of it and comes back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from typing import Any

from sqlalchemy import Column, Connection, Float, Integer, MetaData, String, Table, select
from sqlalchemy.dialects.sqlite import insert

from passerby.clock import from_posix
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
    """Every row, in the order of the keys, with its start in the site's ``zone``."""
    query = select(measurements).order_by(*measurements.primary_key.columns)
    found = connection.execute(query).mappings()
    names = [column.key for column in measurements.columns]
    return [
        Measurement(
            **{**{name: row[name] for name in names}, "start": from_posix(row["start"], zone)}
        )
        for row in found
    ]


_VALUES = [column for column in measurements.columns if not column.primary_key]


def _to_row(row: Measurement) -> dict[str, Any]:
    fields = {column.key: getattr(row, column.key) for column in measurements.columns}
    return {**fields, "start": round(row.start.timestamp())}
