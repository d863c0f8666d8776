"""The tidy table: one row a measurement, as CSV and as Parquet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from passerby.measurement import Measurement
from passerby.report.words import exact

if TYPE_CHECKING:
    from passerby.report import Report

COLUMNS = (
    "site",
    "camera",
    "place",
    "kind",
    "class",
    "direction",
    "start",
    "seconds",
    "value",
    "n",
    "unit",
    "coverage",
)
"""Of the CSV file; the Parquet file has ``histogram`` as well."""


def csv_bytes(report: Report) -> bytes:
    """The rows as CSV in UTF-8: ``start`` as ISO 8601 with offset, an unknown value left empty.

    Names stand as the site gives them, also where one begins with ``=``, so that they match the
    Parquet file and the site file. Spreadsheets get ``counts.xlsx``, where every name is text.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in report.rows:
        writer.writerow(
            (
                row.site,
                row.camera,
                row.place,
                row.kind,
                row.class_,
                row.direction,
                row.start.isoformat(),
                row.seconds,
                exact(row.value),
                "" if row.n is None else row.n,
                row.unit,
                exact(row.coverage),
            )
        )
    return text.getvalue().encode()


def parquet_bytes(report: Report) -> bytes:
    """The rows as Parquet: ``start`` in the site's zone; ``value``, ``n``, ``histogram`` nullable.

    ``histogram`` is what :meth:`passerby.histogram.Histogram.to_text` gives, so that percentiles of
    longer times can be had from the file. The CSV file, for readers, does without.
    """
    import pyarrow as pa
    from pyarrow import parquet

    name = pa.dictionary(pa.int32(), pa.string())
    types = {
        "start": pa.timestamp("us", tz=report.timezone),
        "seconds": pa.int32(),
        "value": pa.float64(),
        "n": pa.int64(),
        "coverage": pa.float64(),
    }
    may_be_missing = {"value", "n", "histogram"}
    schema = pa.schema(
        [
            pa.field(column, types.get(column, name), nullable=column in may_be_missing)
            for column in (*COLUMNS, "histogram")
        ]
    )
    columns = [
        pa.array([_cell(row, field.name) for row in report.rows], field.type) for field in schema
    ]
    table = pa.Table.from_arrays(columns, schema=schema)
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _cell(row: Measurement, column: str) -> Any:
    if column == "histogram":
        return None if row.histogram is None else row.histogram.to_text()
    return getattr(row, "class_" if column == "class" else column)
