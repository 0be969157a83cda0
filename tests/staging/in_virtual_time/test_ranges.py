"""A large file over several connections: its bytes come out in order, whatever becomes of the connections."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from rs_assets.staging.sources import Answer, Source, Wanted, ranges
from rs_assets.staging.sources.ranges import Room, opened
from rs_assets.staging.transfer_errors import ChangedError, NoSpareSlotError, PassingError
from rs_assets.store.origin import Origin

PIECE = 1000
BODY = os.urandom(100 * PIECE + 7)
HREF = "https://adgs.example.org/f"


@dataclass
class CappedSource(Source):
    """Gives 100 bytes every millisecond over each connection, as long as there are enough."""

    connections: int = 4
    is_shared: bool = False
    """Whether all connections share one rate, instead of each having its own."""
    fault: Callable[[Wanted], Exception | None] = lambda _: None
    """What goes wrong in the middle of an answer."""
    etag: str | None = '"v1"'
    honours_ranges: bool = True
    body: bytes = BODY
    asked: list[Wanted] = field(default_factory=list)
    in_flight: int = 0
    free_at: float = 0.0
    most_in_flight: int = 0

    @asynccontextmanager
    async def open(self, wanted: Wanted) -> AsyncIterator[Answer]:
        while self.in_flight >= self.connections:
            if wanted.spare:
                raise NoSpareSlotError("none to spare")
            await asyncio.sleep(0.001)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.asked.append(wanted)
        begin, end = (wanted.begin, wanted.end) if self.honours_ranges else (0, None)
        try:
            yield Answer(
                self._chunks(begin, end, wanted), begin, Origin(self.etag, None, len(self.body)), takes_ranges=True
            )
        finally:
            self.in_flight -= 1

    async def _chunks(self, begin: int, end: int | None, wanted: Wanted) -> AsyncIterator[bytes]:
        data = self.body[begin:end]
        fault = self.fault(wanted)
        for place in range(0, len(data), 100):
            await asyncio.sleep(self._wait() if self.is_shared else 0.001)
            if fault is not None and place >= len(data) // 2:
                raise fault
            yield data[place : place + 100]

    def _wait(self) -> float:
        now = asyncio.get_running_loop().time()
        self.free_at = max(now, self.free_at) + 0.001
        return self.free_at - now

    @property
    def spare(self) -> list[Wanted]:
        """What was asked for over a connection that was to spare."""
        return [wanted for wanted in self.asked if wanted.spare]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "PIECE_BYTES", PIECE)
    monkeypatch.setattr(ranges, "_WORTHWHILE_BYTES", 8 * PIECE)
    monkeypatch.setattr(ranges, "_LOOK_EVERY_S", 0.03)


async def read(source: Source, begin: int = 0, room: Room | None = None) -> bytes:
    received = bytearray()
    await read_into(received, source, begin, room)
    return bytes(received)


async def read_into(received: bytearray, source: Source, begin: int = 0, room: Room | None = None) -> None:
    async with asyncio.timeout(20), opened(source, Wanted(HREF, begin), room or Room(12)) as answer:
        async for chunk in answer.chunks:
            received += chunk


async def test_where_each_connection_is_capped_all_that_are_to_spare_help() -> None:
    source = CappedSource()
    assert await read(source) == BODY
    assert source.most_in_flight == 4
    assert source.in_flight == 0
    assert all(wanted.origin is not None for wanted in source.asked[1:])


async def test_a_file_is_gone_on_with_over_several_connections() -> None:
    source = CappedSource()
    assert await read(source, begin=12_345) == BODY[12_345:]
    assert source.spare


async def test_where_more_connections_give_no_more_one_is_tried_and_given_up() -> None:
    source = CappedSource(is_shared=True, body=BODY * 3)
    assert await read(source) == BODY * 3
    assert source.most_in_flight <= 3
    last_spare = max(source.asked.index(wanted) for wanted in source.spare)
    assert len(source.asked) - last_spare > 50, "the helper was kept though it gave nothing"


async def test_without_a_connection_to_spare_the_file_comes_over_one() -> None:
    source = CappedSource(connections=1)
    assert await read(source) == BODY
    assert [(wanted.begin, wanted.end) for wanted in source.asked] == [(0, None)]


@pytest.mark.parametrize(
    "source",
    [
        CappedSource(body=BODY[: 5 * PIECE]),
        CappedSource(etag=None),
    ],
    ids=["small", "nothing names its content"],
)
async def test_what_cannot_be_split_safely_or_is_not_worth_it_comes_over_one(source: CappedSource) -> None:
    assert await read(source) == source.body
    assert len(source.asked) == 1


async def test_a_station_that_ignores_ranges_gives_the_file_over_one_connection() -> None:
    source = CappedSource(honours_ranges=False)
    assert await read(source) == BODY
    assert not any(wanted.begin for wanted in source.asked if not wanted.spare)


@pytest.mark.parametrize("fault", [PassingError("reset"), ChangedError("changed"), NoSpareSlotError("none")])
async def test_a_piece_that_a_helper_cannot_fetch_is_fetched_by_another(fault: Exception) -> None:
    failed: set[int] = set()

    def once(wanted: Wanted) -> Exception | None:
        if not wanted.spare or wanted.begin in failed or len(failed) >= 10:
            return None
        failed.add(wanted.begin)
        return fault

    source = CappedSource(fault=once)
    assert await read(source) == BODY
    assert failed


async def test_a_fault_comes_out_where_the_bytes_end() -> None:
    source = CappedSource(fault=lambda wanted: None if wanted.spare or not wanted.begin else PassingError("reset"))
    received = bytearray()
    with pytest.raises(PassingError, match="reset"):
        await read_into(received, source)
    assert BODY.startswith(received)
    assert received
    assert source.in_flight == 0


async def test_a_piece_that_comes_short_is_not_taken_for_whole() -> None:
    class Short(CappedSource):
        async def _chunks(self, begin: int, end: int | None, wanted: Wanted) -> AsyncIterator[bytes]:
            async for chunk in super()._chunks(begin, None if end is None else end - 1, wanted):
                yield chunk

    with pytest.raises(PassingError, match="only in part"):
        await read(Short())


async def test_the_pieces_of_many_files_share_one_room_and_all_come_whole() -> None:
    room = Room(3)
    source = CappedSource(connections=8)
    assert await asyncio.gather(*(read(source, room=room) for _ in range(4))) == [BODY] * 4
    taken = 0
    while room.take():
        taken += 1
    assert taken == 3, "room was lost, or given back twice"


async def test_whoever_stops_reading_leaves_no_connection_open() -> None:
    source = CappedSource()
    room = Room(12)
    async with opened(source, Wanted(HREF), room) as answer:
        async for _ in answer.chunks:
            if source.most_in_flight == 4:
                break
    assert source.in_flight == 0
    assert sum(room.take() for _ in range(20)) == 12
