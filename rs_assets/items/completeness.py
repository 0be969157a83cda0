"""Whether an item has all the files that belong to it, as the item itself says."""

from collections.abc import Sequence

from pystac import Item

COMPLETE = "cadip:complete"
MISSING = "cadip:missing"
"""Properties of a session: whether it is complete, and what is missing, in words."""


def is_complete(item: Item) -> bool:
    """Whether the item has all its files; one that says nothing of it has."""
    return bool(item.properties.get(COMPLETE, True))


def missing_from(item: Item) -> tuple[str, ...]:
    """What the item lacks, in words; empty where it is complete."""
    stated = item.properties.get(MISSING, ())
    return tuple(str(part) for part in stated) if isinstance(stated, list | tuple) else (str(stated),)


def state_completeness(item: Item, missing: Sequence[str]) -> None:
    """Let the item say whether something is missing from it, and what."""
    item.properties[COMPLETE] = not missing
    if missing:
        item.properties[MISSING] = list(missing)
    else:
        item.properties.pop(MISSING, None)
