"""Items that lack some of their files at the station: what is missing, and when to look again.

They are no failures of ours, and mostly none at all: a downlink session is shown while it is being acquired.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.schema import incomplete_items


@dataclass(frozen=True, slots=True)
class IncompleteItem:
    """One item that a station does not show whole. Times are aware UTC."""

    station: str
    partition: str
    item_id: str
    missing: str
    """What it lacks, in words."""
    overdue_from: datetime
    """From when on it should have been complete."""
    look_again_at: datetime | None
    """When its partition is to be searched again; None where the station does not list it any more."""


class IncompleteItems:
    """The incomplete items of all stations, as they were last seen."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def seen(self, station: str, partition: str, items: Sequence[IncompleteItem]) -> None:
        """Record what a search of a partition has found: these are incomplete, and any other is complete.

        One that was accepted stays so while it is incomplete.
        """
        with self._database.transaction() as connection:
            table = incomplete_items
            others = delete(table).where(table.c.station == station, table.c.partition == partition)
            connection.execute(others.where(table.c.item_id.not_in([item.item_id for item in items])))
            rows = [asdict(item) | {"accepted": None} for item in items]
            upsert(connection, table, rows, keep=frozenset({"accepted"}))

    def outstanding(self, station: str, *, overdue_at: datetime | None = None) -> list[IncompleteItem]:
        """The items that nobody has accepted, the oldest first; those only that are overdue at a time, if given."""
        table = incomplete_items
        columns = [column for column in table.c if column.name != "accepted"]
        statement = select(*columns).where(table.c.station == station, table.c.accepted.is_(None))
        if overdue_at is not None:
            statement = statement.where(table.c.overdue_from <= overdue_at)
        statement = statement.order_by(table.c.overdue_from, table.c.partition, table.c.item_id)
        with self._database.reading() as connection:
            return [IncompleteItem(**row) for row in connection.execute(statement).mappings()]

    def due(self, station: str, now: datetime) -> dict[str, datetime]:
        """The partitions that are to be searched again, with the time for which the last of their items asks."""
        due: dict[str, datetime] = {}
        for item in self.outstanding(station):
            moment = item.look_again_at
            if moment is not None and moment <= now:
                due[item.partition] = max(due.get(item.partition, moment), moment)
        return due

    def accept(self, station: str, item_id: str, *, why: str) -> int:
        """Take an item as it is: it is shown no more, and not looked for; how many partitions had it."""
        table = incomplete_items
        statement = (
            update(table)
            .where(table.c.station == station, table.c.item_id == item_id, table.c.accepted.is_(None))
            .values(accepted=why)
        )
        with self._database.transaction() as connection:
            return int(connection.execute(statement).rowcount)
