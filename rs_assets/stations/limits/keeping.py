"""Keeping the slots of an event loop in step with the state: leasing, renewing, giving back, and what others say."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from rs_assets.errors import StateError
from rs_assets.state import TTL, Demand, Standing
from rs_assets.stations.limits.leasing import Leasing
from rs_assets.stations.limits.load import Load
from rs_assets.stations.limits.pool import SlotPool

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How often the state is looked at, in seconds."""

    renew: float = 4.0
    """Between two renewals of the leases."""
    look: float = 0.25
    """Between two looks for pauses and for others who wait."""
    look_for_slots: float = 0.1
    """The same while slots are waited for."""
    keep_idle: float = 1.0
    """How long a slot is kept that is not used."""
    patience: float = 30.0
    """How long the state may be out of reach before those who wait are told."""


class Keeper:
    """A task that looks into the state from time to time, and at once when it is woken."""

    def __init__(
        self,
        leasing: Leasing,
        pool: SlotPool,
        load: Load,
        *,
        concurrency: int,
        timing: Timing,
        on_look: Callable[[], None],
    ) -> None:
        """Prepare; `on_look` is called after each look that has been answered."""
        self.on_released: list[Callable[[int], None]] = []
        self.owed = 0
        """Slots to give back as soon as they are idle, since others wait for them."""
        self._leasing = leasing
        self._pool = pool
        self._load = load
        self._concurrency = concurrency
        self._timing = timing
        self._on_look = on_look
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._wake = asyncio.Event()
        self._looked = asyncio.Event()
        self._looks_begun = self._looks_ended = 0
        self._giving: set[int] = set()
        self._hoped = 0
        self._busy: float | None = None
        self._served = 0
        self._told = 0
        self._standing: Standing | None = None
        self._renewed_at = float("-inf")
        self._failing_since: float | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether the state is looked into, now and when it is needed."""
        return self._task is not None and not self._task.done() and not self._is_closing

    @property
    def has_valid_leases(self) -> bool:
        """Whether the leases have certainly not run out yet."""
        return monotonic() < self._renewed_at + TTL.total_seconds()

    @property
    def has_spare(self) -> bool:
        """Whether there may be slots that nobody holds or waits for, as far as is known since the last look."""
        return self._standing is None or (self._standing.free > 0 and not self._standing.contested)

    @property
    def is_contested(self) -> bool:
        """Whether others waited for slots at the last look."""
        return self._standing is not None and self._standing.contested

    async def start(self) -> None:
        """Look once, and go on in a task.

        Raises:
            StateError: the state cannot be used.
        """
        self._looks_begun += 1
        await self._leasing.check()
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Give everything back, and end the task."""
        self._is_closing = True
        self._wake.set()
        if self._task is not None:
            # Whoever is cancelled while he waits here does not keep the task from giving everything back.
            await asyncio.shield(self._task)

    def tell_busy(self, pause: float) -> None:
        """Tell the others at once that the station is to be left alone for so many seconds."""
        self._busy = max(pause, self._busy or 0.0)
        self._wake.set()

    def tell_served(self) -> None:
        """Tell the others at the next look that the station has given an answer."""
        self._served += 1

    def want(self) -> None:
        """Look at once if more is wanted than the others know of."""
        if self._pool.wanted > self._told:
            self._wake.set()

    def wake(self) -> None:
        """Look at once."""
        self._wake.set()

    def tell_released(self, number: int) -> None:
        """Have the connection of a slot closed that is not this holder's any more."""
        for callback in self.on_released:
            callback(number)

    async def hope(self) -> None:
        """Look at once for one more slot that nobody else wants; returns when that has been done."""
        self._hoped += 1
        awaited = self._looks_begun + 1
        try:
            self._wake.set()
            while self._looks_ended < awaited and self.is_at_work:
                await self._looked.wait()
        finally:
            self._hoped -= 1

    async def _work(self) -> None:
        try:
            while not self._is_closing:
                await self._rest()
                self._wake.clear()
                if not self._is_closing:
                    await self._look()
        except Exception as error:
            _log.exception("%s: its slots can no longer be leased", self._leasing.station)
            self._pool.fail(RuntimeError(f"{self._leasing.station}: its slots can no longer be leased: {error!r}"))
            raise
        finally:
            self._is_closing = True
            self._looked.set()
            self._pool.fail(RuntimeError(f"{self._leasing.station}: its limits are used inside 'async with'"))
            await self._leave()

    async def _rest(self) -> None:
        pool = self._pool
        seconds: float | None = self._timing.look
        if pool.waiting and len(pool.held) < self._concurrency:
            seconds = self._timing.look_for_slots
        elif not (pool.held or pool.wanted or self._giving or self._told):
            seconds = None  # no work, no leases: nothing to look for
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _look(self) -> None:
        self._looks_begun += 1
        self._release(self._to_give())
        if self._giving:
            await _connections_closed()
        wanted = max(self._pool.peak, self._pool.wanted)
        self._pool.peak = self._pool.wanted
        demand = Demand(
            concurrency=self._concurrency,
            wanted=wanted,
            hoped=self._hoped,
            given=frozenset(self._giving),
            in_use=frozenset(self._pool.in_use),
            busy=self._busy,
            served=self._served,
        )
        began = monotonic()
        renew = began - self._renewed_at >= self._timing.renew
        self._busy = None
        await self._tell(demand, began, renew=renew)
        self._looks_ended = self._looks_begun
        self._looked.set()
        self._looked = asyncio.Event()

    async def _tell(self, demand: Demand, began: float, *, renew: bool) -> None:
        try:
            standing = await self._leasing.settle(demand, renew=renew)
        except StateError as error:
            if demand.busy is not None:
                self._busy = max(demand.busy, self._busy or 0.0)
            self._failed(error)
        else:
            self._giving -= demand.given
            self._served -= demand.served
            self._told = demand.wanted
            if renew:
                self._renewed_at = began
            self._accept(standing)
            await self._sleep_if_idle()

    def _to_give(self) -> list[int]:
        """The idle slots that others wait for, and those that have not been used for long."""
        old = self._pool.idle_longer_than(self._timing.keep_idle)
        surplus = max(0, len(self._pool.held) - self._pool.wanted)
        giving = old[:surplus]
        others = [number for number in self._pool.idle if number not in giving]
        return giving + others[: max(0, self.owed - len(giving))]

    def _release(self, numbers: list[int]) -> None:
        self._pool.remove(numbers)
        self._giving.update(numbers)
        for number in numbers:
            self.tell_released(number)

    def _accept(self, standing: Standing) -> None:
        if self._failing_since is not None:
            self._failing_since = None
            _log.info("the state can be used again")
        lost = self._pool.held - standing.held
        if lost:
            message = "%s: %d slots were leased to others, since they could not be renewed"
            _log.warning(message, self._leasing.station, len(lost))
            idle = sorted(lost & self._pool.idle)
            self._pool.remove(lost)
            self._release(idle)
            self._giving.difference_update(idle)
        self._standing = standing
        self.owed = standing.owed
        allowed = standing.pause.allowed
        if self._busy is not None:
            allowed = min(allowed, float(self._load.allowed))
        self._load.adopt(allowed, standing.pause.remaining)
        self._pool.add(standing.held)
        if self.owed and self._pool.idle:
            self._wake.set()
        self._on_look()

    async def _sleep_if_idle(self) -> None:
        """Leave no trace in the state while there is no work."""
        if self._pool.held or self._pool.wanted or self._giving:
            return
        try:
            await self._leasing.rest()
        except StateError as error:
            self._failed(error)
            return
        self._told = 0
        self._standing = None
        self._renewed_at = float("-inf")
        if self._pool.wanted:
            self._wake.set()

    def _failed(self, error: StateError) -> None:
        now = monotonic()
        if self._failing_since is None:
            self._failing_since = now
            _log.warning("%s; trying again", error)
        if now - self._failing_since >= self._timing.patience and not self.has_valid_leases:
            self._pool.fail(error)

    async def _leave(self) -> None:
        self._release(sorted(self._pool.held))
        await _connections_closed()
        try:
            await self._leasing.leave()
        except StateError as error:
            _log.warning("%s; what was leased is free again in %g s", error, TTL.total_seconds())


async def _connections_closed() -> None:
    """Let the loop end the connections of the slots that are given back in one turn, and their sockets in the next."""
    for _ in range(2):
        await asyncio.sleep(0)
