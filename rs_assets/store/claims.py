"""One writer for each object: who claims it first."""

from typing import Protocol

from rs_assets.locks import Held, Locks, MemoryLocks


class Claims(Protocol):
    """Keeps a second writer away from an object, as far as the claims are shared."""

    async def claim(self, key: str) -> bool:
        """Take the object, by its URL; False if another has it."""
        ...

    def release(self, key: str) -> None:
        """Give the object back; nothing happens if it is not taken."""
        ...


class LockClaims:
    """Shared by all who have the same locks; a writer whose process dies lets go at once."""

    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        self._held: dict[str, Held] = {}

    async def claim(self, key: str) -> bool:
        held = self._locks.try_lock(f"objects/{key.replace('/', ' ')}", transient=True)
        if held is None:
            return False
        self._held[key] = held
        return True

    def release(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            held.release()


PROCESS_CLAIMS = LockClaims(MemoryLocks())
"""Those of this process."""
