"""How far one station may be loaded: connections at the same time, requests a minute, and pauses that it asks for."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from time import monotonic
from types import TracebackType
from typing import Self

from rs_assets.errors import StateError
from rs_assets.settings import Station
from rs_assets.state import StateDatabase, next_turn, utc_now
from rs_assets.stations.limits.keeping import Keeper, Timing
from rs_assets.stations.limits.leasing import Leasing
from rs_assets.stations.limits.load import Load
from rs_assets.stations.limits.pool import SlotPool


class StationLimits:
    """How far one station may be loaded.

    Shared by everything in an event loop that works with the station, and through the state by every process. With
    a state it is a context manager to be entered; without one it holds for this event loop only.

    A process that cannot renew its leases for long (it was stopped, say) loses them; it ends the requests that it has
    begun, and begins no other before it has leased again.
    """

    def __init__(
        self,
        station: Station,
        state: StateDatabase | None = None,
        *,
        clock: Callable[[], datetime] = utc_now,
        timing: Timing | None = None,
    ) -> None:
        self.station = station
        self._clock = clock
        self._timing = timing or Timing()
        self._load = Load(station, monotonic)
        self._pool = SlotPool(self._may_begin)
        self._resumption: asyncio.TimerHandle | None = None
        self._turns = asyncio.Lock()
        self._last_turn: tuple[datetime, datetime] | None = None
        per_minute = station.requests_per_minute
        self._interval = None if per_minute is None else timedelta(minutes=1) / per_minute
        self._leasing: Leasing | None = None
        self._keeper: Keeper | None = None
        self._has_slots = False
        if state is not None:
            self._leasing = Leasing(station.name, state, clock)
            self._keeper = Keeper(
                self._leasing,
                self._pool,
                self._load,
                concurrency=station.concurrency,
                timing=self._timing,
                on_look=self._resume,
            )

    async def __aenter__(self) -> Self:
        """Begin; nothing is leased before it is needed.

        Raises:
            StateError: the state database cannot be used.
        """
        if self._keeper is not None:
            await self._keeper.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give everything back."""
        if self._resumption is not None:
            self._resumption.cancel()
            self._resumption = None
        if self._keeper is not None:
            await self._keeper.stop()

    def slot(self) -> AbstractAsyncContextManager[int]:
        """Wait for a connection of the station, first come, first served; its number, from 1 to `concurrency`.

        While the station asks for a pause, nobody is given one.

        Raises:
            StateError: the state database has not been usable for long.
        """
        return _Slot(self)

    def spare_slot(self) -> AbstractAsyncContextManager[int | None]:
        """A connection of the station at once if there is one that nobody waits for, in any process; else None."""
        return _SpareSlot(self)

    async def turn(self) -> None:
        """Wait until one more request may begin: turns are spaced evenly, and none falls into a pause.

        Raises:
            StateError: the state database has not been usable for long.
        """
        while True:
            if self._interval is not None:
                # One at a time, so that a process that dies has taken no turn but one.
                async with self._turns:
                    await asyncio.sleep(await self._booked(self._interval))
            pause = self._load.pause
            if pause <= 0:
                return
            await asyncio.sleep(pause)

    def busy(self, retry_after: float | None) -> float:
        """Note that the station has answered 429 or 503: everybody leaves it alone for a while, and then asks less.

        The allowed concurrency halves, once for all such answers of a burst.

        Args:
            retry_after: how many seconds the station asks for, which are no more than its `retries.busy_timeout`; if it
                does not say, a growing time from 1 s on, no more than its `retries.max_wait`.

        Returns:
            How many seconds the pause lasts from now.
        """
        pause = self._load.busy(retry_after)
        if self._keeper is not None:
            self._keeper.tell_busy(pause)
        # Those who wait already shall be woken when the pause ends.
        self._resume()
        return pause

    def served(self) -> None:
        """Note that the station has given an answer: the allowed concurrency recovers step by step."""
        if self._load.allowed < self.station.concurrency:
            self._load.served()
            if self._keeper is not None:
                self._keeper.tell_served()
            self._pool.hand_out()

    @property
    def allowed(self) -> int:
        """Connections that the station stands at this moment."""
        return self._load.allowed

    def on_released(self, callback: Callable[[int], None]) -> None:
        """Have `callback` told the number of a slot before another process may have it, to close its connection."""
        if self._keeper is not None:
            self._keeper.on_released.append(callback)

    def _may_begin(self) -> bool:
        load, keeper = self._load, self._keeper
        if len(self._pool.in_use) >= load.allowed or load.pause > 0:
            return False
        return keeper is None or (keeper.has_valid_leases and self._pool.idle_count > keeper.owed)

    async def _begin(self) -> int:
        self._check_entered()
        number = self._pool.take()
        if number is None:
            place = self._pool.queue()
            self._resume()
            if self._keeper is not None:
                self._keeper.want()
            number = await self._pool.wait(place)
        return number

    async def _begin_spare(self) -> int | None:
        self._check_entered()
        keeper = self._keeper
        if keeper is None:
            return self._pool.take()
        if keeper.is_contested:
            return None
        number = self._pool.take()
        if number is None and not self._pool.waiting and self._load.pause <= 0 and keeper.has_spare:
            await keeper.hope()
            number = self._pool.take()
        return number

    def _end(self, number: int) -> None:
        is_ours = self._pool.put_back(number)
        keeper = self._keeper
        if keeper is None:
            return
        if not is_ours:
            keeper.tell_released(number)
        if keeper.owed:
            keeper.wake()

    def _check_entered(self) -> None:
        if self._keeper is not None:
            if not self._keeper.is_at_work:
                raise RuntimeError("the limits of a station that has a state are used inside 'async with'")
        elif not self._has_slots:
            self._has_slots = True
            self._pool.add(range(1, self.station.concurrency + 1))

    def _resume(self) -> None:
        """Give out what may be given out now; while the station pauses, come back at the end of the pause."""
        pause = self._load.pause
        if pause <= 0:
            self._pool.hand_out()
        elif self._pool.waiting and self._resumption is None:
            self._resumption = asyncio.get_running_loop().call_later(pause, self._pause_ended)

    def _pause_ended(self) -> None:
        self._resumption = None
        self._resume()

    async def _booked(self, interval: timedelta) -> float:
        """Seconds until the next turn, which is taken."""
        if self._leasing is None:
            now = self._clock()
            mine = now if self._last_turn is None else next_turn(now, *self._last_turn)
            self._last_turn = now, mine + interval
            return (mine - now).total_seconds()
        failing_since = monotonic()
        while True:
            try:
                return await self._leasing.book(interval)
            except StateError:
                if monotonic() - failing_since >= self._timing.patience:
                    raise
                await asyncio.sleep(self._timing.look)


class _Slot:
    """One use of a connection."""

    __slots__ = ("_limits", "_number")

    def __init__(self, limits: StationLimits) -> None:
        self._limits = limits

    async def __aenter__(self) -> int:
        self._number = await self._limits._begin()
        return self._number

    async def __aexit__(self, *_: object) -> None:
        self._limits._end(self._number)


class _SpareSlot:
    """One use of a connection that is free, if there is one."""

    __slots__ = ("_limits", "_number")

    def __init__(self, limits: StationLimits) -> None:
        self._limits = limits

    async def __aenter__(self) -> int | None:
        self._number = await self._limits._begin_spare()
        return self._number

    async def __aexit__(self, *_: object) -> None:
        if self._number is not None:
            self._limits._end(self._number)
