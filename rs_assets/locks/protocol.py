"""What everything that excludes others is made of: a named mutex that nobody has to renew.

Whoever holds one keeps it until it releases it or its process ends, however that ends; nothing expires, and no clock
is believed. N slots are N mutexes whose names differ by their number.
"""

import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from rs_assets.items.times import format_time, parse_time, utc_now

Value = Mapping[str, Any]
"""A small JSON object that processes share."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a mutex."""

    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    since: datetime = field(default_factory=utc_now)
    """Aware UTC."""

    @classmethod
    def from_json(cls, text: str | bytes) -> "Holder | None":
        """Read what `to_json` wrote; None where it is something else."""
        try:
            facts = json.loads(text)
            return cls(str(facts["host"]), int(facts["pid"]), parse_time(str(facts["since"])))
        except (ValueError, KeyError, TypeError):
            return None

    def to_json(self) -> str:
        """The holder as text."""
        return json.dumps({"host": self.host, "pid": self.pid, "since": format_time(self.since)})

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {format_time(self.since.replace(microsecond=0))}"


class Held(Protocol):
    """A mutex that this process holds."""

    def release(self) -> None:
        """Let others have it; nothing happens the second time."""
        ...


class Locks(Protocol):
    """Mutexes by name, e.g. ``adgs/slot/1``; the parts of a name may hold any character.

    No method waits for anybody else but for moments. Every method raises `LockError` where the place that the mutexes
    are kept in cannot be used.
    """

    def try_lock(self, name: str, *, transient: bool = False) -> Held | None:
        """Take a mutex; None if another holds it, be it in this process.

        Args:
            name: its name.
            transient: whether the name will hardly be used again, so that nothing of it shall remain.
        """
        ...

    def is_locked(self, name: str) -> bool:
        """Whether anybody holds the mutex, this process included."""
        ...

    def holder(self, name: str) -> Holder | None:
        """Who holds the mutex, or held it last; None where it is not known."""
        ...

    def locked(self, folder: str) -> dict[str, Holder | None]:
        """The mutexes directly below a name that are held, by the last part of theirs; None where it is not known."""
        ...

    def read(self, name: str) -> Value | None:
        """A value that the processes share; None if there is none, or it is of an earlier boot of the only host."""
        ...

    def update(self, name: str, change: Callable[[Value | None], Value]) -> Value:
        """Replace a value by what `change` makes of it, which nobody else changes meanwhile; the new one."""
        ...

    def clock(self) -> float:
        """Seconds of a clock that all who share the locks read alike; it hardly ever jumps."""
        ...
