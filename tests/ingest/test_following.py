"""A downlink station is followed by what it publishes: nothing is asked for twice, and nothing is forgotten."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from rs_assets.ingest.following import OVERLAP, FollowCursor, Followed, follow
from rs_assets.settings import TimeField, WindowLength
from rs_assets.stations.http import StationConnection
from rs_assets.stations.registry import interface_of
from tests.stations.downlink import BEGIN, Downlink, again, chunk, chunks, session, stamp
from tests.stations.searching import DAY, MISSIONS, Entity, numbered, options, paged
from tests.stations.service import Service

NOW = BEGIN + timedelta(minutes=10)
START = FollowCursor(BEGIN)
PARTITION = "2026-11-01|S1"


async def look(
    downlink: Downlink,
    cursor: FollowCursor = START,
    *,
    now: datetime = NOW,
    running: tuple[str, ...] = (),
    settings: dict[str, Any] | None = None,
) -> Followed:
    """One look at the station, whose cursor goes through its text."""

    station = downlink.station.model_copy(update=settings or {})
    kept = FollowCursor.from_text(cursor.to_text(), start=now)
    assert kept == cursor
    async with StationConnection(station, transport=httpx.MockTransport(downlink.service)) as connection:
        search = interface_of(station).search(connection, MISSIONS)
        return await follow(search, station, kept, now=now, is_running=lambda partition: partition in running)


def partitions(followed: Followed) -> list[str]:
    return [change.partition for change in followed.changes]


async def test_new_items_and_files_ask_for_their_partition_once() -> None:
    downlink = Downlink([session()], chunks())

    first = await look(downlink)
    second = await look(downlink, first.cursor)

    assert partitions(first) == [PARTITION]
    assert (first.new_items, first.new_files) == (1, 6)
    assert partitions(second) == []
    assert second.cursor == first.cursor


async def test_the_station_is_asked_for_a_little_more_than_what_is_new() -> None:
    downlink = Downlink([session()], chunks())
    first = await look(downlink)
    downlink.service.requests.clear()

    await look(downlink, first.cursor)

    newest = BEGIN + timedelta(seconds=54)
    since = (newest - OVERLAP - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    asked = {options(request)["$filter"] for request in downlink.service.requests}
    assert asked == {f"PublicationDate gt {since}"}


async def test_every_chunk_that_comes_asks_for_its_partition_again() -> None:
    downlink = Downlink([session()])
    cursor, keys = START, []
    for entity in chunks():
        downlink.files.append(entity)
        followed = await look(downlink, cursor)
        cursor = followed.cursor
        keys += [change.run_key("downlink") for change in followed.changes]

    assert len(keys) == len(set(keys)) == 6


async def test_a_chunk_published_late_with_an_earlier_stamp_is_noticed() -> None:
    downlink = Downlink([session()], chunks())
    first = await look(downlink)
    downlink.files.append(chunk(1, 9, PublicationDate=stamp(-120)))

    second = await look(downlink, first.cursor)

    assert partitions(second) == [PARTITION]
    assert second.new_files == 1
    assert second.cursor.at == first.cursor.at


async def test_two_looks_at_the_same_state_give_the_same_run() -> None:
    downlink = Downlink([session()], chunks())

    keys = [[change.run_key("downlink") for change in (await look(downlink)).changes] for _ in range(2)]

    assert keys[0] == keys[1]


async def test_while_a_run_is_at_work_no_second_is_asked_for_and_the_change_waits() -> None:
    downlink = Downlink([session()], chunks())

    busy = await look(downlink, running=(PARTITION,))
    still = await look(downlink, busy.cursor, running=(PARTITION,))
    downlink.files.append(chunk(1, 9))
    more = await look(downlink, still.cursor, running=(PARTITION,))
    free = await look(downlink, more.cursor)
    after = await look(downlink, free.cursor)

    assert [partitions(each) for each in (busy, still, more, free, after)] == [[], [], [], [PARTITION], []]
    assert still.cursor.waiting == busy.cursor.waiting != more.cursor.waiting


async def test_the_partition_is_that_of_the_session_however_late_its_files_come() -> None:
    old = session(PublicationDate="2026-10-31T23:59:00Z")
    downlink = Downlink([old], chunks())

    assert partitions(await look(downlink)) == ["2026-10-31|S1"]
    assert partitions(await look(downlink, settings={"window": WindowLength.HOUR})) == ["2026-10-31-23:00|S1"]
    assert partitions(await look(downlink, settings={"time_field": TimeField.CONTENT})) == [PARTITION]


async def test_a_file_whose_session_is_not_shown_yet_is_looked_for_again() -> None:
    downlink = Downlink([], [chunk(1, 1)])
    first = await look(downlink)
    downlink.sessions.append(session(PublicationDate=stamp(-4000)))

    second = await look(downlink, first.cursor)

    assert partitions(first) == []
    assert partitions(second) == [PARTITION]


@pytest.mark.parametrize(
    ("entity", "settings"),
    [
        (session("S2A_1", Satellite="S2A"), {"missions": ("S1",)}),
        (session(PublicationDate="2025-12-31T23:59:59Z"), {}),
        (session("XYZ_1", Satellite=None), {"missions": ("S1",)}),
        (session(DownlinkStart=None), {"time_field": TimeField.CONTENT}),
    ],
)
async def test_what_has_no_partition_asks_for_none(entity: Entity, settings: dict[str, Any]) -> None:
    downlink = Downlink([entity], chunks(session_id=entity["SessionId"]))

    assert partitions(await look(downlink, settings=settings)) == []


async def test_a_retransfer_long_after_asks_for_the_partitions_of_both_deliveries() -> None:
    late = NOW + timedelta(days=1)
    retransfer = again(session(), seconds=86_400)
    downlink = Downlink([session(), retransfer], [again(entity, seconds=86_400 + 60) for entity in chunks()])

    followed = await look(downlink, FollowCursor(late - timedelta(hours=1)), now=late)

    assert partitions(followed) == ["2026-11-02|S1"]


async def test_the_cursor_never_moves_past_now_nor_back() -> None:
    downlink = Downlink([session(PublicationDate="2030-01-01T00:00:00Z")], [chunk(1, 1, PublicationDate=stamp(-60))])

    first = await look(downlink)
    second = await look(downlink, first.cursor)

    assert first.cursor.at == START.at
    assert (first.new_items, second.new_items, second.new_files) == (1, 0, 0)


@pytest.mark.parametrize("path", ["/cadip/Files", "/cadip/Sessions"])
async def test_doubtful_nothing_leaves_the_cursor_where_it_is(path: str) -> None:
    downlink = Downlink([session()], chunks())
    downlink.service.on(path, httpx.Response(404))

    followed = await look(downlink)
    downlink.service.on("/cadip/Files", downlink.list_files).on("/cadip/Sessions", downlink.list_sessions)
    later = await look(downlink, followed.cursor)

    assert followed.cursor.at == START.at
    assert later.cursor.at > START.at
    assert partitions(later) == [PARTITION]


@pytest.mark.parametrize(
    "text", [None, "", "no json", "[]", "null", "7", '{"version": 2}', '{"version": 1}', '{"version":1,"at":3}']
)
def test_a_cursor_that_cannot_be_read_begins_anew(text: str | None) -> None:
    assert FollowCursor.from_text(text, start=NOW) == FollowCursor(NOW)


@pytest.mark.parametrize("collection", ["sessions", "files"])
async def test_an_entity_without_publication_date_asks_for_nothing(collection: str) -> None:
    entities = {"sessions": session(PublicationDate=None), "files": chunk(1, 1, PublicationDate=None)}

    followed = await look(Downlink(**{collection: [entities[collection]]}))

    assert partitions(followed) == []
    assert followed.cursor == START


async def test_a_station_of_auxiliary_files_is_followed_product_by_product() -> None:
    service = Service().on(
        "/auxip/Products", paged([numbered(1), numbered(2, Name="XYZ.EOF"), numbered(3, Name="S2A_X")])
    )
    station = service.station()
    cursor = FollowCursor(DAY.start)

    async def look_again(cursor: FollowCursor) -> Followed:
        async with StationConnection(station, transport=httpx.MockTransport(service)) as connection:
            search = interface_of(station).search(connection, MISSIONS)
            return await follow(search, station, cursor, now=NOW, is_running=lambda _: False)

    first = await look_again(cursor)
    second = await look_again(first.cursor)

    assert partitions(first) == ["2026-11-01|S1", "2026-11-01|other"]
    assert (first.new_items, first.new_files) == (3, 0)
    assert first.cursor.at == DAY.start + timedelta(seconds=3)
    assert partitions(second) == []
