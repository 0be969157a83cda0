"""PROVISIONAL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

from rs_assets.settings import Station


class StationLimits:
    def __init__(self, station: Station, state: object = None) -> None:
        self._free = list(range(station.concurrency, 0, -1))
        self._station = station
        self._cond: asyncio.Condition | None = None
        self._waiting = 0
        self._semaphore = asyncio.Semaphore(station.concurrency)
        self._until = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[int]:
        while (wait := self._until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait)
        async with self._semaphore:
            number = self._free.pop()
            try:
                yield number
            finally:
                self._free.append(number)

    @asynccontextmanager
    async def spare_slot(self) -> AsyncIterator[int | None]:
        if self._semaphore.locked():
            yield None
            return
        async with self.slot() as number:
            yield number

    async def turn(self) -> None:
        return None

    def busy(self, retry_after: float | None) -> float:
        pause = retry_after if retry_after is not None else 1.0
        self._until = asyncio.get_running_loop().time() + pause
        return pause

    def served(self) -> None:
        return None

    def on_released(self, callback: Callable[[int], None]) -> None:
        return None
