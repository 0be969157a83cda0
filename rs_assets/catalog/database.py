"""The connections to the catalogue's SQLite file.

Every read and every write opens a connection and closes it: 0.3 ms and 1 ms, in return for an object that
threads share, that survives a fork and can be pickled, and for a log that is folded back at every quiet moment.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rs_assets.catalog.schema import BUSY_TIMEOUT, prepare, upgrade_of, use_wal
from rs_assets.errors import CatalogError
from rs_assets.revisions import Upgrade

_LOG_LIMIT = 64 * 1024 * 1024
"""Bytes that the write-ahead log keeps on disk after it was folded back."""

_WHAT_TO_DO = {
    sqlite3.SQLITE_BUSY: f"others kept it locked for more than {BUSY_TIMEOUT:.0f} s; try again",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that it is a file and that its directory may be written",
    sqlite3.SQLITE_CORRUPT: "the file is corrupt; restore it from a copy, or move it away and run its partitions again "
    "(nothing that is in the store is fetched a second time)",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite file, or it is corrupt; name another file, or restore it from a copy",
    sqlite3.SQLITE_READONLY: "the file or its directory may not be written by this user",
}


class Database:
    """One SQLite file, created on first use together with its directory."""

    def __init__(self, path: Path) -> None:
        # An absolute path stays right when the process changes its directory, and is never SQLite's ":memory:".
        self.path = path.absolute()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the catalogue, whatever others write meanwhile.

        Raises:
            CatalogError: the file cannot be read, or is not a catalogue of this version.
        """
        with self._explained(), closing(self._open_for_reading()) as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that alone may write, from here to the end of the block.

        The block's writes are kept together, or, if it raises, not at all.

        Raises:
            CatalogError: the file cannot be written, or is not a catalogue of this version.
        """
        with self._explained(), closing(self._open()) as connection:
            use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT}")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def upgrade_needed(self) -> Upgrade:
        """What opening it would do; nothing is made and nothing is changed.

        Raises:
            CatalogError: the file cannot be read, or is not a catalogue of this version.
        """
        if not self.path.exists():
            return Upgrade(str(self.path), None, ())
        with self._explained(), closing(sqlite3.connect(self.path, timeout=BUSY_TIMEOUT)) as connection:
            return upgrade_of(connection, self.path)

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self._connect(str(self.path))

    def _open_for_reading(self) -> sqlite3.Connection:
        try:
            return self._open()
        except sqlite3.OperationalError as error:
            if not self._is_at_rest(error):
                raise
            # Without write access there is nowhere to put the index of the log. No log stands beside the file,
            # so nobody writes, and SQLite may take it for unchangeable.
            return self._connect(f"{self.path.as_uri()}?immutable=1")

    def _is_at_rest(self, error: sqlite3.OperationalError) -> bool:
        log = self.path.with_name(self.path.name + "-wal")
        denied = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
        return denied and self.path.is_file() and not (log.exists() and log.stat().st_size)

    def _connect(self, target: str) -> sqlite3.Connection:
        is_fixed = target.startswith("file:")
        connection = sqlite3.connect(target, timeout=BUSY_TIMEOUT, isolation_level=None, uri=is_fixed)
        try:
            # What an earlier program has written can be read as it is; a file without tables cannot.
            if not is_fixed or upgrade_of(connection, self.path).present is None:
                prepare(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            advice = _WHAT_TO_DO.get(getattr(error, "sqlite_errorcode", -1) & 0xFF, "see the database's own words")
            raise CatalogError(f"the catalogue {self.path} cannot be used: {advice} ({error})") from error
        except OSError as error:
            raise CatalogError(f"the catalogue {self.path} cannot be used: {error.strerror}") from error
