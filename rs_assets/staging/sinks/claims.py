"""Claims on the objects that this event loop writes, so that no other task or process writes the same one."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar

from rs_assets.errors import StateError
from rs_assets.state import Claims, Holder, StateDatabase

_log = logging.getLogger(__name__)

_RENEW_EVERY_S = 4.0

_T = TypeVar("_T")


class KeyClaims:
    """The keys that one event loop has claimed; a context manager, which ends all claims when it is left.

    What is asked for in one turn of the loop is one transaction.
    """

    def __init__(self, state: StateDatabase) -> None:
        self._claims = Claims(state)
        self._holder = Holder()
        self._held: set[str] = set()
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._leaving: set[str] = set()
        self._wake = asyncio.Event()
        self._is_closing = False
        self._renewed_at = float("-inf")
        self._keeper: asyncio.Task[None] | None = None
        # Not one of the event loop's threads, which may all be at work for long while claims are to be renewed.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="claims")

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_closing = True
        self._wake.set()
        if self._keeper is not None:
            await asyncio.shield(self._keeper)

    async def claim(self, key: str) -> bool:
        """Claim a key until it is released; whether it is this caller's now, else somebody else writes it.

        Raises:
            StateError: the state database cannot be used.
        """
        if self._keeper is None or self._keeper.done() or self._is_closing:
            raise RuntimeError("claims are used inside 'async with'")
        if key in self._held or key in self._asked:
            return False
        # What is still to be released is this holder's all the while: it need not be asked for.
        if key in self._leaving:
            self._leaving.discard(key)
            self._held.add(key)
            return True
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked[key] = answer
        self._wake.set()
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None and answer.result():
                self.release(key)
            raise

    def release(self, key: str) -> None:
        """End a claim; others may have the key within moments."""
        if key in self._held:
            self._held.discard(key)
            self._leaving.add(key)
            self._wake.set()

    def holds(self, key: str) -> bool:
        """Whether a claim still stands; one that could not be renewed for long may have passed to another."""
        return key in self._held

    async def _keep(self) -> None:
        try:
            while not self._is_closing:
                try:
                    async with asyncio.timeout(_RENEW_EVERY_S if self._held or self._leaving else None):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()
                await self._settle()
                if self._held and monotonic() - self._renewed_at >= _RENEW_EVERY_S:
                    await self._renew()
        finally:
            self._is_closing = True
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(RuntimeError("claims are used inside 'async with'"))
            await self._leave()

    async def _settle(self) -> None:
        leaving, asked = set(self._leaving), dict(self._asked)
        if leaving:
            # Taken out first: a key that is asked for meanwhile is asked for anew, after this.
            self._leaving -= leaving
            try:
                await self._done(partial(self._claims.release, leaving, self._holder))
            except StateError as error:
                self._leaving |= leaving - self._held
                _log.warning("%s; the claims on %d objects are released later", error, len(leaving))
        wanted = [key for key, answer in asked.items() if not answer.done()]
        began = monotonic()
        try:
            taken = await self._done(partial(self._claims.claim, wanted, self._holder)) if wanted else set()
        except StateError as error:
            self._answer(asked, error)
        else:
            if wanted:
                self._renewed_at = began
            self._answer(asked, taken)

    def _answer(self, asked: dict[str, asyncio.Future[bool]], taken: set[str] | StateError) -> None:
        for key, answer in asked.items():
            del self._asked[key]
            if isinstance(taken, StateError):
                if not answer.done():
                    answer.set_exception(taken)
            elif answer.done():  # whoever asked has been cancelled
                if key in taken:
                    self._leaving.add(key)
                    self._wake.set()
            else:
                if key in taken:
                    self._held.add(key)
                answer.set_result(key in taken)

    async def _renew(self) -> None:
        before, began = set(self._held), monotonic()
        try:
            kept = await self._done(partial(self._claims.renew, self._holder))
        except StateError as error:
            _log.warning("%s; the claims are renewed later", error)
            return
        self._renewed_at = began
        lost = (before & self._held) - kept
        if lost:
            _log.warning("the claims on %d objects have run out, since they could not be renewed", len(lost))
            self._held -= lost

    async def _leave(self) -> None:
        self._held.clear()
        try:
            await self._done(partial(self._claims.leave, self._holder))
        except StateError as error:
            _log.warning("%s; the claims run out by themselves", error)
        finally:
            self._thread.shutdown(wait=False)

    async def _done(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
