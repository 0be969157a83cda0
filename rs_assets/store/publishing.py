"""Giving files their final names in a directory, many at once, so that the disk is waited for once for all of them."""

import asyncio
from collections.abc import Sequence

from rs_assets.errors import StoreError
from rs_assets.store.parts import Part, store_errors, sync_directory

_Wish = tuple[Part, str, "asyncio.Future[bool]"]


class Publisher:
    """Publishes parts under a directory, durably; those that are ready while the disk is busy go together."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._waiting: list[_Wish] = []
        self._work: asyncio.Task[None] | None = None

    async def publish(self, part: Part, path: str) -> bool:
        """Bring the part to the disk under its name, and leave it; False, and nothing changed, if the name is taken.

        Raises:
            StoreError: it cannot be published.
        """
        if part.is_large:
            # The small ones shall not wait for it.
            (outcome,) = await asyncio.to_thread(_published, [(part, path)], self._root)
            return _told(outcome)
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((part, path, done))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._go())
        return await done

    async def _go(self) -> None:
        while self._waiting:
            wishes, self._waiting = self._waiting, []
            try:
                outcomes = await asyncio.to_thread(_published, [(part, path) for part, path, _ in wishes], self._root)
            except BaseException as error:
                for _, _, done in wishes:
                    if not done.done():
                        done.set_exception(StoreError(f"the store {self._root} has failed: {error!r}"))
                raise
            for (_, _, done), outcome in zip(wishes, outcomes, strict=True):
                if done.done():
                    continue
                if isinstance(outcome, StoreError):
                    done.set_exception(outcome)
                else:
                    done.set_result(outcome)


def _told(outcome: bool | StoreError) -> bool:
    if isinstance(outcome, StoreError):
        raise outcome
    return outcome


def _published(wishes: Sequence[tuple[Part, str]], root: str) -> list[bool | StoreError]:
    """What became of each part: published or not, or why it cannot be."""
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
