"""Waiting for a mutex in a thread, for short work that two processes must not do at once."""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rs_assets.errors import LockError
from rs_assets.locks.protocol import Locks

_log = logging.getLogger(__name__)

_POLL_S = (0.005, 0.1)
"""First and longest wait between two tries; it doubles."""
_SAY_AFTER_S = 10.0


@contextmanager
def exclusive(locks: Locks, name: str, *, timeout: float = 300.0) -> Iterator[None]:
    """Hold the mutex while the block runs; others wait for that, in whichever process.

    Args:
        locks: those of all who are to exclude each other.
        name: of the mutex, e.g. ``partitions/adgs 2026-11-01 S1``.
        timeout: for how long another may hold it, in seconds.

    Raises:
        LockError: another has held it for longer; the message says who.
    """
    begun = time.monotonic()
    pause, longest = _POLL_S
    has_said = False
    while (held := locks.try_lock(name, transient=True)) is None:
        waited = time.monotonic() - begun
        if waited >= timeout:
            raise LockError(f"{_sentence(locks, name, waited)}; end it if it hangs, then try again")
        if waited >= _SAY_AFTER_S and not has_said:
            has_said = True
            _log.info("%s", _sentence(locks, name, waited))
        time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads the tries, keeps no secret
        pause = min(2 * pause, longest)
    try:
        yield
    finally:
        held.release()


def _sentence(locks: Locks, name: str, waited: float) -> str:
    holder = locks.holder(name) or "another process"
    return f"waiting for the lock {name} for {waited:.0f} s; it is held by {holder}"
