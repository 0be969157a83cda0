"""Upgrades of a database that is one SQLite file: by one process alone, with a copy of the file beside it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool


@contextmanager
def alone(file: Path, *, timeout: float) -> Iterator[Connection]:
    """A transaction during which nobody else writes to the file; it is undone if the block raises.

    Args:
        file: it exists.
        timeout: how long it waits for those who write, in seconds.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    engine = create_engine(
        f"sqlite:///{file}", poolclass=NullPool, connect_args={"timeout": timeout, "isolation_level": None}
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from error
        raise


def back_up(file: Path, present: str) -> Path:
    """Copy a database of revision `present` beside itself, whole or not at all; the copy's path.

    A copy of the same revision, from an upgrade that did not come to its end, is replaced.

    Raises:
        sqlite3.Error, OSError: it cannot be copied.
    """
    copy = file.with_name(f"{file.name}.revision-{present}")
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(part)) as target,
    ):
        source.backup(target)
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(copy)
    return copy
