"""Reading one large file over several connections, where that is faster and the station has some to spare.

A station that caps each connection gives a file faster over two; one that does not gives it no faster, and each
connection is one that another file could have. So a file begins over one. While connections are to spare, another
one fetches the pieces that lie ahead, then one more, as long as each makes the whole clearly faster. What is read
comes out in order, whoever has fetched it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace

from rs_assets.errors import StationError
from rs_assets.staging.sources.source import Answer, Source, Wanted
from rs_assets.staging.transfer_errors import ChangedError, PassingError

PIECE_BYTES = 8 << 20
"""What one request of a split file asks for."""

_WORTHWHILE_BYTES = 8 * PIECE_BYTES
"""A file of which less is left is not split."""

_LOOK_EVERY_S = 1.0
"""How often it is considered whether one more connection helps."""

_GAIN = 1.1
"""How much faster one more connection must make the whole to be kept."""


class Room:
    """How many pieces may be in memory, of all files together."""

    def __init__(self, pieces: int) -> None:
        self._free = pieces
        self._changed = asyncio.Event()

    def take(self) -> bool:
        """Take the room of one piece, if there is any."""
        if not self._free:
            return False
        self._free -= 1
        return True

    def give(self, pieces: int = 1) -> None:
        """Give room back."""
        self._free += pieces
        self.notify()

    def notify(self) -> None:
        """Let everybody look again at what they wait for."""
        self._changed.set()

    async def change(self) -> None:
        """Wait until somebody has given room back, or has notified the others."""
        self._changed.clear()
        await self._changed.wait()


@asynccontextmanager
async def opened(source: Source, wanted: Wanted, room: Room) -> AsyncIterator[Answer]:
    """Begin to read a file, as `Source.open` does; a large one may be read over several connections.

    Args:
        source: where it is read from.
        wanted: what to read.
        room: for the pieces that are read ahead, shared by all files.
    """
    async with AsyncExitStack() as first:
        answer = await first.enter_async_context(source.open(wanted))
        left = (answer.origin.size or 0) - answer.begin
        if not answer.takes_ranges or answer.origin.condition is None or left < _WORTHWHILE_BYTES:
            yield answer
            return
        split = _Split(source, wanted, answer, first, room)
        async with aclosing(split.chunks()) as chunks:
            yield replace(answer, chunks=chunks)


@dataclass(eq=False, slots=True)
class _Piece:
    """Some bytes ahead of those that have come out."""

    begin: int
    end: int
    data: "asyncio.Future[list[bytes]]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class _Split:
    """One file that is read over a changing number of connections."""

    def __init__(self, source: Source, wanted: Wanted, answer: Answer, first: AsyncExitStack, room: Room) -> None:
        assert answer.origin.size is not None
        self._source = source
        self._wanted = replace(wanted, origin=answer.origin, fresh=False)
        self._answer = answer
        self._first = first
        self._room = room
        self._size = answer.origin.size
        self._position = answer.begin
        """Up to where the bytes have come out."""
        self._received = 0
        self._ahead: dict[int, _Piece] = {}
        """The pieces that are fetched or have been, by their begin; without a gap between them."""
        self._next = self._size
        """Where the next piece begins."""
        self._returned: list[_Piece] = []
        """Pieces that a helper could not fetch."""
        self._helpers: list[asyncio.Task[None]] = []
        self._is_helped = False
        """Whether a helper has been given what it asked for."""
        self._is_split = False
        """Whether the first connection has met the pieces of the others, and all is fetched in pieces now."""
        self._failure: Exception | None = None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes of the file, in order."""
        tasks = [asyncio.create_task(self._adapt())]
        try:
            async with aclosing(self._alone()) as alone:
                async for chunk in alone:
                    yield chunk
            if self._position < self._size:
                self._is_split = True
                await self._first.aclose()
                tasks.append(asyncio.create_task(self._fetch_all()))
            while self._position < self._size:
                piece = await self._piece_here()
                for chunk in await piece.data:
                    yield chunk
                self._position = piece.end
                del self._ahead[piece.begin]
                self._room.give()
        finally:
            await _ended([*tasks, *self._helpers])
            self._forget_ahead()

    async def _alone(self) -> AsyncGenerator[bytes, None]:
        """The bytes that come over the first connection, up to those that a helper has begun with."""
        async for chunk in self._answer.chunks:
            self._received += len(chunk)
            meeting = min(self._ahead, default=self._size)
            if self._position + len(chunk) >= meeting:
                if self._is_helped:
                    mine = chunk[: meeting - self._position]
                    self._position = meeting
                    yield mine
                    return
                self._forget_ahead()
            self._position += len(chunk)
            yield chunk

    async def _adapt(self) -> None:
        """Let one more connection help as long as that makes the whole faster."""
        clock = asyncio.get_running_loop().time
        best, helpers = 0.0, 0
        while True:
            received, since = self._received, clock()
            await asyncio.sleep(_LOOK_EVERY_S)
            rate = (self._received - received) / (clock() - since)
            self._helpers = [helper for helper in self._helpers if not helper.done()]
            if len(self._helpers) > helpers and rate < best * _GAIN:
                # The station, or this machine, gives no more.
                self._helpers[-1].cancel()
                return
            best, helpers = rate, len(self._helpers)
            if not self._is_split and not self._ahead:
                self._next = self._position + max(2 * PIECE_BYTES, int(rate * _LOOK_EVERY_S / 4))
            piece = self._new_piece()
            if piece is not None:
                self._helpers.append(asyncio.create_task(self._help(piece)))

    async def _help(self, piece: _Piece | None) -> None:
        """Fetch pieces while a connection is to spare; one that cannot be fetched is left to others."""
        while piece is not None:
            try:
                await self._fetch(piece, spare=True)
            except (StationError, asyncio.CancelledError) as error:
                self._give_back(piece)
                if isinstance(error, asyncio.CancelledError):
                    raise
                return
            while (piece := self._piece_to_fetch()) is None and self._next < self._size:
                await self._room.change()

    async def _fetch_all(self) -> None:
        """Fetch pieces to the end; what goes wrong is found where the piece is wanted."""
        while True:
            piece = self._piece_to_fetch()
            if piece is None:
                await self._room.change()
                continue
            try:
                await self._fetch(piece, spare=False)
            except Exception as error:  # noqa: BLE001 - whoever reads the piece raises it
                self._failure = error
                for lost in (piece, *self._returned):
                    lost.data.set_exception(error)
                self._room.notify()
                return

    def _piece_to_fetch(self) -> _Piece | None:
        """The first piece that nobody fetches; None if there is no room for it, or none left."""
        if self._returned:
            piece = min(self._returned, key=lambda piece: piece.begin)
            self._returned.remove(piece)
            return piece
        return self._new_piece()

    def _new_piece(self) -> _Piece | None:
        if self._next >= self._size or not self._room.take():
            return None
        piece = _Piece(self._next, min(self._next + PIECE_BYTES, self._size))
        self._next = piece.end
        self._ahead[piece.begin] = piece
        self._room.notify()
        return piece

    async def _fetch(self, piece: _Piece, *, spare: bool) -> None:
        wanted = replace(self._wanted, begin=piece.begin, end=piece.end, spare=spare)
        data: list[bytes] = []
        async with self._source.open(wanted) as answer:
            if answer.begin != piece.begin:
                raise ChangedError(f"{piece.begin} was to be read from, and {answer.begin} was")
            self._is_helped = True
            async for chunk in answer.chunks:
                data.append(chunk)
                self._received += len(chunk)
        if sum(map(len, data)) != piece.end - piece.begin:
            raise PassingError(f"the bytes from {piece.begin} to {piece.end} came only in part")
        piece.data.set_result(data)

    def _give_back(self, piece: _Piece) -> None:
        if self._failure is not None:
            piece.data.set_exception(self._failure)
        elif self._ahead.get(piece.begin) is piece:
            self._returned.append(piece)
            self._room.notify()

    async def _piece_here(self) -> _Piece:
        while self._position not in self._ahead:
            if self._failure is not None:
                raise self._failure
            await self._room.change()
        return self._ahead[self._position]

    def _forget_ahead(self) -> None:
        for helper in self._helpers:
            helper.cancel()
        self._room.give(len(self._ahead))
        for piece in self._ahead.values():
            if piece.data.done() and not piece.data.cancelled():
                piece.data.exception()  # nobody will ask for it
        self._ahead.clear()
        self._returned.clear()
        self._next = self._size


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
