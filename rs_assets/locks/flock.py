"""Files that the kernel locks for whoever has them open (``flock``)."""

import fcntl
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from rs_assets.locks.protocol import Holder


def try_flock(descriptor: int, operation: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file, without waiting; False where another has locked it."""
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_at(descriptor: int, path: str | Path) -> bool:
    """Whether an open file is still the one of that name: who had locked it before may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), Path(path).stat())
    except FileNotFoundError:
        return False


def flock_holder(descriptor: int) -> Holder | None:
    """Which process of this machine has locked an open file, since its access time; None where it is not known."""
    facts = os.fstat(descriptor)
    try:
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(rf": FLOCK +ADVISORY +WRITE +([1-9]\d*) [0-9a-f:]+:{facts.st_ino} ", locks)
    return None if found is None else Holder(pid=int(found[1]), since=datetime.fromtimestamp(facts.st_atime, UTC))
