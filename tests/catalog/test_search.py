"""Searches of every catalogue: by time, id and collection, in order, page by page."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pystac
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_assets.catalog import Catalog, open_catalog, pages
from rs_assets.catalog.protocol import SortBy, TimeInterval
from rs_assets.items.times import OPEN_END

from .samples import AUX, DAY, SPEC, aux_item

TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


def ids(items: Iterator[pystac.Item]) -> list[str]:
    return [item.id for item in items]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (TimeInterval(), ["A"]),
        (TimeInterval(DAY + HOUR, None), ["A"]),
        (TimeInterval(DAY + HOUR + TICK, None), []),
        (TimeInterval(None, DAY), ["A"]),
        (TimeInterval(None, DAY - TICK), []),
        (TimeInterval(DAY + TICK, DAY + TICK), ["A"]),
        (TimeInterval(DAY - HOUR, DAY + 2 * HOUR), ["A"]),
    ],
)
def test_an_interval_meets_an_item_that_shares_one_instant_with_it(
    catalog: Catalog, interval: TimeInterval, expected: list[str]
) -> None:
    catalog.upsert(AUX, [aux_item("A.EOF", start=DAY, end=DAY + HOUR)])

    assert ids(catalog.search(datetime=interval)) == expected


def test_an_item_without_a_range_is_met_at_its_datetime(catalog: Catalog) -> None:
    item = pystac.Item("A", geometry=None, bbox=None, datetime=DAY, properties={})
    catalog.upsert(AUX, [item])

    assert ids(catalog.search(datetime=TimeInterval(DAY, DAY))) == ["A"]
    assert ids(catalog.search(datetime=TimeInterval(DAY + TICK, None))) == []


def test_an_item_without_an_end_is_met_until_the_last_moment(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item("A.EOF", end=OPEN_END)])

    assert ids(catalog.search(datetime=TimeInterval(OPEN_END, datetime.max.replace(tzinfo=UTC)))) == ["A"]


def test_an_interval_without_a_zone_or_turned_around_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        TimeInterval(DAY.replace(tzinfo=None))
    with pytest.raises(ValueError, match="after its end"):
        TimeInterval(DAY, DAY - TICK)


@pytest.mark.parametrize(
    ("sortby", "expected"),
    [
        (SortBy.NEWEST_PUBLICATION, ["B", "C", "A"]),
        (SortBy.OLDEST_PUBLICATION, ["A", "C", "B"]),
        (SortBy.LATEST, ["C", "B", "A"]),
        (SortBy.EARLIEST, ["A", "B", "C"]),
        (SortBy.ID, ["A", "B", "C"]),
    ],
)
def test_the_order_holds_across_collections(catalog: Catalog, sortby: SortBy, expected: list[str]) -> None:
    catalog.ensure_collection(replace(SPEC, id="s2_aux"))
    catalog.upsert(AUX, [aux_item("A.EOF", start=DAY), aux_item("C.EOF", source="2", start=DAY + HOUR, end=OPEN_END)])
    catalog.upsert("s2_aux", [aux_item("B.EOF", published=DAY + TICK, start=DAY)])

    assert ids(catalog.search(sortby=sortby)) == expected
    assert ids(catalog.search(sortby=sortby, limit=2)) == expected[:2]


def test_ids_and_collections_narrow_a_search_and_none_of_them_means_no_item(catalog: Catalog) -> None:
    catalog.ensure_collection(replace(SPEC, id="s2_aux"))
    catalog.upsert(AUX, [aux_item("A.EOF"), aux_item("B.EOF")])
    catalog.upsert("s2_aux", [aux_item("A.EOF"), aux_item("C.EOF")])

    found = catalog.search(ids=["A", "C", "X"], collections=[AUX, AUX])
    assert [(item.collection_id, item.id) for item in found] == [(AUX, "A")]
    assert len(list(catalog.search(ids=["A", "C", "X"]))) == 3
    assert list(catalog.search(ids=[])) == []
    assert list(catalog.search(collections=[])) == []


def test_a_limit_of_nothing_gives_nothing_and_a_negative_one_is_refused(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item()])

    assert list(catalog.search(limit=0)) == []
    with pytest.raises(ValueError, match="negative"):
        catalog.search(limit=-1)


def test_others_may_write_while_a_search_is_read(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item(f"A{number:04}.EOF") for number in range(1200)])

    found = []
    for step, item in enumerate(catalog.search(sortby=SortBy.ID)):
        found.append(item.id)
        if step == 100:
            catalog.upsert(AUX, [aux_item("A0000x.EOF"), aux_item("A1199x.EOF")])
            catalog.delete(AUX, "A1100")

    expected = [f"A{number:04}" for number in range(1200) if number != 1100] + ["A1199x"]
    assert found == expected


moments = st.one_of(
    st.integers(0, 12).map(lambda ticks: DAY + ticks * TICK),
    st.datetimes(timezones=st.just(UTC)),
    st.just(OPEN_END),
)
spans = st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair)))
intervals = st.one_of(
    spans,
    st.tuples(st.none(), moments),
    st.tuples(moments, st.none()),
    st.just((None, None)),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Catalog, Iterator[int]]]:
    """One catalogue for all examples, which take new collections from the counter; its pages are short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "_PAGE", 3)
        yield open_catalog(tmp_path_factory.mktemp("search") / "catalog.db"), count()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_search_by_time_finds_what_comparing_every_item_finds(
    shared: tuple[Catalog, Iterator[int]], data: st.DataObject
) -> None:
    catalog, numbers = shared
    collections = [f"c{next(numbers)}", f"c{next(numbers)}"]
    times: dict[str, tuple[datetime, datetime, datetime]] = {}
    for collection_id in collections:
        catalog.ensure_collection(replace(SPEC, id=collection_id))
        batch = []
        for number, (start, end) in enumerate(data.draw(st.lists(spans, max_size=12))):
            published = data.draw(moments)
            times[f"{collection_id}_{number}"] = (published, start, end)
            batch.append(aux_item(f"{collection_id}_{number}.EOF", published=published, start=start, end=end))
        catalog.upsert(collection_id, batch)
    low, high = data.draw(intervals)
    sortby = data.draw(st.sampled_from(SortBy))

    def key(item_id: str) -> Any:
        published, start, _ = times[item_id]
        return {"p": published, "d": start, "i": 0}[sortby.lstrip("-")[0]], item_id

    found = ids(catalog.search(collections=collections, datetime=TimeInterval(low, high), sortby=sortby))

    met = [
        item_id
        for item_id, (_, start, end) in times.items()
        if (high is None or start <= high) and (low is None or end >= low)
    ]
    assert found == sorted(met, key=key, reverse=sortby.startswith("-"))
