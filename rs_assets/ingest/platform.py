"""What every step works on: the settings, and the store, catalogue and state that they name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rs_assets.catalog import Catalog, SqliteCatalog
from rs_assets.documents import Documents
from rs_assets.settings import Settings, Station
from rs_assets.staging.sinks import Sink
from rs_assets.staging.sinks.claims import KeyClaims
from rs_assets.staging.sinks.objects import ObjectStoreSink
from rs_assets.staging.sinks.opening import sink_of
from rs_assets.state import (
    IncompleteItems,
    Outcomes,
    Searches,
    SessionEntries,
    StateDatabase,
    SupersededObjects,
    Transfers,
)
from rs_assets.stations.limits import StationLimits


@dataclass(frozen=True, slots=True)
class Platform:
    """One installation."""

    settings: Settings
    documents: Documents
    sink: Sink
    catalog: Catalog
    state: StateDatabase

    @classmethod
    def open(cls, settings: Settings) -> "Platform":
        """The installation that the settings describe; what does not exist yet is made.

        Raises:
            StoreError, CatalogError: the store or the catalogue cannot be used.
        """
        return cls(
            settings=settings,
            documents=Documents.of(settings.store),
            sink=sink_of(settings.store),
            catalog=SqliteCatalog(settings.catalog.path),
            state=StateDatabase(settings.state.url),
        )

    @asynccontextmanager
    async def writable_sink(self) -> AsyncIterator[Sink]:
        """The sink for an event loop that writes to it: no other process writes the same object meanwhile."""
        if isinstance(self.sink, ObjectStoreSink):
            async with KeyClaims(self.state) as claims:
                yield self.sink.claiming(claims)
        else:
            # A directory's own locks keep the others away.
            yield self.sink

    def limits(self, station: Station) -> StationLimits:
        """How far a station may be loaded, by all that work on this installation together; to be entered."""
        return StationLimits(station, self.state)

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
