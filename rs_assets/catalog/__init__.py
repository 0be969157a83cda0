"""The STAC catalogue: one protocol, an embedded home in one SQLite file, and what is published into it.

`Catalog` is what the platform asks of a catalogue; `open_catalog` gives the embedded one.
"""

from os import PathLike

from rs_assets.catalog.protocol import Catalog
from rs_assets.catalog.sqlite import SqliteCatalog

__all__ = ["Catalog", "SqliteCatalog", "open_catalog"]


def open_catalog(path: str | PathLike[str]) -> Catalog:
    """The embedded catalogue in this file, which must be on a local disk; nothing is opened before its first use."""
    return SqliteCatalog(path)
