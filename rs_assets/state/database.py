"""The state database: its transactions, its version, and what is written in the same way on every kind of database."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Table, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rs_assets.errors import StateError
from rs_assets.revisions import Revisions, Upgrade
from rs_assets.state.schema import SCHEMA_VERSION, meta, metadata

_logger = logging.getLogger(__name__)

REVISIONS = Revisions(Path(__file__).parent / "revisions", head="0003", first="0001")
"""How the tables have come to be as they are."""

READS_ONLY = "rs_assets_reads_only"
"""Option of a connection whose transactions write nothing."""


class Backend(Protocol):
    """What keeps the tables: a file, or a server."""

    @property
    def place(self) -> str:
        """Where it is, for people to read; without a password."""
        ...

    @property
    def exists(self) -> bool:
        """Whether there is something to be opened: False for a file that is to be made."""
        ...

    def engine(self) -> Engine:
        """Its engine, whose writing transactions never overlap, and whose reading ones see one moment.

        Raises:
            StateError: it cannot be opened.
        """
        ...

    def advice(self, cause: BaseException) -> str:
        """What to do about an error of its driver; empty where that is not known."""
        ...

    def back_up(self, present: str) -> str | None:
        """Keep a copy as of revision `present`; its path, or None where those who run the server do so.

        Raises:
            StateError: it cannot be kept.
        """
        ...


class StateDatabase:
    """The state of one installation. Opened at first use; safe for many threads and processes."""

    def __init__(self, backend: Backend) -> None:
        """Take what keeps the tables; nothing is opened yet."""
        self._backend = backend

    def __repr__(self) -> str:
        return f"StateDatabase({self._backend.place!r})"

    @property
    def place(self) -> str:
        """Where it is, for people to read; without a password."""
        return self._backend.place

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
        advice = self._backend.advice(cause)
        return StateError(f"the state database {self._backend.place} cannot be used: {reason}{advice and '; '}{advice}")

    def open(self) -> None:
        """Open it, which makes it or brings it up to what this program reads.

        Raises:
            StateError: it cannot be, or a newer program has written it; then it stays as it is.
        """
        with self._translated_errors():
            _ = self._engine

    def upgrade_needed(self) -> Upgrade:
        """What opening it would do; nothing is made and nothing is changed.

        Raises:
            StateError: it cannot be read, or a newer program has written it.
        """
        if not self._backend.exists:
            return Upgrade(self._backend.place, None, ())
        with self._translated_errors(), self._backend.engine().connect() as plain:
            return self._upgrade_of(plain.execution_options(**{READS_ONLY: True}))

    @cached_property
    def _engine(self) -> Engine:
        engine = self._backend.engine()
        with engine.connect() as plain:
            found = self._upgrade_of(plain.execution_options(**{READS_ONLY: True}))
        if found.present is None or found.missing:
            with engine.begin() as connection:
                self._bring_up(connection, self._upgrade_of(connection))
        return engine

    def _bring_up(self, connection: Connection, found: Upgrade) -> None:
        if found.present is None:
            metadata.create_all(connection)
            REVISIONS.note_head(connection)
            upsert(connection, meta, [{"name": "schema_version", "value": str(SCHEMA_VERSION)}], keep=frozenset())
        elif found.missing:
            copy = self._backend.back_up(found.present)
            REVISIONS.upgrade(connection)
            _logger.info("%s", found.sentence(f"the state database {found.place}", copy))

    def _upgrade_of(self, connection: Connection) -> Upgrade:
        """What it lacks; one that a newer program has written is refused."""
        place = self._backend.place
        if not inspect(connection).has_table(meta.name):
            return Upgrade(place, None, ())
        version = connection.scalar(select(meta.c.value).where(meta.c.name == "schema_version"))
        present = REVISIONS.present_in(connection)
        missing = REVISIONS.missing(present) if version == str(SCHEMA_VERSION) else None
        if missing is None:
            raise StateError(
                f"the state database {place} was written by a newer version of this software (version {version}, "
                f"revision {present}; this one reads up to {SCHEMA_VERSION}, {REVISIONS.head}); install that version"
            )
        return Upgrade(place, present, missing)


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
