"""Named mutexes across processes, held by the kernel, and small values that the processes share."""

from rs_assets.locks.files import FileLocks
from rs_assets.locks.memory import MemoryLocks
from rs_assets.locks.opening import open_locks
from rs_assets.locks.protocol import Held, Holder, Locks, Value
from rs_assets.locks.waiting import exclusive

__all__ = ["FileLocks", "Held", "Holder", "Locks", "MemoryLocks", "Value", "exclusive", "open_locks"]
