from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rs_assets.state import IncompleteItem, IncompleteItems, StateDatabase

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PARTITION = "2026-11-01|S1"
ITEM = IncompleteItem("sgs", PARTITION, "S1A_1", "channel 1: block 2", NOW, NOW + timedelta(minutes=5))


@pytest.fixture
def items(database: StateDatabase) -> IncompleteItems:
    return IncompleteItems(database)


def test_an_item_is_incomplete_until_a_search_of_its_partition_does_not_find_it_so(items: IncompleteItems) -> None:
    other = replace(ITEM, item_id="S1A_2")
    items.seen("sgs", PARTITION, [ITEM, other])
    items.seen("sgs", "2026-11-02|S1", [])
    items.seen("mps", PARTITION, [])
    assert items.outstanding("sgs") == [ITEM, other]

    items.seen("sgs", PARTITION, [other])

    assert items.outstanding("sgs") == [other]


def test_what_a_later_search_finds_holds(items: IncompleteItems) -> None:
    later = replace(ITEM, missing="channel 1: block 3", look_again_at=None)
    items.seen("sgs", PARTITION, [ITEM])
    items.seen("sgs", PARTITION, [later])

    assert items.outstanding("sgs") == [later]


def test_only_what_is_overdue_is_given_where_that_is_asked(items: IncompleteItems) -> None:
    items.seen("sgs", PARTITION, [ITEM])

    assert items.outstanding("sgs", overdue_at=NOW - timedelta(microseconds=1)) == []
    assert items.outstanding("sgs", overdue_at=NOW) == [ITEM]


def test_a_partition_is_due_once_an_item_of_it_is_to_be_looked_for(items: IncompleteItems) -> None:
    evicted = replace(ITEM, item_id="S1A_2", look_again_at=None)
    later = replace(ITEM, item_id="S1A_3", look_again_at=NOW + timedelta(minutes=7))
    items.seen("sgs", PARTITION, [ITEM, evicted, later])
    items.seen("sgs", "2026-11-02|S1", [replace(evicted, partition="2026-11-02|S1")])

    assert items.due("sgs", NOW) == {}
    assert items.due("sgs", NOW + timedelta(minutes=5)) == {PARTITION: ITEM.look_again_at}
    assert items.due("sgs", NOW + timedelta(days=1)) == {PARTITION: later.look_again_at}


def test_an_accepted_item_is_neither_shown_nor_looked_for_while_it_is_incomplete(items: IncompleteItems) -> None:
    items.seen("sgs", PARTITION, [ITEM])

    assert items.accept("mps", "S1A_1", why="lost") == 0
    assert items.accept("sgs", "S1A_1", why="lost") == 1
    assert items.accept("sgs", "S1A_1", why="lost") == 0
    items.seen("sgs", PARTITION, [ITEM])

    assert items.outstanding("sgs") == []
    assert items.due("sgs", NOW + timedelta(days=1)) == {}


def test_an_accepted_item_that_was_complete_in_between_is_shown_again(items: IncompleteItems) -> None:
    items.seen("sgs", PARTITION, [ITEM])
    items.accept("sgs", "S1A_1", why="lost")
    items.seen("sgs", PARTITION, [])
    items.seen("sgs", PARTITION, [ITEM])

    assert items.outstanding("sgs") == [ITEM]
