"""The embedded catalogue: one SQLite file on a local disk, used as a library by any number of processes.

Whether an item exists, is newer or clashes is decided inside the transaction that writes it, so two processes
can never overwrite each other's work.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

import pystac

from rs_assets.catalog.collection import fixed_document, read_collection
from rs_assets.catalog.database import Database
from rs_assets.catalog.pages import Search
from rs_assets.catalog.protocol import (
    CollectionSpec,
    HistoryEntry,
    Published,
    PublishedAsset,
    SortBy,
    TimeInterval,
    UpsertReport,
    UpsertResult,
    UpsertStatus,
)
from rs_assets.catalog.records import ItemRecord, from_microseconds, item_record, read_item, to_microseconds
from rs_assets.catalog.writing import ItemWriter
from rs_assets.errors import CatalogError
from rs_assets.revisions import Upgrade

# CROSS JOIN makes SQLite look up the ids one by one; left to itself it may read the whole collection.
_EXISTING = """
    SELECT items.id, published_us, source_key, assets.key, href, size, checksum
    FROM json_each(?) AS wanted
    CROSS JOIN items ON items.collection_id = ? AND items.id = wanted.value
    LEFT JOIN assets ON assets.item = items.number
"""
_OLD_HISTORY = "SELECT number FROM history WHERE recorded_us < ? ORDER BY recorded_us LIMIT ?"

_HISTORY = """
    SELECT recorded_us, status, content_hash FROM history
    WHERE collection_id = ? AND item_id = ? ORDER BY number
"""


class SqliteCatalog:
    """A `Catalog` in one file; the file and its directory are made on first use, and not before.

    Threads may share it, it may be pickled, and it survives a fork. The file must be on a local disk: SQLite's
    write-ahead log does not work over NFS or SMB.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._database = Database(Path(path))

    def __repr__(self) -> str:
        return f"SqliteCatalog({self.place!r})"

    @property
    def place(self) -> str:
        """The catalogue's file, absolute."""
        return str(self._database.path)

    def open(self) -> None:
        """See `Catalog.open`."""
        with self._database.reading():
            pass

    def upgrade_needed(self) -> Upgrade:
        """See `Catalog.upgrade_needed`."""
        return self._database.upgrade_needed()

    def ensure_collection(self, spec: CollectionSpec) -> None:
        """See `Catalog.ensure_collection`."""
        created = fixed_document(spec)
        with self._database.reading() as connection:
            if _is_up_to_date(_fixed(connection, spec.id), spec):
                return
        with self._database.writing() as connection:
            present = _fixed(connection, spec.id)
            wanted = created if present is None else present | _texts(spec)
            connection.execute(
                "INSERT INTO collections (id, document) VALUES (?, ?) "
                "ON CONFLICT (id) DO UPDATE SET document = excluded.document",
                (spec.id, json.dumps(wanted)),
            )

    def collections(self) -> list[pystac.Collection]:
        """See `Catalog.collections`."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT document FROM collections ORDER BY id").fetchall()
            return [read_collection(connection, json.loads(document)) for (document,) in rows]

    def collection(self, collection_id: str) -> pystac.Collection | None:
        """See `Catalog.collection`."""
        with self._database.reading() as connection:
            fixed = _fixed(connection, collection_id)
            return None if fixed is None else read_collection(connection, fixed)

    def upsert(self, collection_id: str, items: Sequence[pystac.Item], *, are_sessions: bool = False) -> UpsertReport:
        """See `Catalog.upsert`."""
        prepared = [_prepared(collection_id, item) for item in items]
        records = [each for each in prepared if isinstance(each, ItemRecord)]
        with self._database.writing() as connection:
            if _fixed(connection, collection_id) is None:
                raise CatalogError(f"the catalogue {self.place} has no collection {collection_id}; create it first")
            writer = ItemWriter(connection, collection_id, {record.item.id for record in records})
            results = [
                writer.upsert(each, is_session=are_sessions) if isinstance(each, ItemRecord) else each
                for each in prepared
            ]
            writer.finish()
        return UpsertReport(collection_id, tuple(results))

    def existing(self, collection_id: str, ids: Collection[str]) -> dict[str, Published]:
        """See `Catalog.existing`."""
        with self._database.reading() as connection:
            rows = connection.execute(_EXISTING, (json.dumps(list(set(ids))), collection_id)).fetchall()
        found: dict[str, Published] = {}
        assets: dict[str, dict[str, PublishedAsset]] = {}
        for item_id, published, source_key, key, href, size, checksum in rows:
            if item_id not in found:
                assets[item_id] = {}
                found[item_id] = Published(from_microseconds(published), source_key, assets[item_id])
            if key is not None:
                assets[item_id][key] = PublishedAsset(href, size, checksum)
        return found

    def get(self, collection_id: str, item_id: str) -> pystac.Item | None:
        """See `Catalog.get`."""
        query = "SELECT document FROM items WHERE collection_id = ? AND id = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (collection_id, item_id)).fetchone()
        return None if row is None else read_item(row[0])

    def delete(self, collection_id: str, item_id: str) -> bool:
        """See `Catalog.delete`."""
        with self._database.writing() as connection:
            writer = ItemWriter(connection, collection_id, {item_id})
            deleted = writer.delete(item_id)
            writer.finish()
        return deleted

    def search(
        self,
        *,
        collections: Collection[str] | None = None,
        ids: Collection[str] | None = None,
        datetime: TimeInterval | None = None,
        sortby: SortBy = SortBy.NEWEST_PUBLICATION,
        limit: int | None = None,
    ) -> Iterator[pystac.Item]:
        """See `Catalog.search`."""
        if limit is not None and limit < 0:
            raise ValueError(f"the limit of a search is {limit}, which is negative")
        if limit == 0:
            return iter(())
        if collections is None:
            with self._database.reading() as connection:
                collections = [name for (name,) in connection.execute("SELECT id FROM collections")]
        search = Search(self._database, ids=ids, interval=datetime, sortby=sortby)
        return map(read_item, search.documents(collections, limit))

    def count(self, collection_id: str) -> int:
        """See `Catalog.count`."""
        with self._database.reading() as connection:
            query = "SELECT count(*) FROM items WHERE collection_id = ?"
            return int(connection.execute(query, (collection_id,)).fetchone()[0])

    def history(self, collection_id: str, item_id: str) -> list[HistoryEntry]:
        """See `Catalog.history`."""
        with self._database.reading() as connection:
            rows = connection.execute(_HISTORY, (collection_id, item_id)).fetchall()
        return [HistoryEntry(from_microseconds(recorded), status, digest.hex()) for recorded, status, digest in rows]

    def forget_history(self, before: datetime, most: int) -> int:
        """See `Catalog.forget_history`."""
        with self._database.reading() as connection:
            rows = connection.execute(_OLD_HISTORY, (to_microseconds(before), most)).fetchall()
        if not rows:
            return 0
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM history WHERE number = ?", rows)
        return len(rows)


def _prepared(collection_id: str, item: pystac.Item) -> ItemRecord | UpsertResult:
    """The item ready to be written, or the reason why it cannot be."""
    try:
        return item_record(collection_id, item)
    except ValueError as error:
        return UpsertResult(str(item.id), UpsertStatus.FAILED, str(error))


def _fixed(connection: sqlite3.Connection, collection_id: str) -> dict[str, Any] | None:
    """The part of the collection's document that is stored."""
    row = connection.execute("SELECT document FROM collections WHERE id = ?", (collection_id,)).fetchone()
    return None if row is None else json.loads(row[0])


def _texts(spec: CollectionSpec) -> dict[str, str]:
    """What a spec may change of a collection that exists."""
    return {"title": spec.title, "description": spec.description}


def _is_up_to_date(present: dict[str, Any] | None, spec: CollectionSpec) -> bool:
    return present is not None and present | _texts(spec) == present
