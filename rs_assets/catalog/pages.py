"""A search as a stream of pages: each page is asked for by the last key of the one before it.

No transaction stays open between two pages, so a slow reader delays nobody, and others may write meanwhile.
"""

import heapq
import json
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from rs_assets.catalog.database import Database
from rs_assets.catalog.protocol import SortBy, TimeInterval
from rs_assets.catalog.records import to_microseconds

_PAGE = 500
"""Most documents that are read at once from each collection."""

_Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Order:
    """The columns that order a collection's items, the last of them unique, and the index that has them."""

    columns: tuple[str, ...]
    descending: bool
    index: str


_PUBLICATION = ("published_us", "source_key", "id")
_ORDERS = {
    SortBy.NEWEST_PUBLICATION: _Order(_PUBLICATION, descending=True, index="items_by_publication"),
    SortBy.OLDEST_PUBLICATION: _Order(_PUBLICATION, descending=False, index="items_by_publication"),
    SortBy.LATEST: _Order(("start_us", "id"), descending=True, index="items_by_start"),
    SortBy.EARLIEST: _Order(("start_us", "id"), descending=False, index="items_by_start"),
    SortBy.ID: _Order(("id",), descending=False, index="items_by_id"),
}


class Search:
    """The documents that meet every condition, in one order over all collections."""

    def __init__(
        self,
        database: Database,
        *,
        ids: Collection[str] | None,
        interval: TimeInterval | None,
        sortby: SortBy,
    ) -> None:
        self._database = database
        self._order = _ORDERS[sortby]
        self._conditions, self._values = _conditions(ids, interval)
        # A list of ids is looked up one by one; an order is followed along its own index.
        self._index = self._order.index if ids is None else "items_by_id"

    def documents(self, collections: Collection[str], limit: int | None) -> Iterator[str]:
        """The documents of these collections, at most so many."""
        size = _PAGE if limit is None else min(limit, _PAGE)
        streams = [self._stream(collection_id, size) for collection_id in sorted(set(collections))]
        merged = heapq.merge(*streams, key=itemgetter(0), reverse=self._order.descending)
        for count, (_, document) in enumerate(merged, start=1):
            yield document
            if count == limit:
                return

    def _stream(self, collection_id: str, size: int) -> Iterator[tuple[_Key, str]]:
        """One collection's documents, each with the key that orders it among those of all collections."""
        after: _Key | None = None
        while True:
            with self._database.reading() as connection:
                rows = self._page(connection, collection_id, after, size)
            for *key, document in rows:
                yield (*key, collection_id), document
            if len(rows) < size:
                return
            after = tuple(rows[-1][:-1])

    def _page(self, connection: sqlite3.Connection, collection_id: str, after: _Key | None, size: int) -> list[_Key]:
        columns = ", ".join(self._order.columns)
        conditions = ["collection_id = ?", *self._conditions]
        values: list[object] = [collection_id, *self._values]
        if after is not None:
            places = ", ".join("?" * len(after))
            conditions.append(f"({columns}) {'<' if self._order.descending else '>'} ({places})")
            values += after
        direction = "DESC" if self._order.descending else "ASC"
        order = ", ".join(f"{column} {direction}" for column in self._order.columns)
        # Only names of columns and indexes from above are put into the text; every value is bound.
        query = (
            f"SELECT {columns}, document FROM items INDEXED BY {self._index} "  # noqa: S608
            f"WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
        )
        return connection.execute(query, (*values, size)).fetchall()


def _conditions(ids: Collection[str] | None, interval: TimeInterval | None) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    if ids is not None:
        conditions.append("id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(list(ids)))
    if interval is not None and interval.end is not None:
        conditions.append("start_us <= ?")
        values.append(to_microseconds(interval.end))
    if interval is not None and interval.start is not None:
        conditions.append("end_us >= ?")
        values.append(to_microseconds(interval.start))
    return conditions, values
