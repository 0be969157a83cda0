import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from rs_assets.errors import LockError, StationError
from rs_assets.locks import FileLocks, Locks, MemoryLocks
from rs_assets.settings import Retries, Station, Timeouts
from rs_assets.stations.limits import StationLimits
from rs_assets.stations.limits.load import Load
from rs_assets.stations.limits.slots import StationSlots

from .service import Service


def settings(**others: Any) -> Station:
    return Service().station(None, **{"concurrency": 4, "retries": Retries(max_wait=1000), **others})


@pytest.fixture
def locks(tmp_path: Path) -> Locks:
    return FileLocks(tmp_path / "state.locks")


@pytest.fixture(params=["alone", "shared"])
def shared(request: pytest.FixtureRequest, locks: Locks) -> Locks | None:
    """Locks that others share, or none: what holds for all limits holds for both."""
    return locks if request.param == "shared" else None


async def test_no_more_slots_are_used_than_the_station_allows(shared: Locks | None) -> None:
    used: set[int] = set()
    most = served = 0

    async def work(limits: StationLimits) -> None:
        nonlocal most, served
        for _ in range(10):
            async with limits.slot() as number:
                assert number not in used
                used.add(number)
                most = max(most, len(used))
                await asyncio.sleep(0)
                used.remove(number)
                served += 1

    async with StationLimits(settings(), shared) as limits, asyncio.timeout(10):
        await asyncio.gather(*(work(limits) for _ in range(12)))

    assert (most, served) == (4, 120)


async def test_slots_are_given_first_come_first_served(shared: Locks | None) -> None:
    order: list[int] = []

    async def work(limits: StationLimits, number: int) -> None:
        async with limits.slot():
            order.append(number)
            await asyncio.sleep(0)

    async with StationLimits(settings(concurrency=1), shared) as limits, asyncio.timeout(10):
        await asyncio.gather(*(work(limits, number) for number in range(20)))

    assert order == list(range(20))


@pytest.mark.parametrize("turns", range(6))
async def test_whoever_is_cancelled_while_waiting_leaves_no_slot_behind(shared: Locks | None, turns: int) -> None:
    async def work(limits: StationLimits) -> None:
        async with limits.slot():
            await asyncio.sleep(0)

    async with StationLimits(settings(concurrency=1), shared) as limits, asyncio.timeout(10):
        tasks = [asyncio.create_task(work(limits)) for _ in range(10)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

        async with limits.slot() as number:
            assert number == 1


async def test_a_spare_slot_is_given_at_once_or_not_at_all(shared: Locks | None) -> None:
    async with StationLimits(settings(concurrency=2), shared) as limits, asyncio.timeout(10):
        async with limits.slot() as first, limits.spare_slot() as spare, limits.spare_slot() as none:
            assert {first, spare} == {1, 2}
            assert none is None
        async with limits.slot(), limits.spare_slot() as spare:
            assert spare is not None


async def test_a_spare_slot_is_not_given_while_somebody_waits(shared: Locks | None) -> None:
    async with StationLimits(settings(concurrency=1), shared) as limits, asyncio.timeout(10):
        first = limits.slot()
        await first.__aenter__()
        second = asyncio.create_task(limits.slot().__aenter__())
        await asyncio.sleep(0)
        await first.__aexit__(None, None, None)
        async with limits.spare_slot() as spare:
            assert spare is None
        assert await second == 1


async def test_a_slot_that_another_process_waits_for_is_not_spare(locks: Locks) -> None:
    async with StationLimits(settings(concurrency=2), locks) as limits, limits.slot():
        in_line = locks.try_lock("stations/adgs/line")
        assert in_line is not None
        async with limits.spare_slot() as spare:
            assert spare is None
        in_line.release()
        async with limits.spare_slot() as spare:
            assert spare == 2


async def test_nobody_begins_during_a_pause_and_everybody_after_it(shared: Locks | None) -> None:
    async with StationLimits(settings(), shared) as limits, asyncio.timeout(10):
        async with limits.slot():
            assert limits.busy(0.1) == pytest.approx(0.1)
        loop = asyncio.get_running_loop()
        until = loop.time() + limits.load.pause
        async with limits.slot():
            assert loop.time() >= until
        await limits.turn()


async def test_a_turn_does_not_fall_into_a_pause() -> None:
    limits = StationLimits(settings())
    limits.busy(1000)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limits.turn(), 0.05)


async def test_a_busy_station_is_used_by_fewer_until_it_has_recovered(shared: Locks | None) -> None:
    async with StationLimits(settings(), shared) as limits, asyncio.timeout(10):
        async with limits.slot(), limits.slot():
            limits.busy(0.01)
            limits.busy(0.01)
            assert limits.load.allowed == 2
        async with limits.slot(), limits.slot():
            third = asyncio.create_task(limits.slot().__aenter__())
            await asyncio.wait([third], timeout=0.1)
            assert not third.done()
            limits.served()
            limits.served()
            assert limits.load.allowed == 3
            assert await third in {1, 2, 3, 4}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_answers_of_one_burst_halve_once_and_the_longest_pause_holds() -> None:
    clock = Clock()
    load = Load(settings(concurrency=8), MemoryLocks(), clock)

    assert [load.busy(5), load.busy(7), load.busy(3), load.busy(None)] == [5, 7, 7, 7]
    assert (load.allowed, load.pause) == (4, 7)
    clock.now += 7
    assert load.busy(1) == 1
    assert load.allowed == 2


def test_without_a_word_from_the_station_the_pause_grows_up_to_a_minute() -> None:
    clock = Clock()
    load = Load(settings(), MemoryLocks(), clock)
    pauses = []
    for _ in range(8):
        pauses.append(load.busy(None))
        clock.now += pauses[-1]

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert load.allowed == 1
    load.served()
    assert load.busy(0) == 1


@pytest.mark.parametrize(("asked", "pause"), [(3600, 30), (float("inf"), 30), (2, 2)])
def test_no_pause_is_longer_than_the_busy_timeout(asked: float, pause: float) -> None:
    load = Load(settings(retries=Retries(busy_timeout=30)), MemoryLocks(), Clock())

    assert load.busy(asked) == pause


def test_the_connections_recover_by_one_after_as_many_answers() -> None:
    clock = Clock()
    load = Load(settings(concurrency=4), MemoryLocks(), clock)
    for _ in range(3):
        clock.now += load.busy(1)

    allowed = []
    for _ in range(8):
        load.served()
        allowed.append(load.allowed)

    assert allowed == [2, 2, 3, 3, 3, 4, 4, 4]


async def until_held(locks: Locks, count: int) -> None:
    """Until so many slots are held."""
    async with asyncio.timeout(10):
        while len(locks.locked("stations/adgs/slot")) != count:  # noqa: ASYNC110 - other processes may hold them
            await asyncio.sleep(0.01)


async def test_slots_are_given_back_when_they_are_idle_and_at_the_end(
    locks: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_assets.stations.limits.slots._KEEP_IDLE_S", 0.05)
    async with StationLimits(settings(), locks) as limits:
        async with limits.slot(), limits.slot():
            await until_held(locks, 2)
        await until_held(locks, 0)
        async with limits.slot():
            await until_held(locks, 1)
    await until_held(locks, 0)
    assert locks.locked("stations/adgs/member") == {}


async def test_the_connection_of_a_slot_can_be_closed_before_another_has_it(locks: Locks) -> None:
    closed: list[tuple[int, int]] = []
    async with StationLimits(settings(concurrency=2), locks) as limits:
        limits.on_released(lambda number: closed.append((number, len(locks.locked("stations/adgs/slot")))))
        async with limits.slot(), limits.slot():
            pass

    assert sorted(number for number, _ in closed) == [1, 2]
    assert all(still_held for _, still_held in closed)
    assert locks.locked("stations/adgs/slot") == {}


async def test_two_that_work_side_by_side_share_fairly_and_nobody_starves(locks: Locks) -> None:
    counts = [0, 0, 0]
    used: set[int] = set()
    end = asyncio.Event()

    async def work(limits: StationLimits, who: int) -> None:
        while not end.is_set():
            async with limits.slot() as number:
                assert number not in used
                used.add(number)
                await asyncio.sleep(0.002)
                used.remove(number)
            counts[who] += 1
            if min(counts) >= 10:
                end.set()

    async with AsyncExitStack() as stack, asyncio.timeout(30):
        all_limits = [await stack.enter_async_context(StationLimits(settings(concurrency=2), locks)) for _ in counts]
        async with asyncio.TaskGroup() as group:
            for who, limits in enumerate(all_limits):
                for _ in range(4):
                    group.create_task(work(limits, who))

    assert min(counts) >= 10


async def test_locks_that_cannot_be_used_are_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LockError, match=str(tmp_path / "file")):
        async with StationLimits(settings(), FileLocks(tmp_path / "file" / "locks")) as limits, limits.slot():
            pass


async def test_limits_that_are_shared_are_entered_before_they_are_used(locks: Locks) -> None:
    limits = StationLimits(settings(), locks)
    with pytest.raises(RuntimeError, match="async with"):
        async with limits.slot():
            pass
    async with limits:
        pass
    with pytest.raises(RuntimeError, match="async with"):
        async with limits.slot():
            pass


async def test_one_that_is_cancelled_at_the_end_gives_everything_back_all_the_same(locks: Locks) -> None:
    async def work() -> None:
        async with StationLimits(settings(), locks) as limits, limits.slot():
            running.set()
            await asyncio.Event().wait()

    running = asyncio.Event()
    task = asyncio.create_task(work())
    await running.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_held(locks, 0)


async def test_whoever_waits_without_any_connection_is_told_for_whom_and_not_for_ever(
    locks: Locks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("rs_assets.stations.limits.slots._SAY_AFTER_S", 0.05)
    others = [locks.try_lock(f"stations/adgs/slot/{number}") for number in (1, 2)]
    assert all(others)
    caplog.set_level("INFO", "rs_assets.stations.limits")
    station = settings(concurrency=2, timeouts=Timeouts(slot=0.3))
    told: list[tuple[str, float | None]] = []
    async with StationLimits(station, locks) as limits, asyncio.timeout(10):
        sentence = r"adgs: no connection for 0 s, .*process \d+ on .*timeouts.slot"
        with limits.watched(lambda *wait: told.append(wait)), pytest.raises(StationError, match=sentence):
            async with limits.slot():
                pass
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert said[0].startswith("adgs: no connection for 0 s, since others hold all 2: process ")
    assert told == [(said[0], None)]


def recorded_sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make every sleep a note of how long it would have been, if it is one."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds:
            waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waits


async def test_turns_are_spaced_evenly(monkeypatch: pytest.MonkeyPatch, shared: Locks | None) -> None:
    clock = Clock()
    async with StationLimits(settings(requests_per_minute=30), shared, clock=clock) as limits:
        waits = recorded_sleeps(monkeypatch)
        for _ in range(4):
            await limits.turn()
        clock.now += 600
        for _ in range(3):
            await limits.turn()

    assert waits == [2, 4, 6, 2, 4]


async def test_without_a_limit_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = recorded_sleeps(monkeypatch)
    limits = StationLimits(settings())

    for _ in range(100):
        await limits.turn()

    assert waits == []


async def test_a_fault_of_the_sharing_ends_each_wait_with_a_readable_error_and_no_later_one(
    shared: Locks | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: StationSlots) -> None:
        raise KeyError("missing")

    async with StationLimits(settings(concurrency=1), shared) as limits, asyncio.timeout(10):
        async with limits.slot():
            waits = [asyncio.create_task(limits.slot().__aenter__()) for _ in range(2)]
            with monkeypatch.context() as patch:
                patch.setattr(StationSlots, "_watch_the_wait", fails)
                ends = await asyncio.gather(*waits, return_exceptions=True)
        async with limits.slot() as number:
            assert number == 1

    assert [type(end) for end in ends] == [LockError, LockError]
    assert "its connections could not be shared out for an unexpected KeyError" in str(ends[0])
    assert [record.exc_info is not None for record in caplog.records if "shared out" in record.message] == [True]
