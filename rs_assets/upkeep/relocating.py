"""After a store was moved: what pointed to its old place points to the new one, once the file is seen to be there."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import unquote, urlsplit

from pystac import Item

from rs_assets.catalog.protocol import SortBy
from rs_assets.errors import StoreError
from rs_assets.ingest import Platform
from rs_assets.ingest.holdings import object_is_there
from rs_assets.items.times import utc_now

_AT_ONCE = 200
_FOLDERS = ("staged_files", "requests")
"""Of documents that hold the places of files."""


@dataclass
class Relocated:
    """What was done."""

    items: int = 0
    documents: int = 0
    notes: int = 0
    """Objects of replaced publications that wait for their removal."""
    missing: list[str] = field(default_factory=list)
    """Files that are not at the new place, each as a sentence; their items stay as they are."""


async def relocate(platform: Platform, old: str) -> Relocated:
    """Let all that points below `old`, a URL, point into the store of the settings.

    Killed in between, it goes on when it is called again. Nothing else may run meanwhile.

    Raises:
        StoreError, CatalogError, StateError: they cannot be used.
    """
    place, relocated = old.rstrip("/") + "/", Relocated()
    is_path = urlsplit(place).scheme == "file"

    def moved(href: str) -> str | None:
        """The new place; None for what does not lie below the old one."""
        if not href.startswith(place):
            return None
        rest = href.removeprefix(place)
        try:
            return platform.sink.href(unquote(rest) if is_path or "%" in rest else rest)
        except ValueError:
            return None

    for collection in await asyncio.to_thread(platform.catalog.collections):
        items = platform.catalog.search(collections=[collection.id], sortby=SortBy.ID)
        while some := await asyncio.to_thread(list, islice(items, _AT_ONCE)):
            there = [item for item in some if await _is_moved(platform, item, moved, relocated)]
            if there:
                await asyncio.to_thread(platform.catalog.upsert, collection.id, there, are_sessions=True)
                relocated.items += len(there)
    await asyncio.to_thread(_move_notes, platform, place, moved, relocated)
    for folder in _FOLDERS:
        for path in _documents(platform, folder):
            await asyncio.to_thread(_move_document, platform, path, moved, relocated)
    return relocated


async def _is_moved(platform: Platform, item: Item, moved: Callable[[str], str | None], relocated: Relocated) -> bool:
    """Whether the item has new places now, since all its files are there."""
    places = {name: new for name, asset in item.assets.items() if (new := moved(asset.href)) is not None}
    for name, new in places.items():
        size = item.assets[name].extra_fields.get("file:size")
        if not await object_is_there(platform.sink, new, size):
            relocated.missing.append(f"{item.collection_id}/{item.id}: {new} is not there with its {size} bytes")
            return False
    for name, new in places.items():
        item.assets[name].href = new
    return bool(places)


def _move_notes(platform: Platform, place: str, moved: Callable[[str], str | None], relocated: Relocated) -> None:
    hrefs = [href for href in platform.superseded.noted_before(utc_now()) if href.startswith(place)]
    platform.superseded.note([new for href in hrefs if (new := moved(href)) is not None], at=utc_now())
    platform.superseded.forget(hrefs)
    relocated.notes = len(hrefs)


def _documents(platform: Platform, folder: str) -> Iterator[str]:
    """All JSON documents below a folder."""
    for name in platform.documents.names(folder):
        if name.endswith(".json"):
            yield f"{folder}/{name}"
    for name in platform.documents.folders(folder):
        yield from _documents(platform, f"{folder}/{name}")


def _move_document(platform: Platform, path: str, moved: Callable[[str], str | None], relocated: Relocated) -> None:
    try:
        document = platform.documents.read(path)
    except StoreError as error:
        relocated.missing.append(str(error))
        return
    changed = _with_places(document, moved)
    if document is not None and changed != document:
        platform.documents.write(path, changed)
        relocated.documents += 1


def _with_places(value: Any, moved: Callable[[str], str | None]) -> Any:
    """The JSON value, with the new place wherever an `href` says the old one."""
    if isinstance(value, dict):
        return {
            name: (moved(entry) or entry) if name == "href" and isinstance(entry, str) else _with_places(entry, moved)
            for name, entry in value.items()
        }
    return [_with_places(entry, moved) for entry in value] if isinstance(value, list) else value
