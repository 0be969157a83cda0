"""Where the state knows an item from, when all that is known is its id or a part of it."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from rs_assets.state.database import StateDatabase
from rs_assets.state.schema import failures, incomplete_items, session_entries, transfers


@dataclass(frozen=True, slots=True, order=True)
class Sighting:
    """One place in which an item was met."""

    item_id: str
    station: str
    partition: str | None = None
    """The partition, or the request, that it was met in; None where that was not noted."""
    collection: str | None = None
    """The collection that its files are for; None where that was not noted."""


class Sightings:
    """All items that were staged, failed, lacked something or entered the catalogue."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def of(self, text: str, stations: Collection[str]) -> set[Sighting]:
        """Where items of these stations were met whose id holds the text, in whatever case."""
        with self._database.reading() as connection:
            found = set(_staged(connection, text, stations))
            for table, columns in (
                (failures, (failures.c.station, failures.c.partition, failures.c.collection)),
                (incomplete_items, (incomplete_items.c.station, incomplete_items.c.partition)),
            ):
                statement = select(table.c.item_id, *columns).where(table.c.item_id.icontains(text, autoescape=True))
                found |= {Sighting(*row) for row in connection.execute(statement)}
            entered = session_entries.c
            statement = select(entered.session_id, entered.station, entered.collection)
            rows = connection.execute(statement.where(entered.session_id.icontains(text, autoescape=True)))
            found |= {Sighting(item_id, station, None, collection) for item_id, station, collection in rows}
        return {sighting for sighting in found if sighting.station in stations}


def _staged(connection: Connection, text: str, stations: Collection[str]) -> set[Sighting]:
    """The items of staged objects, whose keys are ``<collection>/<item id>/<source id>/<file>``."""
    statement = select(transfers.c.object_key, transfers.c.station, transfers.c.partition)
    statement = statement.where(
        transfers.c.station.in_(list(stations)), transfers.c.object_key.icontains(text, autoescape=True)
    )
    found = set()
    for key, station, partition in connection.execute(statement):
        collection, _, rest = key.partition("/")
        item_id = rest.partition("/")[0]
        if text.casefold() in item_id.casefold():
            found.add(Sighting(item_id, station, partition, collection))
    return found
