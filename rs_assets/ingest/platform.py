"""What every step works on: the settings, and the store, catalogue and state that they name."""

from dataclasses import dataclass

from rs_assets.catalog import Catalog, open_catalog
from rs_assets.locks import Locks, open_locks
from rs_assets.settings import Settings, Station
from rs_assets.state import (
    IncompleteItems,
    Orders,
    Outcomes,
    Searches,
    SessionEntries,
    StateDatabase,
    SupersededObjects,
    Transfers,
    Unfinished,
    open_state,
)
from rs_assets.stations.limits import StationLimits
from rs_assets.store import Documents, Sink, open_store


@dataclass(frozen=True, slots=True)
class Platform:
    """One installation."""

    settings: Settings
    documents: Documents
    sink: Sink
    catalog: Catalog
    state: StateDatabase
    locks: Locks
    searches: Searches
    """When each partition was searched."""
    unfinished: Unfinished
    """What is wanted, or was begun and not ended."""
    incomplete: IncompleteItems
    """What the stations do not show whole."""
    outcomes: Outcomes
    """What could not be staged or catalogued."""
    orders: Orders
    """The files that stations make available later."""
    entries: SessionEntries
    """The sessions that enter the catalogue."""
    transfers: Transfers
    """What was moved."""
    superseded: SupersededObjects
    """Objects of replaced publications."""

    @classmethod
    def open(cls, settings: Settings) -> "Platform":
        """The installation that the settings describe; what does not exist yet is made.

        Raises:
            StoreError, CatalogError: the store or the catalogue cannot be used.
        """
        locks = open_locks(settings.state)
        store = open_store(settings.store, locks)
        state = open_state(settings.state)
        return cls(
            settings=settings,
            documents=store.documents,
            sink=store.sink,
            catalog=open_catalog(settings.catalog),
            state=state,
            locks=locks,
            searches=Searches(state),
            unfinished=Unfinished(state),
            incomplete=IncompleteItems(state),
            outcomes=Outcomes(state),
            orders=Orders(state),
            entries=SessionEntries(state),
            transfers=Transfers(state),
            superseded=SupersededObjects(state),
        )

    def limits(self, station: Station) -> StationLimits:
        """How far a station may be loaded, by all that work on this installation together; to be entered."""
        return StationLimits(station, self.locks)
