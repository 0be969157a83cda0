"""How far one station may be loaded: connections at the same time, requests a minute, and pauses that it asks for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from rs_assets.locks import Locks, MemoryLocks
from rs_assets.settings import Station
from rs_assets.stations.limits.load import Load
from rs_assets.stations.limits.slots import StationSlots

_MAX_BOOKED_AHEAD_S = 3600.0
"""A turn that is further off has been booked by nobody who still waits for it."""


class StationLimits:
    """How far one station may be loaded.

    Shared by everything in an event loop that works with the station, and by every process that has the same locks. A
    context manager, to be entered before it is used.
    """

    def __init__(
        self, station: Station, locks: Locks | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare.

        Args:
            station: the station.
            locks: those of all who use the station; without them the limits hold for this object alone.
            clock: the host's monotonic clock, in seconds.
        """
        self.station = station
        self._locks = locks or MemoryLocks()
        self._clock = clock
        self._load = Load(station, self._locks, clock)
        self._slots = StationSlots(self._locks, station.name, self._load, timeout=station.timeouts.slot)
        per_minute = station.requests_per_minute
        self._interval = None if per_minute is None else 60 / per_minute
        self._turns = asyncio.Lock()
        self._is_open = locks is None

    async def __aenter__(self) -> Self:
        """Begin; nothing is taken before it is needed.

        Raises:
            LockError: the locks cannot be used.
        """
        self._locks.is_locked(f"stations/{self.station.name}/line")
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give everything back."""
        self._is_open = False
        await self._slots.close()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[int]:
        """Wait for a connection of the station, first come, first served; its number, from 1 to `concurrency`.

        While the station asks for a pause, nobody is given one.

        Raises:
            LockError: the locks cannot be used.
            StationError: others have held every connection for longer than the settings' ``timeouts.slot``.
        """
        self._check_open()
        number = await self._slots.acquire()
        try:
            yield number
        finally:
            self._slots.put_back(number)

    @asynccontextmanager
    async def spare_slot(self) -> AsyncIterator[int | None]:
        """A connection of the station at once if there is one that nobody waits for, in any process; else None."""
        self._check_open()
        number = self._slots.spare()
        try:
            yield number
        finally:
            if number is not None:
                self._slots.put_back(number)

    async def turn(self) -> None:
        """Wait until one more request may begin: turns are spaced evenly, and none falls into a pause.

        Raises:
            LockError: the locks cannot be used.
        """
        while True:
            if self._interval is not None:
                # One at a time, so that a process that dies has taken no turn but one.
                async with self._turns:
                    await asyncio.sleep(self._booked(self._interval))
            pause = self._load.pause
            if pause <= 0:
                return
            await asyncio.sleep(pause)

    def busy(self, retry_after: float | None) -> float:
        """Note that the station has answered 429 or 503: nobody asks it for a while, and then everybody asks less.

        The allowed concurrency halves, once for all such answers of a burst.

        Args:
            retry_after: how many seconds the station asks for, at most its `retries.busy_timeout`; where it does not
                say, a growing time from 1 s on, at most its `retries.max_wait`.

        Returns:
            How many seconds the pause lasts from now.
        """
        return self._load.busy(retry_after)

    def served(self) -> None:
        """Note that the station has given an answer: the allowed concurrency recovers step by step."""
        before = self._load.allowed
        self._load.served()
        if self._load.allowed > before:
            self._slots.hand_out()

    @property
    def allowed(self) -> int:
        """Connections that the station stands at this moment."""
        return self._load.allowed

    @property
    def pause(self) -> float:
        """Seconds for which nothing is to be asked of the station, as it has asked for."""
        return self._load.pause

    def on_released(self, callback: Callable[[int], None]) -> None:
        """Have `callback` told the number of a slot before another process may have it, to close its connection."""
        self._slots.on_released.append(callback)

    def on_waiting(self, callback: Callable[[str], None]) -> None:
        """Have `callback` told, from time to time, for whom this process waits without any connection."""
        self._slots.on_waiting.append(callback)

    def _check_open(self) -> None:
        if not self._is_open:
            raise RuntimeError("the limits of a station are used inside 'async with'")

    def _booked(self, interval: float) -> float:
        """Seconds until the next turn, which is taken."""
        now = self._clock()
        mine = now

        def change(value: Mapping[str, Any] | None) -> dict[str, float]:
            nonlocal mine
            try:
                following = float((value or {}).get("next", now))
            except (TypeError, ValueError):
                following = now
            mine = now if following - now > _MAX_BOOKED_AHEAD_S else max(now, following)
            return {"next": mine + interval}

        self._locks.update(f"stations/{self.station.name}/pace", change)
        return mine - now
