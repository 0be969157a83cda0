"""Giving files their final names in a directory, many at once, so that the disk is waited for once for all of them."""

from collections.abc import Sequence

from rs_assets.errors import StoreError
from rs_assets.store.parts import Part, store_errors, sync_directory

Wish = tuple[Part, str]
"""A part, and the path that it is to have below the store's root."""


def published(wishes: Sequence[Wish], *, root: str) -> list[bool | StoreError]:
    """Bring parts to the disk under their names, and leave them; False, and nothing changed, where a name is taken.

    A part that cannot be published has the error instead.
    """
    outcomes: list[bool | StoreError] = []
    directories: dict[str, None] = {}
    if len(wishes) > 1:
        # One transaction of the file system then takes them all, instead of one for each.
        for part, _ in wishes:
            part.begin_sync()
    for part, path in wishes:
        try:
            is_published = part.publish(path)
        except StoreError as error:
            outcomes.append(error)
        else:
            outcomes.append(is_published)
            directories |= dict.fromkeys(_between(path, root)) if is_published else {}
        part.leave()
    # The deepest, whose names are the longest, first: what a name leads to is on the disk before the name is.
    for directory in sorted(directories, key=len, reverse=True):
        try:
            with store_errors(directory):
                sync_directory(directory)
        except StoreError as error:
            return [error if outcome is True else outcome for outcome in outcomes]
    return outcomes


def _between(path: str, root: str) -> list[str]:
    """The directories from the one that a file is in up to `root`."""
    found = []
    while path != root:
        path = path.rpartition("/")[0]
        found.append(path)
    return found
