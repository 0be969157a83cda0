"""The names of RS-Python's staging tasks, for those who move their own flows over; nothing here uses them.

Each does what the task of that name did, on this package's catalogue and items.
"""

from collections.abc import Mapping, Sequence

from pystac import Item

from rs_assets.catalog.protocol import Catalog, UpsertReport, UpsertResult, UpsertStatus
from rs_assets.catalog.publication import classify, published_item
from rs_assets.errors import CatalogError

DOWNLINK_STATIONS = frozenset({"CADIP", "INS", "MPS", "MTI", "NSG", "SGS"})
"""The downlink interface and its stations, as operators name them."""


def create_collection_name(mission: str, station: str) -> str:
    """The collection of a mission's products: ``s1_aux`` for ``AUX``, ``s1_chunk`` for a downlink station.

    Raises:
        CatalogError: the mission is empty, or the station is none of those that have such a collection.
    """
    if not mission:
        raise CatalogError("a collection's name begins with a mission, and none is given")
    if station == "AUX":
        return f"{mission.lower()}_aux"
    if station in DOWNLINK_STATIONS:
        return f"{mission.lower()}_chunk"
    accepted = ", ".join(["AUX", *sorted(DOWNLINK_STATIONS)])
    raise CatalogError(f"no collection is known for the station {station!r}; accepted are {accepted}")


def filter_unpublished_files(
    catalog: Catalog, collection_id: str, items: Sequence[Item], *, are_sessions: bool = False
) -> list[Item]:
    """The items that are still to be published, in the order of the input; see `catalog.publication.classify`."""
    standings = classify(catalog, collection_id, items, are_sessions=are_sessions)
    return [item for item, standing in standings if standing.to_publish]


def update_stac_catalog(
    catalog: Catalog,
    collection_id: str,
    items: Sequence[Item],
    hrefs: Mapping[str, Mapping[str, str]],
    *,
    are_sessions: bool = False,
) -> UpsertReport:
    """Publish items whose files are in the store, in one bulk upsert.

    Args:
        catalog: where to publish.
        collection_id: a collection that exists.
        items: the station's items, each id once, as `filter_unpublished_files` leaves them.
        hrefs: by item id, the objects by asset key; an item that is missing here is reported as failed.
        are_sessions: whether they are downlink sessions, which are known by their id alone.

    Raises:
        CatalogError: there is no such collection, or the catalogue cannot be used.
    """
    staged = [published_item(item, collection_id, hrefs[item.id]) for item in items if item.id in hrefs]
    written = iter(catalog.upsert(collection_id, staged, are_sessions=are_sessions).results)
    results = [next(written) if item.id in hrefs else _not_staged(item) for item in items]
    return UpsertReport(collection_id, tuple(results))


def _not_staged(item: Item) -> UpsertResult:
    return UpsertResult(item.id, UpsertStatus.FAILED, "none of its files is known to be in the store")
