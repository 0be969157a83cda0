"""The state database: how it is opened, versioned and locked."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rs_assets.errors import StateError
from rs_assets.settings import StateSettings
from rs_assets.state.schema import SCHEMA_VERSION, meta, metadata

_BUSY_TIMEOUT_S = 30

_OPENING_PAUSE_S = 0.01

_READS_ONLY = "rs_assets_reads_only"
"""Option of a connection whose transactions write nothing."""


class StateDatabase:
    """The state of one installation. Opened at first use; safe for many threads and processes."""

    def __init__(self, url: str) -> None:
        """Take the database at a SQLAlchemy URL; nothing is opened yet."""
        self._url = make_url(url)

    def __repr__(self) -> str:
        return f"StateDatabase({self._url.render_as_string(hide_password=True)!r})"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction, which no other writer overlaps; it is undone if the block raises.

        Raises:
            StateError: the database cannot be opened, read or written.
        """
        with self._translated_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads, as everything was when it began; it waits for no writer, and none for it.

        Raises:
            StateError: the database cannot be opened or read.
        """
        with self._translated_errors(), self._engine.connect() as plain:
            connection = plain.execution_options(**{_READS_ONLY: True})
            with connection.begin():
                yield connection

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StateError(f"the state database {self._place} cannot be used: {error.orig}") from error
        except SQLAlchemyError as error:
            raise StateError(f"the state database {self._place} cannot be used: {error}") from error

    @property
    def _place(self) -> str:
        return self._url.database or self._url.render_as_string(hide_password=True)

    @cached_property
    def _engine(self) -> Engine:
        if self._url.database:
            self._make_directory(Path(self._url.database).parent)
        # Without a pool no connection is shared with a forked process.
        engine = create_engine(self._url, poolclass=NullPool, connect_args={"timeout": _BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        with engine.connect() as plain:
            present = self._tables(plain.execution_options(**{_READS_ONLY: True}))
        if not present >= metadata.tables.keys():
            with engine.begin() as connection:
                self._tables(connection)
                metadata.create_all(connection)
                statement = sqlite.insert(meta).values(name="schema_version", value=str(SCHEMA_VERSION))
                connection.execute(statement.on_conflict_do_nothing())
        return engine

    def _tables(self, connection: Connection) -> set[str]:
        """The names of the tables that are there; those of another version are refused, and nothing is changed."""
        present = set(inspect(connection).get_table_names())
        statement = select(meta.c.value).where(meta.c.name == "schema_version")
        found = connection.scalar(statement) if meta.name in present else None
        if found not in {None, str(SCHEMA_VERSION)}:
            raise StateError(
                f"the state database {self._place} has version {found}, this program reads version {SCHEMA_VERSION}; "
                "use the program that wrote it, or another file"
            )
        return present

    def _make_directory(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"the directory {directory} of the state database cannot be made: {error}") from error


def open_state(settings: StateSettings) -> StateDatabase:
    """The state of these settings; nothing is opened before its first use."""
    return StateDatabase(settings.url)


def upsert(connection: Connection, table: Any, rows: list[dict[str, Any]], *, keep: frozenset[str]) -> None:
    """Insert rows; where a row of the same primary key stands, overwrite all its columns but those to keep."""
    if not rows:
        return
    statement = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys and column.name not in keep and column.name in rows[0]
    }
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


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
    reads_only = connection.get_execution_options().get(_READS_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
