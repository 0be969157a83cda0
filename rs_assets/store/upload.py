"""A multipart upload that is fed from outside, and that becomes an object only when it is finished."""

import asyncio
import logging
from typing import Self

import obstore
from obstore.store import ObjectStore

_WAITING = 2
"""Pieces that wait for the store; further ones wait with their writer."""
_ABORT_SECONDS = 20.0
"""How long an abortion is waited for; it begins when a part that is being sent has arrived or failed."""

_logger = logging.getLogger(__name__)


class _AbandonedError(Exception):
    """Lets obstore abort the upload."""


class Upload:
    """One upload, used by one task. Begins at once; ends by `finish` or `abandon`, one of which must be awaited."""

    def __init__(self, store: ObjectStore, key: str, *, part_size: int, parts_at_once: int) -> None:
        self._key = key
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING)
        self._abandoned = False
        self._sent = asyncio.ensure_future(
            obstore.put_async(store, key, self, use_multipart=True, chunk_size=part_size, max_concurrency=parts_at_once)
        )
        self._sent.add_done_callback(self._ended)

    async def feed(self, data: bytes) -> None:
        """Add bytes; waits while the store cannot take more.

        Raises:
            Exception: the upload has failed, with what obstore said.
        """
        if not self._sent.done():
            await self._pieces.put(data)
        if self._sent.done():
            self._sent.result()

    async def finish(self) -> None:
        """Let the object appear.

        Raises:
            Exception: it could not be stored, with what obstore said.
        """
        if not self._sent.done():
            await self._pieces.put(None)
        # A cancelled task must not take the upload along: it could not be aborted any more.
        await asyncio.wait({self._sent})
        self._sent.result()

    async def abandon(self) -> None:
        """Abort the upload, unless it has ended already."""
        self._abandoned = True
        if not self._sent.done():
            self._drop_pieces()
            self._pieces.put_nowait(None)
            await asyncio.wait({self._sent}, timeout=_ABORT_SECONDS)
        if not self._sent.done():
            self._sent.cancel()
            _logger.warning("the upload of %s could not be aborted in time; the bucket's life cycle must", self._key)
        elif not self._sent.cancelled():
            self._sent.exception()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        data = await self._pieces.get()
        if self._abandoned:
            raise _AbandonedError
        if data is None:
            raise StopAsyncIteration
        return data

    def _ended(self, _: object) -> None:
        # A feed that waits for room goes on, and finds the failure.
        self._drop_pieces()

    def _drop_pieces(self) -> None:
        while not self._pieces.empty():
            self._pieces.get_nowait()
