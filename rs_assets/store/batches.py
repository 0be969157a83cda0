"""Short pieces of blocking work, many in one hop to a thread: for a small file the hop costs more than the work."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")

_Order = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Batches:
    """Does what comes while a thread is busy in the next hop, all together; belongs to one event loop at a time."""

    def __init__(self) -> None:
        self._waiting: list[_Order] = []
        self._work: asyncio.Task[None] | None = None

    async def run(self, work: Callable[[], Result]) -> Result:
        """What `work` gives or raises; it is called in a thread, unless whoever waits for it is cancelled before."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._go())
        return await done

    async def _go(self) -> None:
        while self._waiting:
            orders, self._waiting = self._waiting, []
            results = await asyncio.to_thread(_all_done, orders)
            for (_, done), (result, error) in zip(orders, results, strict=True):
                if done.done():
                    continue
                if error is None:
                    done.set_result(result)
                else:
                    done.set_exception(error)


def _all_done(orders: list[_Order]) -> list[tuple[Any, Exception | None]]:
    results: list[tuple[Any, Exception | None]] = []
    for work, done in orders:
        if done.cancelled():
            results.append((None, None))
            continue
        try:
            results.append((work(), None))
        except Exception as error:  # noqa: BLE001 - whoever waits for it raises it
            results.append((None, error))
    return results
