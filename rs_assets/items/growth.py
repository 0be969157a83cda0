"""How sessions grow: each is one item whose files come one by one, and may be delivered again.

Each file of such an item has a station's key of its own, and is known by it. So what is listed later can be put to
what was listed before, whatever the station still lists, and no file ever takes the place of another.
"""

import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import PurePosixPath

from pystac import Asset, Item

from rs_assets.items.identity import UNPACKED_FROM, publication_order, source_id


def second_key(name: str, source: str, taken: Collection[str]) -> str:
    """The asset key of a file whose name another file of the item has, as after a retransfer.

    ``A.raw`` of the source id ``1a2b3c4d-…`` becomes ``A-retransfer-1a2b3c4d.raw``, the whole source id being used
    where that is taken, too.
    """
    path = PurePosixPath(name)
    mark = re.sub(r"[^A-Za-z0-9-]", "", source)
    for length in (8, len(mark)):
        key = f"{path.stem}-retransfer-{mark[:length]}{path.suffix}"
        if key not in taken:
            return key
    raise ValueError(f"{name!r} comes twice with the source id {source}")


def aligned(item: Item, known: Mapping[str, str]) -> Item:
    """The item with its files under the keys under which they are known already.

    Args:
        item: it is not changed.
        known: the asset keys of the same item elsewhere, by source id.
    """
    keys: dict[str, str] = {}
    taken = set(known.values())
    claimed = taken | item.assets.keys()
    for key in item.assets:
        source = source_id(item, key)
        if source in known:
            keys[key] = known[source]
        elif key in taken:
            keys[key] = second_key(key, source, claimed)
        else:
            keys[key] = key
        taken.add(keys[key])
        claimed.add(keys[key])
    if all(key == new for key, new in keys.items()):
        return item
    renamed = item.clone()
    renamed.assets = {keys[key]: asset for key, asset in renamed.assets.items()}
    return renamed


def keys_by_source(item: Item) -> dict[str, str]:
    """The item's asset keys by source id, without what was unpacked from a file of the same source id."""
    return {source_id(item, key): key for key, asset in item.assets.items() if UNPACKED_FROM not in asset.extra_fields}


def joined(known: Item, newer: Item) -> Item:
    """The item with the files of both, in the order of the first; what `newer` says of a file or property holds.

    The properties are those of the later publication, completed by those of the other, so that an item never goes
    back behind what was published.
    """
    newer = aligned(newer, keys_by_source(known))
    later, earlier = (newer, known) if _order(newer) >= _order(known) else (known, newer)
    whole = later.clone()
    whole.properties = {**deepcopy(earlier.properties), **whole.properties}
    assets: dict[str, Asset] = {**known.clone().assets, **newer.clone().assets}
    for asset in assets.values():
        asset.set_owner(whole)
    whole.assets = assets
    return whole


def _order(item: Item) -> tuple[datetime, str]:
    try:
        return publication_order(item)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC), ""
