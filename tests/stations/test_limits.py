import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rs_assets.errors import StateError
from rs_assets.settings import Retries, Station
from rs_assets.state import Demand, Holder, Slots, StateDatabase
from rs_assets.stations.limits import StationLimits, Timing
from rs_assets.stations.limits.load import Load

from .service import Service

QUICK = Timing(look=0.02, look_for_slots=0.02, keep_idle=0.05)


def settings(**others: Any) -> Station:
    return Service().station(None, **{"concurrency": 4, "retries": Retries(max_wait=1000), **others})


@pytest.fixture
def state(tmp_path: Path) -> StateDatabase:
    return StateDatabase(f"sqlite:///{tmp_path}/state.sqlite")


@pytest.fixture(params=["alone", "shared"])
def shared(request: pytest.FixtureRequest, state: StateDatabase) -> StateDatabase | None:
    """A state, or none: what holds for all limits holds for both."""
    return state if request.param == "shared" else None


async def test_no_more_slots_are_used_than_the_station_allows(shared: StateDatabase | None) -> None:
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


async def test_slots_are_given_first_come_first_served(shared: StateDatabase | None) -> None:
    order: list[int] = []

    async def work(limits: StationLimits, number: int) -> None:
        async with limits.slot():
            order.append(number)
            await asyncio.sleep(0)

    async with StationLimits(settings(concurrency=1), shared) as limits, asyncio.timeout(10):
        await asyncio.gather(*(work(limits, number) for number in range(20)))

    assert order == list(range(20))


@pytest.mark.parametrize("turns", range(6))
async def test_whoever_is_cancelled_while_waiting_leaves_no_slot_behind(
    shared: StateDatabase | None, turns: int
) -> None:
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


async def test_a_spare_slot_is_given_at_once_or_not_at_all(shared: StateDatabase | None) -> None:
    async with StationLimits(settings(concurrency=2), shared) as limits, asyncio.timeout(10):
        async with limits.slot() as first, limits.spare_slot() as spare, limits.spare_slot() as none:
            assert {first, spare} == {1, 2}
            assert none is None
        async with limits.slot(), limits.spare_slot() as spare:
            assert spare is not None


async def test_a_spare_slot_is_not_given_while_somebody_waits(shared: StateDatabase | None) -> None:
    async with StationLimits(settings(concurrency=1), shared) as limits, asyncio.timeout(10):
        first = limits.slot()
        await first.__aenter__()
        second = asyncio.create_task(limits.slot().__aenter__())
        await asyncio.sleep(0)
        await first.__aexit__(None, None, None)
        async with limits.spare_slot() as spare:
            assert spare is None
        assert await second == 1


async def test_a_slot_that_another_process_waits_for_is_not_spare(state: StateDatabase) -> None:
    slots, other = Slots(state), Holder()
    async with StationLimits(settings(concurrency=2), state, timing=QUICK) as limits, limits.slot():
        slots.settle("adgs", other, Demand(2, 2))
        assert len(slots.held("adgs")) == 2
        async with limits.spare_slot() as spare:
            assert spare is None


async def test_nobody_begins_during_a_pause_and_everybody_after_it(shared: StateDatabase | None) -> None:
    async with StationLimits(settings(), shared) as limits, asyncio.timeout(10):
        async with limits.slot():
            assert limits.busy(0.1) == pytest.approx(0.1)
        loop = asyncio.get_running_loop()
        until = loop.time() + limits._load.pause
        async with limits.slot():
            assert loop.time() >= until
        await limits.turn()


async def test_a_turn_does_not_fall_into_a_pause() -> None:
    limits = StationLimits(settings())
    limits.busy(1000)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limits.turn(), 0.05)


async def test_a_busy_station_is_used_by_fewer_until_it_has_recovered(shared: StateDatabase | None) -> None:
    async with StationLimits(settings(), shared, timing=QUICK) as limits, asyncio.timeout(10):
        async with limits.slot(), limits.slot():
            limits.busy(0.01)
            limits.busy(0.01)
            assert limits.allowed == 2
        async with limits.slot(), limits.slot():
            third = asyncio.create_task(limits.slot().__aenter__())
            await asyncio.wait([third], timeout=0.1)
            assert not third.done()
            limits.served()
            limits.served()
            assert limits.allowed == 3
            assert await third in {1, 2, 3, 4}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_answers_of_one_burst_halve_once_and_the_longest_pause_holds() -> None:
    clock = Clock()
    load = Load(settings(concurrency=8), clock)

    assert [load.busy(5), load.busy(7), load.busy(3), load.busy(None)] == [5, 7, 7, 7]
    assert (load.allowed, load.pause) == (4, 7)
    clock.now += 7
    assert load.busy(1) == 1
    assert load.allowed == 2


def test_without_a_word_from_the_station_the_pause_grows_up_to_a_minute() -> None:
    clock = Clock()
    load = Load(settings(), clock)
    pauses = []
    for _ in range(8):
        pauses.append(load.busy(None))
        clock.now += pauses[-1]

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert load.allowed == 1
    load.served()
    assert load.busy(0) == 1


@pytest.mark.parametrize(("asked", "pause"), [(3600, 30), (float("inf"), 30), (2, 2)])
def test_no_pause_is_longer_than_the_patience(asked: float, pause: float) -> None:
    load = Load(settings(retries=Retries(busy_timeout=30)), Clock())

    assert load.busy(asked) == pause


def test_the_connections_recover_by_one_after_as_many_answers() -> None:
    clock = Clock()
    load = Load(settings(concurrency=4), clock)
    for _ in range(3):
        clock.now += load.busy(1)

    allowed = []
    for _ in range(8):
        load.served()
        allowed.append(load.allowed)

    assert allowed == [2, 2, 3, 3, 3, 4, 4, 4]


async def until_held(state: StateDatabase, count: int) -> None:
    """Until so many slots are leased."""
    async with asyncio.timeout(10):
        while len(await asyncio.to_thread(Slots(state).held, "adgs")) != count:
            pass


async def test_slots_are_given_back_when_they_are_idle_and_at_the_end(state: StateDatabase) -> None:
    async with StationLimits(settings(), state, timing=QUICK) as limits:
        async with limits.slot(), limits.slot():
            await until_held(state, 2)
        await until_held(state, 0)
        async with limits.slot():
            await until_held(state, 1)
    await until_held(state, 0)


async def test_the_connection_of_a_slot_can_be_closed_before_another_has_it(state: StateDatabase) -> None:
    closed: list[tuple[int, int]] = []
    slots = Slots(state)
    async with StationLimits(settings(concurrency=2), state, timing=QUICK) as limits:
        limits.on_released(lambda number: closed.append((number, len(slots.held("adgs")))))
        async with limits.slot(), limits.slot():
            pass
        await until_held(state, 0)

    assert sorted(number for number, _ in closed) == [1, 2]
    assert all(still_leased for _, still_leased in closed)


async def test_two_that_work_side_by_side_share_fairly_and_nobody_starves(state: StateDatabase) -> None:
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
        all_limits = [
            await stack.enter_async_context(StationLimits(settings(concurrency=2), state, timing=QUICK)) for _ in counts
        ]
        async with asyncio.TaskGroup() as group:
            for who, limits in enumerate(all_limits):
                for _ in range(4):
                    group.create_task(work(limits, who))

    assert min(counts) >= 10


async def test_a_state_that_cannot_be_used_is_an_error_at_once(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    file.write_bytes(b"no database " * 1000)

    with pytest.raises(StateError, match=str(file)):
        async with StationLimits(settings(), StateDatabase(f"sqlite:///{file}")):
            pass


async def test_valid_leases_are_used_while_the_state_is_locked(
    state: StateDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_assets.state.database._BRIEF_BUSY_TIMEOUT_S", 0.02)
    timing = Timing(renew=0.02, look=0.02, look_for_slots=0.02, keep_idle=60, patience=0)
    async with StationLimits(settings(concurrency=1), state, timing=timing) as limits:
        async with limits.slot():
            pass
        with sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None) as blocking:
            blocking.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(10):
                while limits._keeper is None or limits._keeper._failing_since is None:
                    await asyncio.to_thread(lambda: None)
                for _ in range(100):
                    async with limits.slot():
                        pass
            blocking.execute("ROLLBACK")
        blocking.close()


async def test_whoever_waits_for_a_slot_is_told_when_the_state_stays_out_of_reach(
    state: StateDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_assets.state.database._BRIEF_BUSY_TIMEOUT_S", 0.02)
    async with StationLimits(settings(), state, timing=Timing(look=0.02, look_for_slots=0.02, patience=0)) as limits:
        with sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None) as blocking:
            blocking.execute("BEGIN IMMEDIATE")
            with pytest.raises(StateError, match="locked"):
                async with asyncio.timeout(10), limits.slot():
                    pass
            blocking.execute("ROLLBACK")
        blocking.close()
        async with limits.slot() as number:
            assert number == 1


async def test_limits_with_a_state_are_entered_before_they_are_used(state: StateDatabase) -> None:
    limits = StationLimits(settings(), state)
    with pytest.raises(RuntimeError, match="async with"):
        async with limits.slot():
            pass
    async with limits:
        pass
    with pytest.raises(RuntimeError, match="async with"):
        async with limits.slot():
            pass


async def test_one_that_is_cancelled_at_the_end_gives_everything_back_all_the_same(state: StateDatabase) -> None:
    async def work() -> None:
        async with StationLimits(settings(), state) as limits, limits.slot():
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
    await until_held(state, 0)


def test_a_loop_that_is_closed_in_the_middle_leaves_no_lease(state: StateDatabase) -> None:
    limits = StationLimits(settings(), state)

    async def begin() -> None:
        await limits.__aenter__()
        await limits.slot().__aenter__()

    asyncio.run(begin())

    assert Slots(state).held("adgs") == {}


def recorded_sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make every sleep a note of how long it would have been, if it is one."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds:
            waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waits


async def test_turns_are_spaced_evenly(monkeypatch: pytest.MonkeyPatch, shared: StateDatabase | None) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    async with StationLimits(settings(requests_per_minute=30), shared, clock=lambda: now) as limits:
        waits = recorded_sleeps(monkeypatch)
        for _ in range(4):
            await limits.turn()
        now += timedelta(seconds=600)
        for _ in range(3):
            await limits.turn()

    assert waits == [2, 4, 6, 2, 4]


async def test_without_a_limit_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = recorded_sleeps(monkeypatch)
    limits = StationLimits(settings())

    for _ in range(100):
        await limits.turn()

    assert waits == []


async def test_leases_are_looked_after_though_all_threads_of_the_loop_are_at_work(state: StateDatabase) -> None:
    release = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    try:
        hung = loop.run_in_executor(None, release.wait)
        station = settings(requests_per_minute=60_000)
        async with asyncio.timeout(10), StationLimits(station, state) as limits, limits.slot() as number:
            assert number == 1
            await limits.turn()
    finally:
        release.set()
    assert await hung
