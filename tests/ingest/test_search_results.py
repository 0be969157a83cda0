"""What a station has shown is merged file by file: nothing that was once seen is lost."""

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from pystac import Asset, Item

from rs_assets.errors import StoreError
from rs_assets.ingest.search_results import EVICTED, FIRST_SEEN, LAST_SEEN, SearchResults, entry_key, merged
from rs_assets.stations.cadip.session import Session, SessionFile, session_item
from rs_assets.stations.missions import Belonging
from rs_assets.stations.search import Answer, Rejected
from tests.platform import day
from tests.stations.downlink import SESSION, Downlink, again, chunk, chunks, is_complete, session
from tests.stations.searching import Entity

NOW = datetime(2026, 11, 1, 15, tzinfo=UTC)
PARTITION = day("2026-11-01|S1")


def item_of(files: list[Entity], *entities: Entity) -> Item:
    sessions = [Session.model_validate(entity) for entity in entities or (session(),)]
    listed = [SessionFile.model_validate(file) for file in files]
    return session_item(sessions, listed, Downlink().station, Belonging(None, None))


def product(name: str = "A.EOF", key: str = "1") -> Item:
    item = Item(name.rpartition(".")[0], None, None, NOW, {"published": "2026-11-01T10:00:00Z", "auxip:id": key})
    item.add_asset(name, Asset(f"https://station.example/{key}"))
    return item


def shown(
    previous: SearchResults | None, *items: Item, hours: float = 0, partial: bool = False, rejected: Any = ()
) -> SearchResults:
    """What has been shown so far, after an answer; the results go through their stored form."""
    answer = Answer("query", items=list(items), partial=partial, rejected=list(rejected))
    are_products = any("auxip:id" in item.properties for item in (*items, *(previous.items if previous else ())))
    results = merged(
        previous,
        answer,
        station="sgs",
        partition=PARTITION,
        now=NOW + timedelta(hours=hours),
        closed=False,
        are_sessions=not are_products,
    )
    kept = SearchResults.from_dict(json.loads(json.dumps(results.to_dict())), PARTITION)
    assert kept.evicted == results.evicted
    return kept


def sources(results: SearchResults) -> set[str]:
    return {asset.extra_fields["cadip:id"] for item in results.items for asset in item.assets.values()}


EVERY = chunks()
IDS = {entity["Id"] for entity in EVERY}


def test_a_session_that_grows_is_one_entry_which_becomes_complete() -> None:
    results = None
    standings = []
    for count in range(len(EVERY) + 1):
        results = shown(results, item_of(EVERY[:count]), hours=count)
        standings.append([(len(item.assets), is_complete(item)) for item in results.items])

    assert standings == [[(count, count == len(EVERY))] for count in range(len(EVERY) + 1)]


def test_each_file_has_the_times_of_its_own_sight() -> None:
    first = shown(None, item_of(EVERY[:2]))
    second = shown(first, item_of(EVERY[1:4]), hours=1)

    [item] = second.items
    times = {
        asset.extra_fields["cadip:id"]: tuple(asset.extra_fields.get(name) for name in (FIRST_SEEN, LAST_SEEN, EVICTED))
        for asset in item.assets.values()
    }
    early, late = "2026-11-01T15:00:00Z", "2026-11-01T16:00:00Z"
    assert times == {
        EVERY[0]["Id"]: (early, early, late),
        EVERY[1]["Id"]: (early, late, None),
        EVERY[2]["Id"]: (late, late, None),
        EVERY[3]["Id"]: (late, late, None),
    }
    assert second.evicted == {EVERY[0]["Id"]}
    assert (item.properties[FIRST_SEEN], item.properties[LAST_SEEN]) == (early, late)
    assert EVICTED not in item.properties


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_whatever_order_files_are_seen_and_evicted_all_are_kept(order: tuple[int, ...]) -> None:
    views = [EVERY[:2], EVERY[2:5], EVERY[4:]]
    results = None
    for place in order:
        results = shown(results, item_of(views[place]))

    assert results is not None
    assert sources(results) == IDS
    [item] = results.items
    assert is_complete(item)


def test_a_session_that_is_not_listed_any_more_is_kept_with_all_its_files_as_evicted() -> None:
    gone = shown(shown(None, item_of(EVERY)), hours=1)
    back = shown(gone, item_of(EVERY), hours=2)

    assert gone.evicted == IDS
    assert EVICTED in gone.items[0].properties
    assert back.evicted == set()
    assert EVICTED not in back.items[0].properties


def test_an_empty_session_is_kept_and_is_not_evicted_while_it_is_listed() -> None:
    listed = shown(shown(None, item_of([])), item_of([]))
    assert EVICTED not in listed.items[0].properties

    assert EVICTED in shown(listed).items[0].properties


def test_a_partial_answer_takes_nothing_away() -> None:
    results = shown(shown(None, item_of(EVERY)), item_of(EVERY[:1]), partial=True)

    assert results.evicted == set()
    assert sources(results) == IDS


def test_what_is_listed_but_cannot_be_read_any_more_is_not_evicted() -> None:
    first = shown(None, item_of(EVERY))

    file = shown(first, item_of(EVERY[1:]), rejected=[Rejected("x", "unreadable", EVERY[0]["Id"])])
    whole = shown(first, rejected=[Rejected(SESSION, "unreadable", SESSION)])

    assert file.evicted == set()
    assert whole.evicted == set()


def test_a_retransfer_after_the_original_was_evicted_is_added_under_keys_of_its_own() -> None:
    first = shown(None, item_of(EVERY))
    retransferred = [again(entity) for entity in EVERY]

    second = shown(first, item_of(retransferred, again(session())))
    third = shown(second, item_of([*EVERY, *retransferred], session(), again(session())))

    for results in (second, third):
        [item] = results.items
        assert len(item.assets) == 12
        assert [item.assets[entity["Name"]].extra_fields["cadip:id"] for entity in EVERY] == [e["Id"] for e in EVERY]
    assert list(second.items[0].assets) == list(third.items[0].assets)
    assert second.evicted == IDS
    assert third.evicted == set()


def test_the_missing_block_may_come_with_the_retransfer() -> None:
    first = shown(None, item_of([entity for entity in EVERY if entity["BlockNumber"] != 2]))
    second = shown(first, item_of([again(chunk(1, 2)), again(chunk(2, 2))]))

    assert not is_complete(first.items[0])
    assert is_complete(second.items[0])


def test_items_as_given_have_none_of_our_marks() -> None:
    [given] = shown(shown(None, item_of(EVERY)), item_of(EVERY[1:])).station_items

    marks = {FIRST_SEEN, LAST_SEEN, EVICTED}
    assert marks.isdisjoint(given.properties)
    assert all(marks.isdisjoint(asset.extra_fields) for asset in given.assets.values())
    assert len(given.assets) == 6


def test_two_publications_of_one_product_stay_two_entries() -> None:
    results = shown(shown(None, product()), product(key="2"))

    assert [entry_key(item, is_session=False) for item in results.items] == ["1", "2"]
    assert results.evicted == {"1"}


def test_results_that_an_earlier_program_kept_are_read_and_merged() -> None:
    old = shown(None, product(), product("B.EOF", "2")).to_dict()
    for feature in old["features"]:
        for asset in feature["assets"].values():
            for name in (FIRST_SEEN, LAST_SEEN):
                del asset[name]
    old["features"][0]["properties"][EVICTED] = "2026-11-01T15:30:00Z"

    read = SearchResults.from_dict(old, PARTITION)
    later = shown(read, product("B.EOF", "2"), hours=1)

    assert read.evicted == {"1"}
    assert later.evicted == {"1"}
    times = {item.id: (item.properties[FIRST_SEEN], item.properties.get(EVICTED)) for item in later.items}
    assert times == {"A": ("2026-11-01T15:00:00Z", "2026-11-01T15:30:00Z"), "B": ("2026-11-01T15:00:00Z", None)}
    [first, second] = later.items
    assert first.assets["A.EOF"].extra_fields[EVICTED] == "2026-11-01T15:30:00Z"
    assert second.assets["B.EOF"].extra_fields[FIRST_SEEN] == "2026-11-01T15:00:00Z"


def test_results_of_another_version_are_refused() -> None:
    document = shown(None).to_dict()
    document["rs_assets"]["schema_version"] = 2

    with pytest.raises(StoreError, match="version 2"):
        SearchResults.from_dict(document, PARTITION)
