"""How far one station may be loaded: connections at the same time, requests a minute, and pauses that it asks for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Self

from rs_assets.locks import Locks, MemoryLocks, Value
from rs_assets.settings import Station
from rs_assets.stations.limits.load import Load
from rs_assets.stations.limits.slots import StationSlots

Watcher = Callable[[str, float | None], None]
"""Called with what is waited for, and for how many seconds from now, where that is known."""

_BUSY = "the station is busy"

_MAX_BOOKED_AHEAD_S = 3600.0
"""A turn that is further off has been booked by nobody who still waits for it."""


class StationLimits:
    """How far one station may be loaded, by everything in an event loop, and by every process with the same locks.

    A context manager, to be entered before it is used where the locks are shared.
    """

    def __init__(
        self, station: Station, locks: Locks | None = None, *, clock: Callable[[], float] | None = None
    ) -> None:
        """Prepare.

        Args:
            station: the station.
            locks: those of all who use the station; without them the limits hold for this object alone.
            clock: in seconds, in place of that of the locks.
        """
        self.station = station
        self._locks = locks or MemoryLocks()
        self._clock = clock or self._locks.clock
        self.load = Load(station, self._locks, self._clock)
        """What the station stands at this moment."""
        self._slots = StationSlots(self._locks, station.name, self.load, timeout=station.timeouts.slot)
        self._slots.on_waiting.append(lambda sentence: self._tell(sentence, None))
        self._watchers: list[Watcher] = []
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

    async def __aexit__(self, *_: object) -> None:
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
        self._tell_pause()
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
        per_minute = self.station.requests_per_minute
        while True:
            if per_minute is not None:
                # One at a time, so that a process that dies has taken no turn but one.
                async with self._turns:
                    await asyncio.sleep(self._booked(60 / per_minute))
            pause = self.load.pause
            if pause <= 0:
                return
            self._tell(_BUSY, pause)
            await asyncio.sleep(pause)

    def busy(self, retry_after: float | None) -> float:
        """Note that the station has answered 429 or 503, as `Load.busy` says; the seconds of the pause from now."""
        pause = self.load.busy(retry_after)
        self._tell_pause()
        return pause

    def served(self) -> None:
        """Note that the station has given an answer: the allowed connections recover step by step."""
        if self.load.served():
            self._slots.hand_out()

    def on_released(self, callback: Callable[[int], None]) -> None:
        """Call back with the number of a slot before another process may have it, to close its connection."""
        self._slots.on_released.append(callback)

    @contextmanager
    def watched(self, watcher: Watcher) -> Iterator[None]:
        """Tell of every wait while the block runs: for the end of a pause, or for a connection that others hold."""
        self._watchers.append(watcher)
        try:
            yield
        finally:
            self._watchers.remove(watcher)

    def _tell_pause(self) -> None:
        if self._watchers and (pause := self.load.pause) > 0:
            self._tell(_BUSY, pause)

    def _tell(self, what: str, seconds: float | None) -> None:
        for watcher in self._watchers:
            watcher(what, seconds)

    def _check_open(self) -> None:
        if not self._is_open:
            raise RuntimeError("the limits of a station are used inside 'async with'")

    def _booked(self, interval: float) -> float:
        """Seconds until the next turn, which is taken."""
        now = mine = self._clock()

        def change(value: Value | None) -> Value:
            nonlocal mine
            try:
                following = float((value or {}).get("next", now))
            except (TypeError, ValueError):
                following = now
            mine = now if following - now > _MAX_BOOKED_AHEAD_S else max(now, following)
            return {"next": mine + interval}

        self._locks.update(f"stations/{self.station.name}/pace", change)
        return mine - now
