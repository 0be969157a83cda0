"""The slots of one station as one holder leases them through the state, without holding up the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from rs_assets.errors import StateError
from rs_assets.state import Demand, Holder, Holders, Paces, Slots, Standing, StateDatabase

_T = TypeVar("_T")


class Leasing:
    """What one holder does in the state for one station, one thing after the other, in a thread of its own.

    The thread is not one of the event loop's, which may all be at work for long while leases are to be renewed.
    """

    def __init__(self, station: str, state: StateDatabase, clock: Callable[[], datetime]) -> None:
        self.station = station
        """Its name."""
        self._holder = Holder()
        self._slots = Slots(state, Holders(clock=clock))
        self._paces = Paces(state, clock=clock)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"limits of {station}")
        self._has_left = False

    async def check(self) -> None:
        """See that the state can be used.

        Raises:
            StateError: it cannot.
        """
        await self._done(partial(self._slots.held, self.station))

    async def settle(self, demand: Demand, *, renew: bool) -> Standing:
        """See `Slots.settle`."""
        return await self._done(partial(self._settle, demand, renew=renew))

    async def book(self, interval: timedelta) -> float:
        """Take the next turn at the station; in how many seconds it comes."""
        return await self._done(partial(self._paces.book, self.station, interval))

    async def rest(self) -> None:
        """Give everything back for now."""
        await self._done(partial(self._slots.leave, self._holder))

    async def leave(self) -> None:
        """Give everything back for good, after whatever is under way; nothing is taken any more."""
        self._has_left = True
        try:
            await self._done(partial(self._slots.leave, self._holder))
        finally:
            self._thread.shutdown(wait=False)

    async def _done(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _settle(self, demand: Demand, *, renew: bool) -> Standing:
        if self._has_left:
            raise StateError(f"{self.station}: its limits are no longer in use")
        return self._slots.settle(self.station, self._holder, demand, renew=renew)
