"""The tables of the SQLite catalogue, their version, and how a file becomes a catalogue.

Times are whole microseconds since 1970-01-01 UTC, so that year 9999 and single microseconds both keep their value.
"""

import logging
import sqlite3
import time
from collections.abc import Collection
from pathlib import Path

from rs_assets.errors import CatalogError
from rs_assets.revisions import VERSION_TABLE, Revisions, Upgrade
from rs_assets.revisions.sqlite import alone, back_up

_logger = logging.getLogger(__name__)

SCHEMA_VERSION = 1
"""Version that programs without revisions look at: it stays while they can work on what the revisions make of it."""

REVISIONS = Revisions(Path(__file__).parent / "revisions", head="0002", first="0001")
"""How the tables have come to be as they are."""

BUSY_TIMEOUT = 30.0
"""How long a connection waits for the writers before it, in seconds."""

_FORMAT = "rs_assets catalogue"
"""Stands in the table `meta`, so that no other application's file is taken for a catalogue."""

_TABLES = (
    f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
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
    "CREATE INDEX history_by_time ON history (recorded_us)",
)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make sure that the open file is a catalogue as this program reads it.

    A file without tables becomes one, and one of an earlier program is upgraded, with a copy kept beside it. Any number
    of processes may do this to one file at the same time.

    Raises:
        CatalogError: the file belongs to another application or to a newer version of this code.
    """
    found = upgrade_of(connection, path)
    if found.present is None:
        _make(connection, path)
    elif found.missing:
        _bring_up(path)


def upgrade_of(connection: sqlite3.Connection, path: Path) -> Upgrade:
    """What the open file lacks.

    Raises:
        CatalogError: the file belongs to another application or to a newer version of this code.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return Upgrade(str(path), None, ())
    version = _version_in(connection, path, tables)
    present = REVISIONS.first
    if VERSION_TABLE in tables:
        [(present,)] = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608
    missing = REVISIONS.missing(present) if version <= SCHEMA_VERSION else None
    if missing is None:
        raise CatalogError(
            f"the catalogue {path} was written by a newer version of this software (version {version}, revision "
            f"{present}; this one reads up to {SCHEMA_VERSION}, {REVISIONS.head}); install that version"
        )
    return Upgrade(str(path), present, missing)


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


def _make(connection: sqlite3.Connection, path: Path) -> None:
    use_wal(connection)
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have created the tables while this one waited for the lock.
    if upgrade_of(connection, path).present is None:
        for statement in _TABLES:
            connection.execute(statement)
        rows = [("format", _FORMAT), ("schema_version", str(SCHEMA_VERSION))]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        connection.execute(f"INSERT INTO {VERSION_TABLE} VALUES (?)", (REVISIONS.head,))  # noqa: S608
    connection.execute("COMMIT")


def _bring_up(path: Path) -> None:
    with alone(path, timeout=BUSY_TIMEOUT) as connection:
        present = REVISIONS.present_in(connection)
        missing = REVISIONS.missing(present)
        if missing:
            copy = back_up(path, present)
            REVISIONS.upgrade(connection)
            _logger.info("%s", Upgrade(str(path), present, missing).sentence(f"the catalogue {path}", str(copy)))


def _version_in(connection: sqlite3.Connection, path: Path, tables: Collection[str]) -> int:
    """The version that the catalogue states."""
    foreign = CatalogError(f"{path} is an SQLite database, but no catalogue; name another file for the catalogue")
    if not {"meta", "items"} <= set(tables):
        raise foreign
    try:
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    except sqlite3.OperationalError as error:
        raise foreign from error
    if meta.get("format") != _FORMAT:
        raise foreign
    return int(meta["schema_version"])
