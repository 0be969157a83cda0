"""Loads a station from a process of its own, within the limits that all who have the same locks keep.

Prints ``ready``, waits for a line, then does what its argument says: ``get`` asks for paths at once and prints
``done``; ``hold`` takes all slots, prints them and keeps them until it is killed.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

from rs_assets.locks import open_locks
from rs_assets.settings import StateSettings, Station, load_interface
from rs_assets.stations.http import StationConnection
from rs_assets.stations.limits import StationLimits


async def _get(station: Station, limits: StationLimits, count: int, worker: int) -> None:
    url = f"{str(station.url).rstrip('/')}/{worker}"
    async with StationConnection(station, limits=limits) as connection:
        answers = await asyncio.gather(*(connection.get(f"{url}/{number}") for number in range(count)))
    assert {answer.status_code for answer in answers} == {200}
    print("done", flush=True)


async def _hold(limits: StationLimits) -> None:
    async with AsyncExitStack() as stack:
        numbers = [await stack.enter_async_context(limits.slot()) for _ in range(limits.station.concurrency)]
        print(json.dumps(numbers), flush=True)
        await asyncio.Event().wait()


async def _main(order: dict[str, Any]) -> None:
    station = load_interface(order["station"]["interface"]).settings.model_validate(order["station"])
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    async with StationLimits(station, open_locks(StateSettings.model_validate(order["state"]))) as limits:
        if order["what"] == "get":
            await _get(station, limits, order["count"], order.get("worker", 0))
        else:
            await _hold(limits)


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
