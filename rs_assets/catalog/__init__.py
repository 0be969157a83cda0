"""The STAC catalogue: one protocol, an embedded home in one SQLite file, and what is published into it.

`Catalog` is what the platform asks of a catalogue; `open_catalog` gives the one that the settings name.
"""

from os import PathLike

from rs_assets.catalog.protocol import Catalog
from rs_assets.catalog.sqlite import SqliteCatalog
from rs_assets.settings import SqliteCatalogSettings

__all__ = ["Catalog", "SqliteCatalog", "open_catalog"]


def open_catalog(place: SqliteCatalogSettings | str | PathLike[str]) -> Catalog:
    """The catalogue of these settings, or the embedded one in this file, which must be on a local disk.

    Nothing is opened before its first use.
    """
    return SqliteCatalog(place.path if isinstance(place, SqliteCatalogSettings) else place)
