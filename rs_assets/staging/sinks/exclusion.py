"""One writer for each object: who claims it first."""

import threading
from typing import Protocol


class Claims(Protocol):
    """Keeps a second writer away from an object, as far as the claims are shared."""

    async def claim(self, key: str) -> bool:
        """Take the object, by its URL; False if another has it."""
        ...

    def release(self, key: str) -> None:
        """Give the object back; nothing happens if it is not taken."""
        ...


class ProcessClaims:
    """Shared by the threads of one process."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    async def claim(self, key: str) -> bool:
        with self._lock:
            if key in self._taken:
                return False
            self._taken.add(key)
            return True

    def release(self, key: str) -> None:
        with self._lock:
            self._taken.discard(key)


PROCESS_CLAIMS = ProcessClaims()
"""Those of this process."""
