"""What a format of contents is: it tells the files inside one file, and gives the bytes of each."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Protocol

from rs_assets.errors import RsAssetsError
from rs_assets.settings import Unpacking

_FREE_BYTES = 1 << 20
"""So much may come out however little went in."""

ReadPacked = Callable[[], AsyncIterator[bytes]]
"""Reads the packed file in the store from its first byte on."""


class ContentsError(RsAssetsError):
    """A packed file is corrupt, or larger inside than the settings allow."""


class Contents(Protocol):
    """One format. It bounds its own memory, and calls `check_growth` for what it gives."""

    def holds(self, name: str) -> bool:
        """Whether a file of this name is of the format."""
        ...

    async def members(self, name: str, read: ReadPacked) -> Sequence[str]:
        """The names of the files inside, each to be an asset key.

        Raises:
            ContentsError: the file is not what its name says.
            StoreError: it cannot be read.
        """
        ...

    def open(self, member: str, read: ReadPacked, limits: Unpacking) -> AsyncGenerator[bytes, None]:
        """The bytes of a file inside, in pieces of at most 1 MiB.

        Raises:
            ContentsError: the packed file is corrupt or truncated, or the limits are exceeded.
            StoreError: it cannot be read.
        """
        ...


def check_growth(limits: Unpacking, packed: int, unpacked: int) -> None:
    """Refuse a file of which more comes out than the settings allow.

    Args:
        limits: the settings.
        packed: bytes that went in so far.
        unpacked: bytes that came out so far.

    Raises:
        ContentsError: it has grown too large; the setting that allows more is named.
    """
    if unpacked > limits.max_size:
        raise ContentsError(f"more than {limits.max_size:,} bytes come out of it; unpack.max_size allows no more")
    if unpacked > max(_FREE_BYTES, limits.max_ratio * packed):
        raise ContentsError(
            f"its first {packed:,} bytes grow to {unpacked:,}; unpack.max_ratio allows {limits.max_ratio:g} times"
        )
