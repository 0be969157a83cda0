"""A year of an installation's state: ``python -m tests.benchmarks.year [--quick]``.

Writes what 5,000 staged files and 40 downlink sessions a day leave in the state, month after month, lets the
nightly housekeeping remove what is older than 90 days, and prints how much there is, how large the databases are, and
how long a tick and its longest query take, in SQLite and in PostgreSQL (where its server is installed).
"""

import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from sqlalchemy import Table as SqlTable
from sqlalchemy import func, insert, select, text

from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.settings import parse_settings
from rs_assets.state import RequestState
from rs_assets.state.schema import (
    asked_runs,
    failures,
    first_searches,
    metadata,
    requests,
    searches,
    session_entries,
    transfers,
)
from rs_assets.upkeep import keep_house
from tests.benchmarks.command import benchmark_parser, run, write_json
from tests.benchmarks.ticks import databases, tick_of_due
from tests.platform import settings_text

GROWTH_GOAL = 1.10
"""How much larger the databases may be at the end than when the first rows have become old."""

_KEPT = timedelta(days=90)
_MONTH_DAYS = 30
_ROWS_AT_ONCE = 5_000
_OF = {"files": 5_000, "sessions": 40, "failures": 50, "requests": 60}
"""How many there are a day."""
_SETTLED_MONTHS = 4
"""After so many months as much becomes old as is added."""


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    options = benchmark_parser("tests.benchmarks.year", __doc__).parse_args(arguments)
    share = 100 if options.quick else 1
    console = Console()
    months: list[dict[str, Any]] = []
    for name, state in databases(console):
        with tempfile.TemporaryDirectory(prefix="rs-year-") as home:
            document = yaml.safe_load(settings_text("http://127.0.0.1:9", window="hour", start="2024-01-01"))
            kept = dict.fromkeys(("transfers", "failures", "requests", "sessions", "asked_runs", "history"), _KEPT.days)
            document["retention"] = {what: f"P{days}D" for what, days in kept.items()}
            if state is not None:
                document["state"] = state().model_dump(mode="json", exclude_defaults=True)
            platform = Platform.open(parse_settings(yaml.safe_dump(document), base=Path(home)))
            months += _year(platform, name, share)
    console.print(_table(months))
    growth = {name: _growth([month for month in months if month["state"] == name]) for name in _names(months)}
    for name, factor in growth.items():
        console.print(f"{name}: {factor:.2f} × the size of month {_SETTLED_MONTHS}", highlight=False)
    console.print(f"goals: {GROWTH_GOAL:g} × at most, a tick 10 s, a query 20 ms", highlight=False)
    if options.json:
        write_json(options.json, {"months": months, "growth": growth})
    return 0


def _year(platform: Platform, name: str, share: int) -> Iterator[dict[str, Any]]:
    """Month after month of the year before now, each written and then tidied as of its end."""
    begin = utc_now().replace(minute=0, second=0, microsecond=0) - timedelta(days=12 * _MONTH_DAYS)
    with platform.state.transaction() as connection:
        connection.execute(insert(first_searches), {"station": "adgs", "at": begin})
    for month in range(12):
        start = begin + month * timedelta(days=_MONTH_DAYS)
        for day in range(_MONTH_DAYS):
            _write_day(platform, start + timedelta(days=day), share)
        begun = time.perf_counter()
        end = start + timedelta(days=_MONTH_DAYS)
        removed = keep_house(platform, end)
        tidied = time.perf_counter() - begun
        yield {
            "state": name,
            "month": month + 1,
            "rows": _rows(platform),
            "megabytes": _size(platform) / 1e6,
            "removed": sum(removed.values()),
            "housekeeping": tidied,
            **tick_of_due(platform),
        }


def _write_day(platform: Platform, day: datetime, share: int) -> None:
    """What one day leaves behind."""
    hours = [day + timedelta(hours=number) for number in range(24)]
    times = {
        what: [day + number * timedelta(days=1) / count for number in range(max(1, count // share))]
        for what, count in _OF.items()
    }
    tables: dict[SqlTable, Iterator[dict[str, Any]]] = {
        transfers: (
            {
                "object_key": f"s1_aux/I_{at:%Y%m%dT%H%M%S%f}/{number:036d}/I_{at:%Y%m%dT%H%M%S%f}.EOF.zip",
                "station": "adgs",
                "partition": f"{at:%Y-%m-%d-%H}:00|S1",
                "source_href": f"https://station.example/Products({number})/$value",
                "size": 1,
                "attempts": 1,
                "moved": 1,
                "seconds": 0.1,
                "finished_at": at,
            }
            for number, at in enumerate(times["files"])
        ),
        session_entries: (
            {
                "collection": "s1_chunk",
                "session_id": f"S1A_{at:%Y%m%d%H%M%S%f}",
                "station": "sgs",
                "noted_at": at,
                "settled_at": at,
            }
            for at in times["sessions"]
        ),
        failures: (
            {
                "station": "adgs",
                "collection": "s1_aux",
                "item_id": f"F_{at:%Y%m%d%H%M%S%f}",
                "asset": "F.zip",
                "source_id": "1",
                "partition": f"{at:%Y-%m-%d-%H}:00|S1",
                "status": "failed",
                "reason": "reset",
                "attempts": 1,
                "failed_first": at,
                "failed_last": at,
                "resolved_at": at,
                "resolution": "staged",
            }
            for at in times["failures"]
        ),
        requests: (
            {
                "id": f"r-{at:%Y%m%d%H%M%S%f}",
                "state": RequestState.ANSWERED,
                "priority": 0,
                "source": "adgs",
                "requester": "",
                "digest": "d",
                "attempt": 1,
                "submitted_at": at,
                "ended_at": at,
            }
            for at in times["requests"]
        ),
        searches: (
            {
                "station": "adgs",
                "partition": f"{hour:%Y-%m-%d-%H:%M}|{mission}",
                "window_end": hour + timedelta(hours=1),
                "attempted_at": hour + timedelta(hours=3),
                "searched_at": hour + timedelta(hours=3),
                "was_closed": True,
            }
            for hour in hours
            for mission in platform.settings.stations[0].missions
        ),
        asked_runs: (
            {
                "station": "adgs",
                "partition": f"{hour:%Y-%m-%d-%H:%M}|S1",
                "reason": "window closed",
                "asked_at": hour,
                "attempt": 1,
                "cancelled": 0,
            }
            for hour in hours
        ),
    }
    with platform.state.transaction() as connection:
        for table, rows in tables.items():
            while some := [row for _, row in zip(range(_ROWS_AT_ONCE), rows, strict=False)]:
                connection.execute(insert(table), some)


def _rows(platform: Platform) -> int:
    with platform.state.reading() as connection:
        return sum(
            int(connection.scalar(select(func.count()).select_from(table)) or 0) for table in metadata.sorted_tables
        )


def _size(platform: Platform) -> int:
    """Bytes that the state takes."""
    with platform.state.reading() as connection:
        if connection.dialect.name == "postgresql":
            names = ", ".join(f"pg_total_relation_size('{table.name}')" for table in metadata.sorted_tables)
            return sum(connection.execute(text(f"SELECT {names}")).one())
    file = Path(platform.state.place)
    return sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*") if path.is_file())


def _names(months: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(month["state"] for month in months))


def _growth(months: list[dict[str, Any]]) -> float:
    settled = next(month for month in months if month["month"] == _SETTLED_MONTHS)
    return float(months[-1]["megabytes"] / settled["megabytes"])


def _table(months: list[dict[str, Any]]) -> Table:
    table = Table(box=None)
    for heading in ("", "month", "rows", "MB", "removed", "housekeeping (s)", "tick (s)", "longest query (ms)"):
        table.add_column(heading, justify="left" if not heading else "right")
    for month in months:
        table.add_row(
            month["state"],
            f"{month['month']}",
            f"{month['rows']:,d}",
            f"{month['megabytes']:.1f}",
            f"{month['removed']:,d}",
            f"{month['housekeeping']:.1f}",
            f"{month['tick']:.2f}",
            f"{month['query'] * 1000:.1f}",
        )
    return table


if __name__ == "__main__":
    run(main)
