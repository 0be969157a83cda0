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

    @classmethod
    def open(cls, settings: Settings) -> "Platform":
        """The installation that the settings describe; what does not exist yet is made.

        Raises:
            StoreError, CatalogError: the store or the catalogue cannot be used.
        """
        locks = open_locks(settings.state)
        store = open_store(settings.store, locks)
        return cls(
            settings=settings,
            documents=store.documents,
            sink=store.sink,
            catalog=open_catalog(settings.catalog),
            state=open_state(settings.state),
            locks=locks,
        )

    def limits(self, station: Station) -> StationLimits:
        """How far a station may be loaded, by all that work on this installation together; to be entered."""
        return StationLimits(station, self.locks)

    @property
    def searches(self) -> Searches:
        """When each partition was searched."""
        return Searches(self.state)

    @property
    def incomplete(self) -> IncompleteItems:
        """What the stations do not show whole."""
        return IncompleteItems(self.state)

    @property
    def outcomes(self) -> Outcomes:
        """What could not be staged or catalogued."""
        return Outcomes(self.state)

    @property
    def orders(self) -> Orders:
        """The files that stations make available later."""
        return Orders(self.state)

    @property
    def entries(self) -> SessionEntries:
        """The sessions that enter the catalogue."""
        return SessionEntries(self.state)

    @property
    def transfers(self) -> Transfers:
        """What was moved."""
        return Transfers(self.state)

    @property
    def superseded(self) -> SupersededObjects:
        """Objects of replaced publications."""
        return SupersededObjects(self.state)
