"""What a source is: a place that files are read from."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Self

from rs_assets.items.files import Order
from rs_assets.store.origin import Origin


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read of a file."""

    href: str
    begin: int = 0
    """Offset of the first byte."""
    end: int | None = None
    """Offset behind the last byte; the file's end where None."""
    origin: Origin | None = None
    """The content that the bytes before `begin` were of."""
    fresh: bool = False
    """Not over a connection that has been used before, nor from a cache on the way."""
    order: Order | None = None
    """The order by which the source makes the file available, where one is known."""
    spare: bool = False
    """Only over a connection that nobody waits for."""

    @property
    def headers(self) -> dict[str, str]:
        """What the request says of it."""
        headers = {"Accept-Encoding": "identity"}
        if self.fresh:
            headers["Cache-Control"] = "no-cache"
        if self.begin or self.end is not None:
            headers["Range"] = f"bytes={self.begin}-{'' if self.end is None else self.end - 1}"
            if self.origin is not None and self.origin.condition is not None:
                headers["If-Range"] = self.origin.condition
        return headers


@dataclass(frozen=True, slots=True)
class Answer:
    """A file that a source has begun to give."""

    chunks: AsyncIterator[bytes]
    """Its bytes, in pieces of at most 1 MiB; iterating raises `PassingError` where the connection breaks."""
    begin: int
    """Offset of the first byte that comes: that wanted, or 0 where the source cannot begin elsewhere."""
    origin: Origin
    """What the source says of the content."""
    takes_ranges: bool = False
    """Whether the source can be asked for any part of the file, at no cost but a connection."""


class Source(ABC):
    """A place that files are read from; entered before the first file, left after the last one."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    @abstractmethod
    def open(self, wanted: Wanted) -> AbstractAsyncContextManager[Answer]:
        """Begin to read a file.

        A source that has to order files asks for `wanted.order` where it is known, and else looks for an order of
        the file that an earlier process may have placed, before it places one.

        Raises:
            NotYetError: the file has been ordered, and is given later.
            OrderLostError: `wanted.order` has come to nothing.
            PassingError: a fault that may be gone next time.
            BusyError: the source is rate-limited; the next request waits for as long as it asks.
            ChangedError: the file is no longer the one that `wanted.origin` is of.
            EvictedError: there is no such file any more.
            NoSpareSlotError: no connection is to spare, where only such a one is wanted.
            AuthenticationError: the credentials are refused.
            StationError: the file cannot be had.
        """
