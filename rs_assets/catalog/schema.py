"""The tables of the SQLite catalogue, their version, and how a file becomes a catalogue.

Times are whole microseconds since 1970-01-01 UTC, so that year 9999 and single microseconds both keep their value.
"""

import sqlite3
import time
from pathlib import Path

from rs_assets.errors import CatalogError

SCHEMA_VERSION = 1
"""The version of the tables that this code reads and writes."""

BUSY_TIMEOUT = 30.0
"""How long a connection waits for the writers before it, in seconds."""

_FORMAT = "rs_assets catalogue"
"""Stands in the table `meta`, so that no other application's file is taken for a catalogue."""

_TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE collections (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID",
    """
    CREATE TABLE items (
        number INTEGER PRIMARY KEY,
        collection_id TEXT NOT NULL REFERENCES collections (id),
        id TEXT NOT NULL,
        content_hash BLOB NOT NULL,
        published_us INTEGER NOT NULL,
        source_key TEXT NOT NULL,
        start_us INTEGER NOT NULL,
        end_us INTEGER NOT NULL,
        west REAL, south REAL, east REAL, north REAL,
        document TEXT NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX items_by_id ON items (collection_id, id)",
    # A search by time and its order are answered from these indexes alone; only hits are read from the table.
    "CREATE INDEX items_by_publication ON items (collection_id, published_us, source_key, id, start_us, end_us)",
    "CREATE INDEX items_by_start ON items (collection_id, start_us, id, end_us)",
    "CREATE INDEX items_by_end ON items (collection_id, end_us)",
    "CREATE INDEX items_by_box ON items (collection_id, west, south, east, north)",
    """
    CREATE TABLE assets (
        item INTEGER NOT NULL REFERENCES items (number) ON DELETE CASCADE,
        key TEXT NOT NULL,
        href TEXT NOT NULL,
        size INTEGER,
        checksum TEXT,
        PRIMARY KEY (item, key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX assets_by_href ON assets (href)",
    """
    CREATE TABLE summaries (
        collection_id TEXT NOT NULL REFERENCES collections (id),
        field TEXT NOT NULL,
        value TEXT NOT NULL,
        items INTEGER NOT NULL,
        PRIMARY KEY (collection_id, field, value)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE history (
        number INTEGER PRIMARY KEY,
        collection_id TEXT NOT NULL,
        item_id TEXT NOT NULL,
        recorded_us INTEGER NOT NULL,
        status TEXT NOT NULL,
        content_hash BLOB NOT NULL
    )
    """,
    "CREATE INDEX history_by_item ON history (collection_id, item_id)",
)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make sure that the open file is a catalogue of this version; a file without tables becomes one.

    Any number of processes may do this to one fresh file at the same time.

    Raises:
        CatalogError: the file belongs to another application or to a newer version of this code.
    """
    if _is_catalog(connection, path):
        return
    use_wal(connection)
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have created the tables while this one waited for the lock.
    if not _is_catalog(connection, path):
        for statement in _TABLES:
            connection.execute(statement)
        rows = [("format", _FORMAT), ("schema_version", str(SCHEMA_VERSION))]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
    connection.execute("COMMIT")


def use_wal(connection: sqlite3.Connection) -> None:
    """Put the file into write-ahead mode, so that readers and the writer do not wait for each other.

    SQLite does not wait for other connections on this one change, whatever the busy timeout, hence the loop.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _is_catalog(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is a catalogue of this version; False if it holds no table at all."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return False
    foreign = CatalogError(f"{path} is an SQLite database, but no catalogue; name another file for the catalogue")
    if not {"meta", "items"} <= tables:
        raise foreign
    try:
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    except sqlite3.OperationalError as error:
        raise foreign from error
    if meta.get("format") != _FORMAT:
        raise foreign
    if int(meta["schema_version"]) > SCHEMA_VERSION:
        raise CatalogError(
            f"the catalogue {path} was written by a newer version of this software (schema "
            f"{meta['schema_version']}, this one reads up to {SCHEMA_VERSION}); install that version"
        )
    return True
