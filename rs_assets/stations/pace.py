"""Keeping to a station's limit of requests a minute."""

import asyncio
from collections.abc import Callable

_MINUTE = 60.0


class Pace:
    """Gives out turns so that no more than `per_minute` begin in any minute; without a limit, at once.

    Turns are spaced evenly, so a burst never reaches the station. One instance serves the searches and the
    downloads of a station within an event loop.
    """

    def __init__(self, per_minute: int | None, clock: Callable[[], float] | None = None) -> None:
        self._interval = 0.0 if per_minute is None else _MINUTE / per_minute
        self._clock = clock
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until one more request may begin."""
        if not self._interval:
            return
        now = self._clock() if self._clock else asyncio.get_running_loop().time()
        mine = max(now, self._next)
        self._next = mine + self._interval
        if mine > now:
            await asyncio.sleep(mine - now)
