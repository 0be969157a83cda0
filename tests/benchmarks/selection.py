"""How long it takes to select from 100,000 files: ``python -m tests.benchmarks.selection``.

Prints the median of three runs for reading the candidates out of the items, for every policy, and for a filter: for
files that are spread over a year, and for files that are all valid over the whole interval.
"""

import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from pystac import Asset, Item

from rs_assets.items.times import OPEN_END, format_time
from rs_assets.selection import (
    Candidate,
    Policy,
    candidates,
    choose,
    compile_filter,
    create_valcover_filter,
    parse,
)

COUNT = 100_000
RUNS = 3

_T = TypeVar("_T")

START = datetime(2026, 11, 1, 10, tzinfo=UTC)
END = START + timedelta(hours=6)


def main() -> None:
    """Print the table."""
    groups = [_items(spread=True), _items(spread=False)]
    found = [candidates(items) for items in groups]
    is_covering = compile_filter(parse(create_valcover_filter(START, END, "AUX_X")))
    print(f"{COUNT:,} items, median of {RUNS} runs, seconds")
    print(f"{'':32}{'a year':>10}{'all cover':>12}")
    _row("extraction", candidates, groups)
    for policy in Policy:
        _row(policy.value, partial(_choose, policy), found)
    _row("filter (ValCover)", lambda items: [item for item in items if is_covering(item)], groups)


def _choose(policy: Policy, files: list[Candidate]) -> object:
    return choose(files, policy, START, END)


def _row(name: str, work: Callable[[list[_T]], object], groups: list[list[_T]]) -> None:
    year, cover = (_seconds(work, group) for group in groups)
    print(f"{name:32}{year:10.3f}{cover:12.3f}")


def _seconds(work: Callable[[list[_T]], object], group: list[_T]) -> float:
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        work(group)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _items(*, spread: bool) -> list[Item]:
    """Files from minutes to weeks long, with ties, some without end."""
    chance = random.Random(1)
    return [_item(number, chance, spread=spread) for number in range(COUNT)]


def _item(number: int, chance: random.Random, *, spread: bool) -> Item:
    minutes = chance.randrange(-260_000, 260_000 if spread else 1)
    begin = START + timedelta(minutes=minutes)
    length = timedelta(minutes=chance.choice([100, 1_500, 20_000, 200_000]))
    end = OPEN_END if number % 50 == 0 else (begin if spread else END) + length
    made = begin + timedelta(hours=chance.randrange(1, 500))
    name = f"S1A_OPER_AUX_X_{number:06d}.EOF"
    item = Item(
        id=f"S1A_OPER_AUX_X_{number:06d}",
        geometry=None,
        bbox=None,
        datetime=begin,
        properties={
            "start_datetime": format_time(begin),
            "end_datetime": format_time(end),
            "processing:datetime": format_time(made),
            "created": format_time(made),
            "published": format_time(made + timedelta(hours=1)),
            "product:type": "AUX_X" if number % 2 else "AUX_Y",
            "auxip:id": f"{number:032x}",
        },
    )
    item.add_asset(name, Asset(f"https://station.example/Products({number})/$value"))
    return item


if __name__ == "__main__":
    main()
