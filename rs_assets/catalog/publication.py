"""From what a station shows to what the catalogue holds: which items are still to be published, and how.

Everything here works on any `Catalog`.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from enum import StrEnum

import pystac
from pystac import Item, Link, RelType

from rs_assets.catalog.collection import WORLD
from rs_assets.catalog.protocol import Catalog, Published
from rs_assets.catalog.records import collection_href, order_of
from rs_assets.items.extensions import declare_extensions
from rs_assets.items.identity import same_content, same_product, source_id, source_id_in
from rs_assets.items.times import format_time

STATION = "station"
"""The key of the alternate asset that keeps where the station has the file."""

_LINKS_OF_THE_SOURCE = {RelType.COLLECTION, RelType.PARENT, RelType.ROOT, RelType.SELF}
_ACCESS_PREFIXES = ("alternate:", "auth:", "storage:")


class PublicationState(StrEnum):
    """How an item stands to the catalogue and to the other items that it came with."""

    NEW = "new"
    """The catalogue has no item of its id."""
    CHANGED = "changed"
    """The catalogue has the product, but with other content, or not with all of it."""
    PUBLISHED = "published"
    """The catalogue has every asset with the same content."""
    SUPERSEDED = "superseded"
    """The catalogue, or the same input, has a newer publication of the product."""
    CLASH = "clash"
    """Its id is taken by a product of another name."""

    @property
    def to_publish(self) -> bool:
        """Whether its files are to be staged and the item to be published."""
        return self in {PublicationState.NEW, PublicationState.CHANGED}


def classify(
    catalog: Catalog, collection_id: str, items: Sequence[Item], *, are_sessions: bool = False
) -> list[tuple[Item, PublicationState]]:
    """How each item stands, in the order of the input.

    Of the items of one id, the product whose name the catalogue has, else the one that was published first,
    keeps the id, and the others clash; of its publications the newest counts and the others are superseded.

    A session has changed where the catalogue lacks one of its files, a file being known by its source id and size; it
    neither clashes nor is superseded by what the catalogue has.

    Args:
        catalog: What they are held against.
        collection_id: The collection that they belong to.
        items: The station's items.
        are_sessions: Whether they are sessions, as their interface states.
    """
    published = catalog.existing(collection_id, {item.id for item in items})
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        places.setdefault(item.id, []).append(place)
    standings: dict[int, PublicationState] = {}
    for item_id, of_one_id in places.items():
        rivals = [items[place] for place in of_one_id]
        standings |= zip(of_one_id, _standings(rivals, published.get(item_id), are_sessions), strict=True)
    return [(item, standings[place]) for place, item in enumerate(items)]


def published_item(item: Item, collection_id: str, hrefs: Mapping[str, str]) -> Item:
    """A copy of a station's item as the catalogue shall hold it: its files are the store's objects.

    Where the station has a file stays in the asset's ``alternate`` (alternate-assets extension v1.2.0), with the
    fields that say how it is reached there. An item without geometry gets the whole world, one with a single
    datetime gets it as start and end too.

    Args:
        item: The station's item; it is not changed.
        collection_id: The collection that the copy belongs to.
        hrefs: The objects by asset key; an asset that is not named here keeps the station's href.
    """
    copy = item.clone()
    copy.links = [_copied(link) for link in item.links if link.rel not in _LINKS_OF_THE_SOURCE]
    copy.add_link(Link(RelType.COLLECTION, collection_href(collection_id), pystac.MediaType.JSON))
    copy.collection_id = collection_id
    for key, asset in copy.assets.items():
        asset.roles = deepcopy(asset.roles)
        if key in hrefs:
            _move(asset, hrefs[key])
    if copy.geometry is None:
        west, south, east, north = WORLD
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        copy.geometry, copy.bbox = {"type": "Polygon", "coordinates": [ring]}, list(WORLD)
    if copy.datetime is not None and "start_datetime" not in copy.properties:
        moment = copy.datetime if copy.datetime.tzinfo else copy.datetime.replace(tzinfo=UTC)
        copy.properties |= dict.fromkeys(("start_datetime", "end_datetime"), format_time(moment))
    declare_extensions(copy)
    return copy


def _standings(rivals: Sequence[Item], published: Published | None, are_sessions: bool) -> list[PublicationState]:
    """The standings of items that have one id."""
    present = None if published is None else _stand_in(published)
    holder = present or min(rivals, key=_order)
    same = [are_sessions or same_product(holder, item) for item in rivals]
    newest = max((item for item, is_same in zip(rivals, same, strict=True) if is_same), key=_order, default=None)
    standings = []
    for item, is_same in zip(rivals, same, strict=True):
        if not is_same:
            standings.append(PublicationState.CLASH)
        elif item is not newest:
            standings.append(PublicationState.SUPERSEDED)
        elif published is None or present is None:
            standings.append(PublicationState.NEW)
        else:
            standings.append(_standing_to(present, published, item, are_sessions))
    return standings


def _standing_to(present: Item, published: Published, item: Item, is_session: bool) -> PublicationState:
    if is_session:
        return PublicationState.PUBLISHED if _has_every_file(present, item) else PublicationState.CHANGED
    if _order(item) < published.order:
        return PublicationState.SUPERSEDED
    known = all(
        key in present.assets and same_content(present.assets[key], asset) for key, asset in item.assets.items()
    )
    return PublicationState.PUBLISHED if known else PublicationState.CHANGED


def _has_every_file(present: Item, item: Item) -> bool:
    return all(
        key in present.assets
        and source_id_in(present.assets[key].href) == source_id(item, key)
        and asset.extra_fields.get("file:size") in {None, present.assets[key].extra_fields["file:size"]}
        for key, asset in item.assets.items()
    )


def _order(item: Item) -> tuple[datetime, str]:
    """The publication order; an item without a readable time is the oldest, and is refused when it is published."""
    try:
        return order_of(item)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC), ""


def _stand_in(published: Published) -> Item:
    """An item with the assets that the catalogue has, to be compared by the rules for items."""
    item = Item("", geometry=None, bbox=None, datetime=published.moment, properties={})
    for key, asset in published.assets.items():
        fields = {"file:size": asset.size, "file:checksum": asset.checksum}
        item.assets[key] = pystac.Asset(asset.href, extra_fields=fields)
    return item


def _copied(link: Link) -> Link:
    """pystac's own clone leaves a link's further fields behind."""
    copy = link.clone()
    copy.extra_fields = deepcopy(link.extra_fields)
    return copy


def _move(asset: pystac.Asset, href: str) -> None:
    """Let the asset point at the object, and keep where it was, and how it is reached there, as an alternate."""
    if asset.href == href:
        return
    access = [name for name in asset.extra_fields if name.startswith(_ACCESS_PREFIXES)]
    station = {"href": asset.href} | {name: asset.extra_fields.pop(name) for name in access}
    asset.extra_fields["alternate"] = {**asset.extra_fields.get("alternate", {}), STATION: station}
    asset.href = href
