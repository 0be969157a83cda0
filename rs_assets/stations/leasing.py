"""The slots of one station as one holder leases them through the state; calls block and belong into a thread."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from rs_assets.errors import StateError
from rs_assets.state import Demand, Holder, Holders, Paces, Slots, Standing, StateDatabase


class Leasing:
    """What one holder does in the state for one station. Once it has left, it takes nothing more."""

    def __init__(self, station: str, state: StateDatabase, clock: Callable[[], datetime]) -> None:
        self._station = station
        self._holder = Holder()
        self._slots = Slots(state, Holders(clock=clock))
        self._paces = Paces(state, clock=clock)
        self._lock = threading.Lock()
        self._has_left = False

    def check(self) -> None:
        """See that the state can be used.

        Raises:
            StateError: it cannot.
        """
        self._slots.held(self._station)

    def settle(self, demand: Demand, *, renew: bool) -> Standing:
        """See `Slots.settle`."""
        with self._lock:
            if self._has_left:
                raise StateError(f"{self._station}: its limits are no longer in use")
            return self._slots.settle(self._station, self._holder, demand, renew=renew)

    def book(self, interval: timedelta) -> float:
        """Take the next turn at the station; in how many seconds it comes."""
        return self._paces.book(self._station, interval)

    def rest(self) -> None:
        """Give everything back for now."""
        with self._lock:
            self._slots.leave(self._holder)

    def leave(self) -> None:
        """Give everything back for good, after whatever is under way."""
        with self._lock:
            self._has_left = True
            self._slots.leave(self._holder)
