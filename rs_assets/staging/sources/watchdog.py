"""Noticing a download that trickles: every read gives something, and the file never ends."""

import time
from collections.abc import Callable
from typing import Self

from rs_assets.staging.transfer_errors import PassingError


class Watchdog:
    """Gives up a download that is slower than `min_rate`; what counts is the time spent waiting for its bytes.

    It is entered around every wait; `passed` is called afterwards with how much came.
    """

    def __init__(self, min_rate: float, period: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Watch over a rate of `min_rate` bytes a second, measured over `period` seconds."""
        self._least = min_rate * period
        self._period = period
        self._clock = clock
        self._waited = 0.0
        self._bytes = 0
        self._since = 0.0

    def __enter__(self) -> Self:
        self._since = self._clock()
        return self

    def __exit__(self, *_: object) -> None:
        self._waited += self._clock() - self._since

    def passed(self, size: int) -> None:
        """Take note of bytes that came.

        Raises:
            PassingError: they are too few.
        """
        self._bytes += size
        if self._waited < self._period:
            return
        if self._bytes < self._least:
            rate = self._bytes / self._waited
            raise PassingError(f"the answer trickles: {rate:.0f} bytes a second over {self._waited:.0f} s")
        self._waited, self._bytes = 0.0, 0
