"""The state database: its transactions, its version, and what is written in the same way on every kind of database."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Table, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rs_assets.errors import StateError
from rs_assets.state.schema import LAYOUT, SCHEMA_VERSION, meta, metadata

READS_ONLY = "rs_assets_reads_only"
"""Option of a connection whose transactions write nothing."""


class Backend(Protocol):
    """What keeps the tables: a file, or a server."""

    @property
    def place(self) -> str:
        """Where it is, for people to read; without a password."""
        ...

    def engine(self) -> Engine:
        """Its engine, whose writing transactions never overlap, and whose reading ones see one moment.

        Raises:
            StateError: it cannot be opened.
        """
        ...


class StateDatabase:
    """The state of one installation. Opened at first use; safe for many threads and processes."""

    def __init__(self, backend: Backend) -> None:
        """Take what keeps the tables; nothing is opened yet."""
        self._backend = backend

    def __repr__(self) -> str:
        return f"StateDatabase({self._backend.place!r})"

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
            connection = plain.execution_options(**{READS_ONLY: True})
            with connection.begin():
                yield connection

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._error(error.orig or error) from error
        except SQLAlchemyError as error:
            raise self._error(error) from error

    def _error(self, cause: BaseException) -> StateError:
        reason = " ".join(str(cause).split())
        return StateError(f"the state database {self._backend.place} cannot be used: {reason}")

    @cached_property
    def _engine(self) -> Engine:
        engine = self._backend.engine()
        with engine.connect() as plain:
            is_complete = self._is_complete(plain.execution_options(**{READS_ONLY: True}))
        if not is_complete:
            with engine.begin() as connection:
                self._is_complete(connection)
                metadata.create_all(connection)
                for index in (index for table in metadata.sorted_tables for index in table.indexes):
                    index.create(connection, checkfirst=True)
                versions = [
                    {"name": "schema_version", "value": str(SCHEMA_VERSION)},
                    {"name": "layout", "value": str(LAYOUT)},
                ]
                upsert(connection, meta, versions, keep=frozenset())
        return engine

    def _is_complete(self, connection: Connection) -> bool:
        """Whether all tables and indexes are there; those of another version are refused, and nothing is changed."""
        present = set(inspect(connection).get_table_names())
        facts = {row.name: row.value for row in connection.execute(select(meta))} if meta.name in present else {}
        found = facts.get("schema_version", str(SCHEMA_VERSION))
        if found != str(SCHEMA_VERSION):
            raise StateError(
                f"the state database {self._backend.place} has version {found}, this program reads version "
                f"{SCHEMA_VERSION}; use the program that wrote it, or another database"
            )
        layout = facts.get("layout", "0")
        return present >= metadata.tables.keys() and layout.isdecimal() and int(layout) >= LAYOUT


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insertion that may say what happens where a row of the same primary key stands."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def upsert(connection: Connection, table: Table, rows: list[dict[str, Any]], *, keep: frozenset[str]) -> None:
    """Insert rows; where a row of the same primary key stands, overwrite all its columns but those to keep."""
    if not rows:
        return
    statement = insert_into(connection, table)
    keys = [column.name for column in table.primary_key]
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys and column.name not in keep and column.name in rows[0]
    }
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)
