"""What every step works on: the settings, and the store, catalogue and state that they name."""

from dataclasses import dataclass

from rs_assets.catalog import Catalog, SqliteCatalog
from rs_assets.documents import Documents
from rs_assets.settings import Settings
from rs_assets.staging.sinks import DirectorySink, Sink
from rs_assets.state import IncompleteItems, Outcomes, Searches, StateDatabase, SupersededObjects, Transfers


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
            sink=DirectorySink(settings.store.path),
            catalog=SqliteCatalog(settings.catalog.path),
            state=StateDatabase(settings.state.url),
        )

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
    def transfers(self) -> Transfers:
        """What was moved."""
        return Transfers(self.state)

    @property
    def superseded(self) -> SupersededObjects:
        """Objects of replaced publications."""
        return SupersededObjects(self.state)
