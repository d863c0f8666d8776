"""What a run has counted so far, so that an interrupted one goes on instead of starting again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Float,
    String,
    Table,
    create_engine,
    delete,
    insert,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from passerby.errors import PasserbyError
from passerby.measurement import Measurement
from passerby.store.schema import metadata, read, upsert

_FILE = ".unfinished.sqlite"

_run = Table(
    "run",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("since", Float, nullable=False),
    Column("closed_until", Float, nullable=False),
)


class UnfinishedRun:
    """The closed rows of one run of counting, kept in a folder until the run is done.

    Attributes:
        rows: closed by the interrupted run; empty where there was none.
        since: POSIX seconds from which the recording must be watched again; None for all of it.
        closed_until: POSIX seconds before which every interval is closed already.
    """

    def __init__(self, folder: Path, fingerprint: str, zone: tzinfo) -> None:
        """Open what an interrupted run left in ``folder``, if it was the same run.

        Args:
            folder: made where it is missing.
            fingerprint: of everything the counts depend on; another one starts anew.
            zone: of the site, for the rows.

        Raises:
            PasserbyError: the folder cannot be written.
        """
        self._path = folder / _FILE
        self._fingerprint = fingerprint
        self.rows: list[Measurement] = []
        self.since: float | None = None
        self.closed_until = float("-inf")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._open(zone)
        except OSError as error:
            raise PasserbyError(f"cannot write into {folder}: {error.strerror}") from None
        except (SQLAlchemyError, ValueError):
            # Not a database, or one of another version: nothing in it can be gone on with.
            self._path.unlink(missing_ok=True)
            self._open(zone)

    def _open(self, zone: tzinfo) -> None:
        self._engine = create_engine(f"sqlite:///{self._path}")
        with self._engine.begin() as connection:
            metadata.create_all(connection)
            left = connection.execute(select(_run)).mappings().one_or_none()
            if left is None or left["fingerprint"] != self._fingerprint:
                # Made anew and not emptied: those of another version lack columns.
                metadata.drop_all(connection)
                metadata.create_all(connection)
                return
            self.rows = read(connection, zone)
            self.since = left["since"]
            self.closed_until = left["closed_until"]

    def keep(self, rows: Sequence[Measurement], since: float, closed_until: float) -> None:
        """Write closed rows, and from where an interrupted run would go on, in one transaction.

        Raises:
            PasserbyError: the disk is full or cannot be written.
        """
        try:
            with self._engine.begin() as connection:
                upsert(connection, rows)
                _mark(connection, self._fingerprint, since, closed_until)
        except SQLAlchemyError as error:
            raise PasserbyError(
                f"cannot write into {self._path.parent}: {getattr(error, 'orig', error)}. "
                "Free some space there; the same command then goes on where it stopped."
            ) from None

    def done(self) -> None:
        """Forget the run: its report is made."""
        self._engine.dispose()
        self._path.unlink(missing_ok=True)


def _mark(connection: Connection, fingerprint: str, since: float, closed_until: float) -> None:
    connection.execute(delete(_run))
    connection.execute(
        insert(_run).values(fingerprint=fingerprint, since=since, closed_until=closed_until)
    )
