"""What the state knows by the name of a station, and how that follows when the station is called otherwise."""

from collections.abc import Mapping

from sqlalchemy import Column, Connection, Delete, Table, and_, delete, exists, func, select, update

from rs_assets.state.database import StateDatabase
from rs_assets.state.schema import first_searches, metadata, orders, requests, searches, transfers

_COLUMNS: tuple[tuple[Table, Column[str]], ...] = (
    *((table, table.c.station) for table in metadata.sorted_tables if "station" in table.c),
    (orders, orders.c.owner),
    (requests, requests.c.source),
)
"""Where the name of a station stands."""


class StationNames:
    """The stations that the state knows something of."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def partitions(self) -> dict[str, list[str]]:
        """The partitions that were searched, or tried, sorted, by station."""
        found: dict[str, list[str]] = {}
        statement = select(searches.c.station, searches.c.partition).order_by(searches.c.station, searches.c.partition)
        with self._database.reading() as connection:
            for station, partition in connection.execute(statement):
                found.setdefault(station, []).append(partition)
        return found

    def staged(self) -> int:
        """How many objects are known to have been staged."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(transfers)) or 0

    def rename(self, old: str, new: str, digests: Mapping[str, str]) -> int:
        """Let everything be of the station `new` that was of `old`, in one transaction; how many rows that were.

        What both have of one thing, e.g. the last search of a partition, is that of `new`.

        Args:
            old: the name until now.
            new: the name from now on.
            digests: by id, of requests that name the station and whose documents have been written anew.
        """
        with self._database.transaction() as connection:
            _keep_the_first_search(connection, old, new)
            count = 0
            for table, column in _COLUMNS:
                if column.primary_key:
                    connection.execute(_doubled(table, column, old, new))
                count += connection.execute(update(table).where(column == old).values({column: new})).rowcount
            for request_id, digest in digests.items():
                connection.execute(update(requests).where(requests.c.id == request_id).values(digest=digest))
        return count


def _doubled(table: Table, column: Column[str], old: str, new: str) -> Delete:
    other = table.alias()
    same = [table.c[key.name] == other.c[key.name] for key in table.primary_key if key.name != column.name]
    return delete(table).where(column == old, exists().where(and_(other.c[column.name] == new, *same)))


def _keep_the_first_search(connection: Connection, old: str, new: str) -> None:
    """Let the station be followed from the earlier of the two first searches on."""
    at = first_searches.c.at
    statement = select(first_searches.c.station, at).where(first_searches.c.station.in_([old, new]))
    times = {row.station: row.at for row in connection.execute(statement)}
    if len(times) == 2:  # noqa: PLR2004 - both of them
        connection.execute(update(first_searches).where(first_searches.c.station == new).values(at=min(times.values())))
