"""Whether an item has all the files that belong to it, as the published item itself says."""

from collections.abc import Sequence

from pystac import Item

from rs_assets.settings import interface_names

_COMPLETE = ":complete"
_MISSING = ":missing"
"""Properties of a published session, behind its interface's name: whether it is complete; what is missing, in words."""


def is_complete(item: Item) -> bool:
    """Whether a published item has all its files; one that says nothing of it has."""
    return all(item.properties.get(f"{interface}{_COMPLETE}", True) for interface in interface_names())


def missing_from(item: Item) -> tuple[str, ...]:
    """What a published item lacks, in words; empty where it is complete."""
    found: list[str] = []
    for interface in interface_names():
        stated = item.properties.get(f"{interface}{_MISSING}", ())
        found += map(str, stated if isinstance(stated, list | tuple) else (stated,))
    return tuple(found)


def state_completeness(item: Item, interface: str, missing: Sequence[str]) -> None:
    """Let the item say whether something is missing from it, and what."""
    item.properties[f"{interface}{_COMPLETE}"] = not missing
    item.properties.pop(f"{interface}{_MISSING}", None)
    if missing:
        item.properties[f"{interface}{_MISSING}"] = list(missing)
