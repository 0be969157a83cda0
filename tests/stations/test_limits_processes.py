"""Limits that hold whatever runs at once: real processes against a real station."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any

import pytest

from rs_assets.locks import open_locks
from rs_assets.settings import Retries, StateSettings, Station
from rs_assets.stations.limits import StationLimits

from .service import Service

PATIENCE_S = 60


class LoadedStation:
    """Answers every GET after a moment, and records how many are in flight."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.most = 0
        self.arrivals: list[float] = []
        self.paths: list[str] = []
        self.busy_answers = 0
        """How many of the next requests are answered 429."""

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """The station's address."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.paths.append(head.split()[1].decode())
                self.arrivals.append(monotonic())
                self.in_flight += 1
                self.most = max(self.most, self.in_flight)
                await asyncio.sleep(0.01)
                # Before the answer: who has it may let another begin.
                self.in_flight -= 1
                head = b"HTTP/1.1 200 OK"
                if self.busy_answers:
                    self.busy_answers -= 1
                    head = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0.1"
                writer.write(head + b"\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def settings(url: str = "http://127.0.0.1:1", **others: Any) -> Station:
    service = Service()
    service.url = url
    return service.station(None, **{"concurrency": 4, "retries": Retries(), **others})


@asynccontextmanager
async def process(
    station: Station, state: StateSettings, what: str, **order: object
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is ready and waits for a line; it is killed if it does not end."""
    order |= {
        "station": station.model_dump(mode="json"),
        "state": state.model_dump(mode="json", exclude_defaults=True),
        "what": what,
    }
    command = [sys.executable, "-m", "tests.stations.loading", json.dumps(order)]
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        assert await said_by(running) == "ready"
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def said_by(running: asyncio.subprocess.Process) -> str:
    assert running.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        return (await running.stdout.readline()).decode().strip()


async def go(running: asyncio.subprocess.Process) -> None:
    assert running.stdin is not None
    running.stdin.write(b"go\n")
    await running.stdin.drain()


async def load(station: Station, state: StateSettings, *, processes: int, count: int) -> list[str]:
    """Let processes ask for so many answers each, all at once; what they say at the end."""
    async with AsyncExitStack() as stack:
        running = [
            await stack.enter_async_context(process(station, state, "get", count=count)) for _ in range(processes)
        ]
        for each in running:
            await go(each)
        return list(await asyncio.gather(*map(said_by, running)))


@pytest.mark.parametrize("limit", [4, 2])
async def test_no_more_requests_than_allowed_are_in_flight_whatever_runs_at_once(
    state_settings: StateSettings, limit: int
) -> None:
    station = LoadedStation()
    async with station.served() as url:
        said = await load(settings(url, concurrency=limit), state_settings, processes=3, count=40)

    assert said == ["done"] * 3
    assert len(station.arrivals) == 120
    assert station.most == limit
    assert open_locks(state_settings).locked("stations/adgs/slot") == {}


async def test_a_station_that_is_busy_now_and_then_serves_every_process_in_the_end(
    state_settings: StateSettings,
) -> None:
    station = LoadedStation()
    station.busy_answers = 6
    async with station.served() as url:
        said = await load(settings(url), state_settings, processes=2, count=20)

    assert said == ["done"] * 2
    assert len(station.arrivals) == 40 + 6
    assert station.most <= 4


async def test_requests_a_minute_are_counted_over_all_processes(state_settings: StateSettings) -> None:
    station = LoadedStation()
    async with station.served() as url:
        said = await load(settings(url, requests_per_minute=1200), state_settings, processes=2, count=10)

    assert said == ["done"] * 2
    # 20 turns 50 ms apart; two processes that each keep to the limit alone would need half of that.
    assert station.arrivals[-1] - station.arrivals[0] > 0.8


async def test_the_slots_of_a_killed_process_are_free_at_once(state_settings: StateSettings) -> None:
    station = settings()
    async with process(station, state_settings, "hold") as doomed:
        await go(doomed)
        assert json.loads(await said_by(doomed)) == [1, 2, 3, 4]
        async with StationLimits(station, open_locks(state_settings)) as limits:
            waiting = asyncio.create_task(limits.slot().__aenter__())
            await asyncio.wait([waiting], timeout=0.3)
            assert not waiting.done()

            doomed.kill()
            await doomed.wait()

            async with asyncio.timeout(10):
                assert await waiting in {1, 2, 3, 4}


async def test_a_pause_holds_for_every_process(state_settings: StateSettings) -> None:
    station = LoadedStation()
    async with station.served() as url:
        patient = settings(url, retries=Retries(max_wait=1000))
        async with (
            process(patient, state_settings, "get", count=4) as running,
            StationLimits(patient, open_locks(state_settings)) as limits,
        ):
            async with limits.slot():
                limits.busy(1000)
            assert limits.load.pause > 900
            await go(running)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(running.wait(), 1)

    assert station.arrivals == []


async def test_with_more_processes_than_connections_each_gets_its_first_answer_within_a_few_requests(
    state_settings: StateSettings,
) -> None:
    station = LoadedStation()
    async with station.served() as url, AsyncExitStack() as stack:
        running = [
            await stack.enter_async_context(process(settings(url), state_settings, "get", count=300, worker=number))
            for number in range(6)
        ]
        for each in running:
            await go(each)
        assert await asyncio.gather(*map(said_by, running)) == ["done"] * 6

    firsts = [
        next(place for place, path in enumerate(station.paths) if path.endswith(f"/{number}/0")) for number in range(6)
    ]
    assert station.most == 4
    assert max(firsts) < 600, f"one process waited while {max(firsts)} of 1800 requests were answered"
