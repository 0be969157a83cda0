"""Gzip files in pieces of any size: what comes out, and what is refused."""

import gzip
import os
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from rs_assets.settings import PackedFormat, Unpacking
from rs_assets.staging.contents.contents import ContentsError
from rs_assets.staging.contents.gzip import GzipContents

MEBIBYTE = 1 << 20
GZIP = GzipContents()


async def unpacked(packed: bytes, piece: int = 1000, *, max_size: int = 1 << 30, max_ratio: float = 2000.0) -> bytes:
    async def read() -> AsyncIterator[bytes]:
        for begin in range(0, len(packed), piece):
            yield packed[begin : begin + piece]

    limits = Unpacking(formats=(PackedFormat.GZIP,), max_size=max_size, max_ratio=max_ratio)
    pieces = [each async for each in GZIP.open("x", read, limits)]
    assert max(map(len, pieces), default=0) <= MEBIBYTE
    return b"".join(pieces)


@pytest.mark.parametrize("piece", [1, 7, 1000, MEBIBYTE])
@pytest.mark.parametrize("size", [0, 1, 5000])
async def test_what_was_packed_comes_out(size: int, piece: int) -> None:
    content = os.urandom(size)

    assert await unpacked(gzip.compress(content), piece) == content


@pytest.mark.parametrize("size", [MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1, 3 * MEBIBYTE, 3 * MEBIBYTE + 5])
@pytest.mark.parametrize("piece", [100, MEBIBYTE])
async def test_what_grows_by_much_comes_out_whole(size: int, piece: int) -> None:
    assert await unpacked(gzip.compress(bytes(size)), piece) == bytes(size)


@pytest.mark.parametrize("piece", [1, 10, 1000])
async def test_several_streams_in_a_row_and_zeros_behind_them_are_one_file(piece: int) -> None:
    packed = b"".join(map(gzip.compress, (b"one", b"", b"three"))) + bytes(50)

    assert await unpacked(packed, piece) == b"onethree"


@pytest.mark.parametrize("piece", [1, 13, 1000])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda packed: packed[:-1], "truncated"),
        (lambda packed: packed[:9], "truncated"),
        (lambda packed: packed + gzip.compress(b"more")[:-4], "truncated"),
        (lambda _: b"", "empty"),
        (lambda _: b"<xml/>", "not gzip"),
        (lambda packed: packed + b"garbage", "behind its end"),
        (lambda packed: packed + bytes(30) + b"garbage", "behind its end"),
        (lambda packed: packed[:-8] + bytes(8), "corrupt"),
        (lambda packed: packed[:50] + bytes(byte ^ 0xFF for byte in packed[50:60]) + packed[60:], "corrupt|truncated"),
    ],
)
async def test_a_file_that_is_not_whole_is_refused(spoil: object, message: str, piece: int) -> None:
    assert callable(spoil)

    with pytest.raises(ContentsError, match=message):
        await unpacked(spoil(gzip.compress(os.urandom(300))), piece)


async def test_more_than_the_settings_allow_is_refused_before_it_has_come_out() -> None:
    bomb = gzip.compress(bytes(200 * MEBIBYTE))

    with pytest.raises(ContentsError, match=r"unpack\.max_size"):
        await unpacked(bomb, max_size=3 * MEBIBYTE)
    with pytest.raises(ContentsError, match=r"unpack\.max_ratio allows 100 times"):
        await unpacked(bomb, max_ratio=100)


async def test_a_name_says_what_is_inside() -> None:
    async def read() -> AsyncIterator[bytes]:
        for _ in pairwise(()):
            yield b""

    names = {
        name: [*await GZIP.members(name, read)] for name in ("a.xml.gz", "A.GZ", ".gz", "a.zip") if GZIP.holds(name)
    }
    assert names == {"a.xml.gz": ["a.xml"], "A.GZ": ["A"]}
