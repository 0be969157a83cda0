"""Short pieces of blocking work, many in one hop to a thread: for a small file the hop costs more than the work."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from rs_assets.errors import StoreError

Order = TypeVar("Order")
Result = TypeVar("Result")


class Batches(Generic[Order, Result]):
    """Does what comes while a thread is busy in the next hop, all together; belongs to one event loop at a time."""

    def __init__(self, work: Callable[[Sequence[Order]], Sequence[Result | Exception]]) -> None:
        """Take what is called in a thread, and gives the result or error of each order in their sequence."""
        self._carry_out = work
        self._waiting: list[tuple[Order, asyncio.Future[Result]]] = []
        self._work: asyncio.Task[None] | None = None

    async def run(self, order: Order) -> Result:
        """The order's result, or its error raised; it is not carried out if its caller is cancelled before."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((order, done))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._go())
        return await done

    async def _go(self) -> None:
        while self._waiting:
            batch = [(order, done) for order, done in self._waiting if not done.done()]
            self._waiting = []
            results: Sequence[Result | Exception]
            try:
                results = await asyncio.to_thread(self._carry_out, [order for order, _ in batch])
            except BaseException as error:
                results = [StoreError(f"the store has failed: {error!r}")] * len(batch)
                raise
            finally:
                for (_, done), result in zip(batch, results, strict=True):
                    if done.done():
                        continue
                    if isinstance(result, Exception):
                        done.set_exception(result)
                    else:
                        done.set_result(result)
