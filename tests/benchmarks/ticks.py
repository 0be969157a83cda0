"""What a tick costs when much has come together: ``python -m tests.benchmarks.ticks [--quick]``.

Prints how long the sensors' ticks and the queries in them take with 1,000,000 transfers, 100,000 requests, 10,000
outstanding failures and a year of hourly searches in the state, in SQLite and in PostgreSQL (where its server is
installed), and with 5,000 new requests in the inbox of a directory and of an S3 server that answers after 20 ms.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from rich.console import Console
from rich.table import Table
from sqlalchemy import Table as SqlTable
from sqlalchemy import event, insert
from sqlalchemy.engine import Engine

from rs_assets.defs.on_demand.sensor import request_sensor
from rs_assets.defs.sensors import due_sensor
from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.requests import Inbox, parse_request
from rs_assets.settings import StateSettings, parse_settings
from rs_assets.state import Requests, RequestState
from rs_assets.state.schema import failures, first_searches, requests, searches, transfers
from tests.benchmarks.command import benchmark_parser, run, write_json
from tests.campaigns.stores import ThreadedS3
from tests.platform import settings_text
from tests.postgresql import POSTGRESQL_MISSING, postgresql_server

TICK_GOAL_S, QUERY_GOAL_S = 10.0, 0.020

_FULL = {"transfers": 1_000_000, "requests": 100_000, "failures": 10_000, "hours": 8_760, "inbox": 5_000}
_QUICK = {"transfers": 200, "requests": 100, "failures": 50, "hours": 48, "inbox": 20}
_LATENCY_S = 0.02
_URGENT = "zz-urgent"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    options = benchmark_parser("tests.benchmarks.ticks", __doc__).parse_args(arguments)
    counts = _QUICK if options.quick else _FULL
    console = Console()
    figures: dict[str, dict[str, float]] = {}
    for name, state in databases(console):
        with tempfile.TemporaryDirectory(prefix="rs-ticks-") as home, ThreadedS3() as s3:
            s3.server.latency = _LATENCY_S
            for store in ("directory", "s3"):
                place = Path(home) / store
                document = yaml.safe_load(settings_text("http://127.0.0.1:9", window="hour", start="2025-01-01"))
                if state is not None:
                    document["state"] = state().model_dump(mode="json", exclude_defaults=True)
                if store == "s3":
                    document["store"] = s3.server.store().model_dump(mode="json", exclude_none=True)
                platform = Platform.open(parse_settings(yaml.safe_dump(document), base=place))
                if store == "directory":
                    _fill(platform, counts)
                    figures[f"{name}: what is due"] = tick_of_due(platform)
                figures[f"{name}: inbox in {store}"] = _tick_of_inbox(platform, counts["inbox"])
    console.print(_table(figures))
    if options.json:
        write_json(options.json, figures)
    console.print(f"goals: a tick {TICK_GOAL_S:g} s, a query {QUERY_GOAL_S * 1000:g} ms", highlight=False)
    return 0


def databases(console: Console) -> Iterator[tuple[str, Callable[[], StateSettings] | None]]:
    """The databases that can be had here, each with what gives the settings of an empty one; None for the usual."""
    yield "SQLite", None
    if POSTGRESQL_MISSING:
        console.print(f"PostgreSQL is left out: {POSTGRESQL_MISSING}")
        return
    with postgresql_server() as server:
        yield "PostgreSQL", server.state


def _fill(platform: Platform, counts: dict[str, int]) -> None:
    """Write what a year leaves behind."""
    now = utc_now()
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=counts["hours"])
    hours = [start + timedelta(hours=number) for number in range(counts["hours"])]
    missions = platform.settings.stations[0].missions
    tables: dict[SqlTable, Iterator[dict[str, Any]]] = {
        transfers: (
            {
                "object_key": f"s1_aux/ITEM_{number:07d}/{number:036d}/ITEM_{number:07d}.EOF.zip",
                "station": "adgs",
                "partition": f"{hours[number % len(hours)]:%Y-%m-%d-%H:%M}|S1",
                "source_href": f"https://station.example/Products({number})/$value",
                "size": 1,
                "checksum": None,
                "attempts": 1,
                "moved": 1,
                "seconds": 0.1,
                "finished_at": now,
            }
            for number in range(counts["transfers"])
        ),
        requests: (
            {
                "id": f"old-{number:06d}",
                "state": RequestState.PENDING if number % 2 else RequestState.ANSWERED,
                "priority": number % 7,
                "source": "adgs",
                "requester": "",
                "digest": "d",
                "attempt": 1,
                "submitted_at": now - timedelta(minutes=number),
                "ended_at": None if number % 2 else now,
            }
            for number in range(counts["requests"])
        ),
        failures: (
            {
                "station": "adgs",
                "collection": "s1_aux",
                "item_id": f"I{number}",
                "asset": f"I{number}.zip",
                "source_id": str(number),
                "partition": f"{hours[number % len(hours)]:%Y-%m-%d-%H:%M}|S1",
                "status": "failed",
                "reason": "reset",
                "attempts": 1,
                "failed_first": now,
                "failed_last": now,
                "next_try": now - timedelta(minutes=number % 60),
            }
            for number in range(counts["failures"])
        ),
        searches: (
            {
                "station": "adgs",
                "partition": f"{hour:%Y-%m-%d-%H:%M}|{mission}",
                "window_end": hour + timedelta(hours=1),
                "attempted_at": now,
                "searched_at": now,
                "was_closed": True,
            }
            for hour in hours
            for mission in missions
        ),
        first_searches: iter([{"station": "adgs", "at": start}]),
    }
    for table, rows in tables.items():
        with platform.state.transaction() as connection:
            while some := [row for _, row in zip(range(5000), rows, strict=False)]:
                connection.execute(insert(table), some)


def tick_of_due(platform: Platform) -> dict[str, float]:
    """The longest of three ticks, and its longest query."""
    [station] = platform.settings.stations
    with dg.DagsterInstance.ephemeral() as instance, _queries() as queries:
        spent = []
        for _ in range(3):
            begun = time.perf_counter()
            result = due_sensor(station)(dg.build_sensor_context(instance=instance, resources={"platform": platform}))
            spent.append(time.perf_counter() - begun)
            assert isinstance(result, dg.SensorResult)
    return {"tick": max(spent), "query": max(queries), "ticks": 1}


def _tick_of_inbox(platform: Platform, count: int) -> dict[str, float]:
    """Ticks until all requests are taken in: the longest, its longest query, and how many."""
    document = {
        "source": "adgs",
        "product_types": ["AUX_RESORB"],
        "start": "2026-03-01T00:00:00Z",
        "end": "2026-03-01T01:00:00Z",
        "policy": "LatestValIntersect",
    }
    ids = [f"new-{number:05d}" for number in range(count)]
    for request_id in ids:
        platform.documents.write(f"inbox/{request_id}.json", document)
    Inbox(platform.documents).file(parse_request(document | {"priority": 100}), _URGENT)
    known = Requests(platform.state).known
    spent: list[float] = []
    with _queries() as queries, dg.DagsterInstance.ephemeral() as instance:
        while not spent or len(known([_URGENT, *ids])) <= count:
            begun = time.perf_counter()
            context = dg.build_sensor_context(instance=instance, resources={"platform": platform})
            request_sensor(platform.settings.requests_per_run)(context)
            spent.append(time.perf_counter() - begun)
    return {"tick": max(spent), "query": max(queries), "ticks": float(len(spent))}


@contextmanager
def _queries() -> Iterator[list[float]]:
    """The seconds of every query meanwhile."""
    spent: list[float] = []
    begun: list[float] = []

    def before(*_: object) -> None:
        begun.append(time.perf_counter())

    def after(*_: object) -> None:
        spent.append(time.perf_counter() - begun.pop())

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    try:
        yield spent
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)


def _table(figures: dict[str, dict[str, float]]) -> Table:
    table = Table(box=None)
    for heading in ("", "ticks", "longest tick (s)", "longest query (ms)"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, row in figures.items():
        table.add_row(name, f"{row['ticks']:.0f}", f"{row['tick']:.2f}", f"{row['query'] * 1000:.1f}")
    return table


if __name__ == "__main__":
    run(main)
