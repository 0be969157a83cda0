"""Which process is meant by a row of the database, and whether it has certainly ended."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_STATE, _START_TIME = 0, 19  # fields of /proc/<pid>/stat after the process's name
_ENDED_STATES = frozenset({"Z", "X"})


@dataclass(frozen=True, slots=True)
class Process:
    """One process of one host."""

    host: str | None
    """The boot of the host and the namespace of its process numbers; None where the system does not tell."""
    pid: int
    started: str | None
    """When it began, in the system's own count; None where the system does not tell."""

    @classmethod
    def current(cls) -> "Process":
        """This process."""
        pid = os.getpid()
        found = _stat(pid)
        return cls(_host(), pid, None if found is None else found[_START_TIME])

    def has_ended(self) -> bool:
        """Whether it has certainly ended; of a process of another host or container nothing can be said."""
        if self.host is None or self.started is None or self.host != _host():
            return False
        found = _stat(self.pid)
        return found is None or found[_STATE] in _ENDED_STATES or found[_START_TIME] != self.started

    def lives_here(self) -> bool:
        """Whether it certainly runs on this host."""
        return self.host is not None and self.host == _host() and not self.has_ended()


@lru_cache(maxsize=1)
def _host() -> str | None:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return None


def _stat(pid: int) -> list[str] | None:
    """The fields of a process that follow its name; None if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may hold any character.
    return text.rpartition(")")[2].split()
