"""Mutexes within one process, where no other is to be excluded."""

import threading
import time
from collections.abc import Callable

from rs_assets.locks.protocol import Holder, Value


class MemoryLocks:
    """Shared by whoever has this very object."""

    def __init__(self) -> None:
        self._held: dict[str, Holder] = {}
        self._values: dict[str, Value] = {}
        self._guard = threading.Lock()

    def try_lock(self, name: str, *, transient: bool = False) -> "_Held | None":  # noqa: ARG002 - nothing remains
        with self._guard:
            if name in self._held:
                return None
            self._held[name] = Holder()
        return _Held(self._held, name)

    def is_locked(self, name: str) -> bool:
        return name in self._held

    def holder(self, name: str) -> Holder | None:
        return self._held.get(name)

    def locked(self, folder: str) -> dict[str, Holder | None]:
        with self._guard:
            held = {name.rpartition("/"): holder for name, holder in self._held.items()}
        return {last: holder for (above, _, last), holder in held.items() if above == folder}

    def read(self, name: str) -> Value | None:
        return self._values.get(name)

    def update(self, name: str, change: Callable[[Value | None], Value]) -> Value:
        with self._guard:
            self._values[name] = change(self._values.get(name))
            return self._values[name]

    def clock(self) -> float:
        return time.monotonic()


class _Held:
    def __init__(self, held: dict[str, Holder], name: str) -> None:
        self._held: dict[str, Holder] | None = held
        self._name = name

    def release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.pop(self._name, None)

    def __del__(self) -> None:
        self.release()
