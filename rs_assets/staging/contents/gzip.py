"""Gzip (RFC 1952): one file inside, named as the packed one without its extension."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Sequence

from rs_assets.settings import Unpacking
from rs_assets.staging.contents.contents import ContentsError, ReadPacked, check_growth

_EXTENSION = ".gz"
_PIECE_BYTES = 1 << 20
_GZIP_ONLY = 16 + zlib.MAX_WBITS


class GzipContents:
    """Gzip files, whose name ends with ``.gz`` in any case. The name in the header is ignored."""

    def holds(self, name: str) -> bool:
        return name.lower().endswith(_EXTENSION) and len(name) > len(_EXTENSION)

    async def members(self, name: str, read: ReadPacked) -> Sequence[str]:  # noqa: ARG002 - the name says it
        return [name[: -len(_EXTENSION)]]

    async def open(self, member: str, read: ReadPacked, limits: Unpacking) -> AsyncGenerator[bytes, None]:  # noqa: ARG002
        stream = _Stream(limits)
        async for packed in read():
            data = packed
            while data or stream.holds_back:
                piece, data = await asyncio.to_thread(stream.next_piece, data)
                if piece:
                    yield piece
        stream.check_end()


class _Stream:
    """Unpacks a file piece by piece: one gzip member or several in a row, and zeros as padding behind the last one."""

    def __init__(self, limits: Unpacking) -> None:
        self._limits = limits
        self._member = zlib.decompressobj(_GZIP_ONLY)
        self._members = 0
        self._is_between = True
        self._is_padding = False
        self._packed = self._unpacked = 0
        self.holds_back = False
        """Whether more can come out without anything put in."""

    def next_piece(self, packed: bytes) -> tuple[bytes, bytes]:
        """The next piece that comes out, and what of the packed bytes is still to be given."""
        if self._is_between and self._members:
            self._is_padding = self._is_padding or packed[:1] == b"\0"
            if self._is_padding:
                if packed.strip(b"\0"):
                    raise ContentsError("it has bytes behind its end that are not gzip")
                return b"", b""
            self._member = zlib.decompressobj(_GZIP_ONLY)
        self._is_between = False
        try:
            piece = self._member.decompress(packed, _PIECE_BYTES)
        except zlib.error as error:
            what = "the bytes behind its end are not gzip" if self._members else "it is not gzip, or is corrupt"
            raise ContentsError(f"{what} ({error})") from error
        left = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        self.holds_back = not left and not self._member.eof and len(piece) == _PIECE_BYTES
        self._packed += len(packed) - len(left)
        self._unpacked += len(piece)
        check_growth(self._limits, self._packed, self._unpacked)
        if self._member.eof:
            self._members += 1
            self._is_between = True
        return piece, left

    def check_end(self) -> None:
        """Refuse a file that ends too early."""
        if not self._is_between:
            raise ContentsError("it is truncated: it ends within its gzip stream")
        if not self._members:
            raise ContentsError("it is empty, which gzip never is")
