"""What others notice of a large merge in a slow store: ``python -m tests.benchmarks.waits [--quick]``.

One process searches a partition of 5,000 known products and publishes 500 items, in a store in which every write of a
document takes two seconds. Meanwhile this one, for another station, records transfers, gives signs of life and reads
what is due, every few milliseconds. Prints the longest that any of it has taken, in SQLite and in PostgreSQL (where its
server is installed), beside the same while nothing else is done.
"""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from unittest.mock import AsyncMock

import yaml
from pystac import Item
from rich.console import Console
from rich.table import Table

from rs_assets.catalog.protocol import CollectionSpec
from rs_assets.ingest import Platform
from rs_assets.ingest.due import due_partitions
from rs_assets.ingest.searching import search_partition
from rs_assets.items.files import FileState
from rs_assets.items.times import utc_now
from rs_assets.settings import parse_settings
from rs_assets.state import Heartbeats, StagedFile
from rs_assets.stations.search import Answer, StationSearch
from rs_assets.stations.window import Partition
from rs_assets.store.directory_documents import DirectoryDocuments
from tests.benchmarks.command import benchmark_parser, run, write_json
from tests.benchmarks.ticks import databases
from tests.catalog.samples import AUX, aux_item
from tests.files import file_at
from tests.platform import settings_text

GOAL_S = 0.050

_PAUSE_S = 0.005
_DAY = datetime(2026, 10, 1, tzinfo=UTC)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    options = benchmark_parser("tests.benchmarks.waits", __doc__).parse_args(arguments)
    count, delay = (20, 0.1) if options.quick else (5_000, 2.0)
    console = Console()
    figures: dict[str, dict[str, float]] = {}
    for name, state in databases(console):
        with tempfile.TemporaryDirectory(prefix="rs-waits-") as home:
            document = yaml.safe_load(settings_text("http://127.0.0.1:9"))
            if state is not None:
                document["state"] = state().model_dump(mode="json", exclude_defaults=True)
            settings = yaml.safe_dump(document)
            _merge_and_publish(settings, home, count, 0.0)
            context = multiprocessing.get_context("spawn")
            ready = context.Event()
            other = context.Process(target=_slowly, args=(settings, home, count, delay, ready))
            platform = Platform.open(parse_settings(settings, base=Path(home)))
            figures[f"{name}: alone"] = _longest(platform, until=_after(delay))
            other.start()
            ready.wait(60)
            figures[f"{name}: beside a merge"] = _longest(platform, until=partial(_has_ended, other))
            if other.exitcode:
                console.print(f"{name}: the merge ended with {other.exitcode}")
                return 1
    console.print(_table(figures))
    if options.json:
        write_json(options.json, figures)
    console.print(f"goal: nothing waits longer than {GOAL_S * 1000:g} ms for others", highlight=False)
    return 0


def _product(number: int) -> Item:
    published = _DAY + timedelta(seconds=number)
    return aux_item(f"S1A_AUX_{number:05d}.EOF", published=published, source=str(number))


def _merge_and_publish(settings: str, home: str, count: int, delay: float) -> None:
    """Search a partition of which everything is known, and write a tenth of it into the catalogue."""
    platform = Platform.open(parse_settings(settings, base=Path(home)))
    [station] = platform.settings.stations
    original = DirectoryDocuments._write_if

    def slow(self: DirectoryDocuments, path: str, content: bytes, version: object) -> bool:
        time.sleep(delay)
        return original(self, path, content, version)

    DirectoryDocuments._write_if = slow  # type: ignore[method-assign]
    try:
        partition = Partition.parse("2026-10-01|S1", station.window)
        search = AsyncMock(StationSearch)
        search.search.return_value = Answer("all", [_product(number) for number in range(count)])
        asyncio.run(search_partition(platform, search, station, partition))
        platform.catalog.ensure_collection(CollectionSpec(id=AUX, title=AUX, description="of a benchmark"))
        platform.catalog.upsert(AUX, [_product(number) for number in range(count // 10)])
    finally:
        DirectoryDocuments._write_if = original  # type: ignore[method-assign]


def _slowly(settings: str, home: str, count: int, delay: float, ready: Event) -> None:
    ready.set()
    for _ in range(3):
        _merge_and_publish(settings, home, count, delay)


def _has_ended(process: SpawnProcess) -> bool:
    return not process.is_alive()


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _longest(platform: Platform, *, until: Callable[[], bool]) -> dict[str, float]:
    """The longest that each of what another station does has taken, in seconds, and how often it was done."""
    beats, [station] = Heartbeats(platform.state), platform.settings.stations
    other = station.model_copy(update={"name": "other"})
    file = file_at("s1_aux/A/1/A.zip", "https://station.example/Products(1)/$value")

    def transfer() -> None:
        staged = StagedFile(replace(file, state=FileState.STAGED, key=file.object_key), "other", "p", None, utc_now())
        platform.transfers.record([staged])

    work: dict[str, Callable[[], object]] = {
        "transfer": transfer,
        "heartbeat": lambda: beats.beat("run", utc_now()),
        "due": lambda: list(due_partitions(platform, other, utc_now())),
    }
    longest, times = dict.fromkeys(work, 0.0), 0
    while not until() or not times:
        for name, do in work.items():
            begun = time.perf_counter()
            do()
            longest[name] = max(longest[name], time.perf_counter() - begun)
        times += 1
        time.sleep(_PAUSE_S)
    return {**longest, "times": float(times)}


def _table(figures: dict[str, dict[str, float]]) -> Table:
    table = Table(box=None)
    for heading in ("", "times", "transfer (ms)", "heartbeat (ms)", "what is due (ms)"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, row in figures.items():
        waits = (f"{row[what] * 1000:.1f}" for what in ("transfer", "heartbeat", "due"))
        table.add_row(name, f"{row['times']:.0f}", *waits)
    return table


if __name__ == "__main__":
    run(main)
