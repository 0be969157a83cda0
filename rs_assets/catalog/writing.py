"""What one transaction writes: the decision for each item, and everything that follows the item."""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from rs_assets.catalog.protocol import UpsertResult, UpsertStatus
from rs_assets.catalog.records import (
    ItemRecord,
    from_microseconds,
    read_item,
    summarized_values,
    to_microseconds,
)
from rs_assets.items.identity import same_product
from rs_assets.items.times import format_time, utc_now

DELETED = "deleted"
"""The status of a removed item in the history, beside those of `UpsertStatus`."""

# CROSS JOIN makes SQLite look up the ids one by one; left to itself it may read the whole collection.
_HELD = """
    SELECT items.id, number, content_hash, published_us, source_key
    FROM json_each(?) AS wanted CROSS JOIN items ON items.collection_id = ? AND items.id = wanted.value
"""
_COLUMNS = (
    "content_hash",
    "published_us",
    "source_key",
    "start_us",
    "end_us",
    "west",
    "south",
    "east",
    "north",
    "document",
)
_INSERT = f"INSERT INTO items ({', '.join(_COLUMNS)}, collection_id, id) VALUES ({', '.join('?' * 12)})"  # noqa: S608
_UPDATE = f"UPDATE items SET {', '.join(f'{column} = ?' for column in _COLUMNS)} WHERE number = ?"  # noqa: S608
_COUNT = """
    INSERT INTO summaries (collection_id, field, value, items) VALUES (?, ?, ?, ?)
    ON CONFLICT (collection_id, field, value) DO UPDATE SET items = items + excluded.items
"""


@dataclass(frozen=True, slots=True)
class _Held:
    """What the catalogue holds of one id."""

    number: int
    content_hash: bytes
    order: tuple[datetime, str]


class ItemWriter:
    """Writes items of one collection inside the caller's transaction, which must hold the write lock."""

    def __init__(self, connection: sqlite3.Connection, collection_id: str, ids: Collection[str]) -> None:
        self._connection = connection
        self._collection_id = collection_id
        rows = connection.execute(_HELD, (json.dumps(list(ids)), collection_id))
        self._held = {
            item_id: _Held(number, content_hash, (from_microseconds(published), key))
            for item_id, number, content_hash, published, key in rows
        }
        self._now = to_microseconds(utc_now())
        self._summaries: Counter[tuple[str, str]] = Counter()

    def upsert(self, record: ItemRecord, *, is_session: bool = False) -> UpsertResult:
        """Write the item, unless the catalogue has it, a newer one, or another product under its id."""
        item_id = record.item.id
        held = self._held.get(item_id)
        if held is None:
            self._insert(record)
            return UpsertResult(item_id, UpsertStatus.CREATED)
        if held.content_hash == record.content_hash:
            return UpsertResult(item_id, UpsertStatus.UNCHANGED)
        document = self._document(held)
        present = read_item(document)
        if not is_session and not same_product(present, record.item):
            names = ", ".join(present.assets)
            return UpsertResult(item_id, UpsertStatus.CLASH, f"the id is taken by the product of {names}")
        if held.order > record.order:
            newer = format_time(held.order[0])
            return UpsertResult(item_id, UpsertStatus.SUPERSEDED, f"the catalogue holds the publication of {newer}")
        self._update(record, held, document)
        return UpsertResult(item_id, UpsertStatus.UPDATED)

    def delete(self, item_id: str) -> bool:
        """Remove an item; False if there was none."""
        held = self._held.pop(item_id, None)
        if held is None:
            return False
        self._forget(self._document(held))
        self._connection.execute("DELETE FROM items WHERE number = ?", (held.number,))
        self._remember(item_id, DELETED, held.content_hash)
        return True

    def finish(self) -> None:
        """Let the collection's summaries follow what was written."""
        changes = [(self._collection_id, *value, change) for value, change in self._summaries.items() if change]
        self._connection.executemany(_COUNT, changes)
        self._connection.execute("DELETE FROM summaries WHERE items = 0")
        self._summaries.clear()

    def _insert(self, record: ItemRecord) -> None:
        values = (*_values(record), self._collection_id, record.item.id)
        number = self._connection.execute(_INSERT, values).lastrowid
        assert number is not None
        self._follow(record, number, UpsertStatus.CREATED)

    def _update(self, record: ItemRecord, held: _Held, document: str) -> None:
        self._forget(document)
        self._connection.execute("DELETE FROM assets WHERE item = ?", (held.number,))
        self._connection.execute(_UPDATE, (*_values(record), held.number))
        self._follow(record, held.number, UpsertStatus.UPDATED)

    def _follow(self, record: ItemRecord, number: int, status: UpsertStatus) -> None:
        self._held[record.item.id] = _Held(number, record.content_hash, record.order)
        rows = [(number, asset.key, asset.href, asset.size, asset.checksum) for asset in record.assets]
        self._connection.executemany("INSERT INTO assets VALUES (?, ?, ?, ?, ?)", rows)
        self._summaries.update(record.summaries)
        self._remember(record.item.id, status, record.content_hash)

    def _forget(self, document: str) -> None:
        self._summaries.subtract(summarized_values(json.loads(document)["properties"]))

    def _document(self, held: _Held) -> str:
        row = self._connection.execute("SELECT document FROM items WHERE number = ?", (held.number,)).fetchone()
        return str(row[0])

    def _remember(self, item_id: str, status: str, content_hash: bytes) -> None:
        self._connection.execute(
            "INSERT INTO history (collection_id, item_id, recorded_us, status, content_hash) VALUES (?, ?, ?, ?, ?)",
            (self._collection_id, item_id, self._now, str(status), content_hash),
        )


def _values(record: ItemRecord) -> tuple[object, ...]:
    """The record's values in the order of `_COLUMNS`."""
    return (
        record.content_hash,
        to_microseconds(record.moment),
        record.key,
        to_microseconds(record.start),
        to_microseconds(record.end),
        *(record.box or (None, None, None, None)),
        record.document,
    )
