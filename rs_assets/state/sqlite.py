"""The state in one SQLite file, for the processes of one machine."""

import sqlite3
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from rs_assets.errors import StateError
from rs_assets.revisions.sqlite import back_up
from rs_assets.state.database import READS_ONLY

_BUSY_TIMEOUT_S = 30

_OPENING_PAUSE_S = 0.01

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SqliteBackend:
    """The file; it and its directory are made at first use."""

    def __init__(self, url: URL) -> None:
        """Take its SQLAlchemy URL, which names a file."""
        self._url = url

    @property
    def place(self) -> str:
        return str(self._url.database)

    @property
    def exists(self) -> bool:
        return Path(self.place).exists()

    def engine(self) -> Engine:
        directory = Path(self.place).parent
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"the directory {directory} of the state database cannot be made: {error}") from error
        # Without a pool no connection is shared with a forked process.
        engine = create_engine(self._url, poolclass=NullPool, connect_args={"timeout": _BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        return engine

    def advice(self, cause: BaseException) -> str:
        if getattr(cause, "sqlite_errorcode", -1) & 0xFF not in _DAMAGED:
            return ""
        copies = sorted(path.name for path in Path(self.place).parent.glob(f"{Path(self.place).name}.revision-*"))
        older = f" (or put {copies[-1]} in its place, which is as old as the upgrade)" if copies else ""
        return (
            f"it is damaged: end all that uses it, move it and what begins with {Path(self.place).name}- away, and run "
            f"`rs-assets rebuild`, which makes it anew from store and catalogue{older}"
        )

    def back_up(self, present: str) -> str | None:
        try:
            return str(back_up(Path(self.place), present))
        except (sqlite3.Error, OSError) as error:
            raise StateError(
                f"the state database {self.place} is not upgraded, since no copy of it can be made beside it: {error}"
            ) from error


def _configure(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # leaves BEGIN to the event below
    _use_write_ahead_log(connection)
    for pragma in ("synchronous = FULL", "journal_size_limit = 16777216"):
        connection.execute(f"PRAGMA {pragma}")


def _use_write_ahead_log(connection: Any) -> None:
    """Switch the journal; while others open or close the same file, SQLite refuses this at once rather than wait."""
    deadline = monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() >= deadline:
                raise
            sleep(_OPENING_PAUSE_S)
        else:
            return


def _begin(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get(READS_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
