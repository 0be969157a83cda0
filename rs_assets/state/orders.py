"""Files that a station makes available later: which order each belongs to, and when to look again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from rs_assets.items.files import FileRecord, FileState, Order
from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.schema import orders

_IDS_A_QUERY = 500


@dataclass(frozen=True, slots=True)
class OrderedFile:
    """A file that has been ordered, and who waits for it."""

    file: FileRecord
    """With its order."""
    owner: str
    """The station, or another group of assets, that waits for it."""
    partition: str


class Orders:
    """The orders that are still waited for."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def record(self, owner: str, partition: str, files: Sequence[FileRecord]) -> None:
        """Record the orders of files; one of the same file replaces the older."""
        rows = [_row(owner, partition, file, file.order) for file in files if file.order is not None]
        if rows:
            with self._database.transaction() as connection:
                upsert(connection, orders, rows, keep=frozenset())

    def resolve(self, owner: str, files: Iterable[FileRecord]) -> None:
        """Forget the orders of files that nobody waits for any more."""
        keys = (orders.c.collection, orders.c.item_id, orders.c.asset, orders.c.source_id)
        is_ours = orders.c.owner == owner
        with self._database.transaction() as connection:
            waiting = {tuple(row) for row in connection.execute(select(*keys).where(is_ours))}
            for file in files if waiting else ():
                key = (file.collection, file.item_id, file.asset, file.source_id)
                if key in waiting:
                    same = (column == value for column, value in zip(keys, key, strict=True))
                    connection.execute(delete(orders).where(is_ours, *same))

    def of(self, collection: str, item_ids: Collection[str]) -> dict[str, Order]:
        """The orders of the files of these items, whoever waits for them, by the key that the object is to have."""
        ids = list(item_ids)
        found: dict[str, Order] = {}
        with self._database.reading() as connection:
            for start in range(0, len(ids), _IDS_A_QUERY):
                some = ids[start : start + _IDS_A_QUERY]
                statement = select(orders).where(orders.c.collection == collection, orders.c.item_id.in_(some))
                for row in connection.execute(statement.order_by(orders.c.ordered_at)).mappings():
                    ordered = _ordered_file(row).file
                    assert ordered.order is not None
                    found[ordered.object_key] = ordered.order
        return found

    def outstanding(self, owner: str) -> list[OrderedFile]:
        """The files that an owner waits for, the next to be looked at first."""
        statement = select(orders).where(orders.c.owner == owner)
        statement = statement.order_by(orders.c.look_again_at, orders.c.item_id, orders.c.asset)
        with self._database.reading() as connection:
            return [_ordered_file(row) for row in connection.execute(statement).mappings()]

    def due(self, owner: str, now: datetime, *, pause: timedelta) -> dict[str, datetime]:
        """The partitions with an order that is to be looked at, and since when.

        Every `pause` they are due anew, so that a run that died is made up for.
        """
        due: dict[str, datetime] = {}
        for ordered in self.outstanding(owner):
            order = ordered.file.order
            if order is None or order.look_again_at > now:
                continue
            moment = order.look_again_at
            moment += (now - moment) // pause * pause if pause else timedelta(0)
            due[ordered.partition] = max(due.get(ordered.partition, moment), moment)
        return due


def _row(owner: str, partition: str, file: FileRecord, order: Order) -> dict[str, Any]:
    return {
        "owner": owner,
        "collection": file.collection,
        "item_id": file.item_id,
        "asset": file.asset,
        "source_id": file.source_id,
        "partition": partition,
        "order_id": order.id,
        "ordered_at": order.ordered_at,
        "look_again_at": order.look_again_at,
    }


def _ordered_file(row: Mapping[Any, Any]) -> OrderedFile:
    file = FileRecord(
        collection=row["collection"],
        item_id=row["item_id"],
        asset=row["asset"],
        source_id=row["source_id"],
        state=FileState.ORDERED,
        order=Order(id=row["order_id"], ordered_at=row["ordered_at"], look_again_at=row["look_again_at"]),
    )
    return OrderedFile(file, row["owner"], row["partition"])
