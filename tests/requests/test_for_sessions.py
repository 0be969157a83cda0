"""Requests that are filed when a session enters the catalogue, over HTTP against the simulated stations."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rs_assets.catalog import SqliteCatalog
from rs_assets.catalog.protocol import CollectionSpec
from rs_assets.ingest import IngestOptions, Platform, ingest
from rs_assets.requests import Inbox, begin, end, plan, take_in
from rs_assets.requests.answering import Answering
from rs_assets.requests.for_sessions import file_for_sessions, session_request_id
from rs_assets.requests.model import is_request_id
from rs_assets.settings import WindowLength
from rs_assets.state import Requests, RequestState, SessionEntries
from rs_assets.stations.window import Partition
from rs_assets.store import Documents
from tests.downlink import NEEDS, DownlinkStation, downlink_platform_with_needs
from tests.platform import NOW, PASSWORD, PASSWORD_VARIABLE, SimulatedStation
from tests.requests.samples import CrashError


@pytest.fixture
def downlink(station: SimulatedStation, monkeypatch: pytest.MonkeyPatch) -> DownlinkStation:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    return DownlinkStation(station.url)


@pytest.fixture
def platform(downlink: DownlinkStation, tmp_path: Path) -> Platform:
    return downlink_platform_with_needs(downlink, tmp_path)


def day_of(downlink: DownlinkStation, mission: str = "S3") -> str:
    return downlink.partition.replace("S1", mission)


async def stage(platform: Platform, key: str) -> None:
    """Materialise a partition of the downlink station, without any error."""
    assert await error_of(platform, key) is None


async def error_of(platform: Platform, key: str) -> str | None:
    """Materialise a partition of the downlink station; what went wrong."""
    reports = ingest(platform, "sgs", [Partition.parse(key, WindowLength.DAY)], IngestOptions())
    async with aclosing(reports):
        [error] = [report.error async for report in reports]
    return error


def id_of(session: dict[str, Any]) -> str:
    return f"session-{session['SessionId']}"


async def test_a_session_that_enters_the_catalogue_files_one_request_for_what_its_processor_needs(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire(Satellite="S3A", downlink_seconds=120)
    await stage(platform, day_of(downlink))

    done = file_for_sessions(platform, NOW)

    assert done.filed == (id_of(session),)
    request = Inbox(platform.documents).read(id_of(session))
    assert (request.source, request.satellite, request.mission) == ("adgs", "S3A", None)
    assert request.requester == f"session sgs/{session['SessionId']}"
    assert request.start == downlink.begin
    assert request.end == downlink.begin + timedelta(seconds=120)
    assert [(need.types, need.policy.value, need.dt0, need.dt1) for need in request.needs] == [
        (("AX___OSF_AX",), "LatestValCover", timedelta(seconds=6000), timedelta(seconds=6000)),
        (("AX___FRO_AX",), "LatestValCover", timedelta(seconds=7000), timedelta(seconds=7000)),
    ]


async def test_a_session_that_is_seen_staged_catalogued_or_delivered_again_asks_for_nothing_new(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire(Satellite="S3A")
    await stage(platform, day_of(downlink))
    first = file_for_sessions(platform, NOW)
    two_at_once = file_for_sessions(platform, NOW)
    downlink.order("retransfer", session=session["Id"])
    await stage(platform, day_of(downlink))
    [item] = platform.catalog.search(collections=["s3_chunk"])
    delivered_again = file_for_sessions(platform, NOW)
    platform.catalog.delete("s3_chunk", item.id)
    await stage(platform, day_of(downlink))
    catalogued_again = file_for_sessions(platform, NOW)

    assert len(item.assets) == 12, "the retransfer is in the catalogue"
    assert platform.catalog.count("s3_chunk") == 1
    assert first.filed == (id_of(session),)
    assert [look.filed for look in (two_at_once, delivered_again, catalogued_again)] == [(), (), ()]
    assert Inbox(platform.documents).ids() == [id_of(session)]


async def test_a_session_that_is_held_back_asks_for_nothing_until_it_enters_the_catalogue(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire(Satellite="S3A", withheld=[[1, 2]])
    await stage(platform, day_of(downlink))
    held = file_for_sessions(platform, NOW)
    downlink.order("release", session=session["Id"])
    await stage(platform, day_of(downlink))
    released = file_for_sessions(platform, NOW)

    assert held.filed == ()
    assert released.filed == (id_of(session),)


async def test_a_partial_session_asks_when_it_enters_and_not_again_when_it_is_complete(
    downlink: DownlinkStation, tmp_path: Path
) -> None:
    platform = downlink_platform_with_needs(downlink, tmp_path, sessions={"incomplete": "partial"})
    session = downlink.acquire(Satellite="S3A", withheld=[[1, 2]])
    await stage(platform, day_of(downlink))
    partial = file_for_sessions(platform, NOW)
    downlink.order("release", session=session["Id"])
    await stage(platform, day_of(downlink))
    complete = file_for_sessions(platform, NOW)

    assert partial.filed == (id_of(session),)
    assert complete.filed == ()


async def test_a_partial_session_whose_end_nobody_knows_asks_when_nothing_more_is_expected_of_it(
    downlink: DownlinkStation, tmp_path: Path
) -> None:
    platform = downlink_platform_with_needs(downlink, tmp_path, sessions={"incomplete": "partial"})
    without = ["DownlinkStop", "PlannedDataStop"]
    session = downlink.acquire(Satellite="S3A", withheld=[[1, 2]], without=without)
    await stage(platform, day_of(downlink))

    early = file_for_sessions(platform, downlink.begin + timedelta(minutes=1))
    late = file_for_sessions(platform, downlink.begin + timedelta(hours=1))

    assert (early.filed, early.waiting) == ((), 1)
    assert late.filed == (id_of(session),)


async def test_a_session_of_a_mission_without_needs_files_nothing(
    platform: Platform, downlink: DownlinkStation
) -> None:
    downlink.acquire(Satellite="S1A")
    await stage(platform, day_of(downlink, "S1"))

    done = file_for_sessions(platform, NOW)

    assert platform.catalog.count("s1_chunk") == 1
    assert (done.filed, done.passed, done.waiting) == ((), (), 0)


async def test_sessions_that_were_there_before_the_needs_were_set_ask_for_nothing(
    downlink: DownlinkStation, tmp_path: Path
) -> None:
    before = downlink_platform_with_needs(downlink, tmp_path, needs={})
    session = downlink.acquire(Satellite="S3A")
    await stage(before, day_of(downlink))
    platform = downlink_platform_with_needs(downlink, tmp_path)
    downlink.order("retransfer", session=session["Id"])
    await stage(platform, day_of(downlink))

    assert platform.catalog.count("s3_chunk") == 1
    assert file_for_sessions(platform, NOW).filed == ()


async def test_an_old_session_asks_for_nothing_where_the_settings_say_so_and_the_reason_is_kept(
    downlink: DownlinkStation, tmp_path: Path
) -> None:
    needs = {"S3": NEEDS["S3"] | {"only_within": "P7D"}}
    platform = downlink_platform_with_needs(downlink, tmp_path, needs=needs)
    session = downlink.acquire(Satellite="S3A")
    await stage(platform, day_of(downlink))

    done = file_for_sessions(platform, downlink.begin + timedelta(days=8))
    again = file_for_sessions(platform, downlink.begin + timedelta(days=8))

    [(session_id, why)] = done.passed
    assert session_id == session["SessionId"]
    assert "only_within" in why
    assert (done.filed, again.passed) == ((), ())
    [entry] = platform.entries.of([session["SessionId"]])
    assert (entry.request_id, entry.message) == (None, why)


async def test_no_more_are_filed_at_once_than_may_be_and_the_others_with_the_next_look(
    platform: Platform, downlink: DownlinkStation
) -> None:
    sessions = [
        downlink.acquire(Satellite="S3A", start=(downlink.begin + timedelta(hours=hours)).isoformat(), chunks=1)
        for hours in range(3)
    ]
    await stage(platform, day_of(downlink))

    looks = [file_for_sessions(platform, NOW, most=2) for _ in range(3)]

    assert [len(look.filed) for look in looks] == [2, 1, 0]
    assert looks[0].waiting == 1
    assert {name for look in looks for name in look.filed} == {id_of(session) for session in sessions}


async def test_a_session_that_two_stations_have_asks_once_though_it_enters_two_collections(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire(Satellite="S3A")
    await stage(platform, day_of(downlink))
    [item] = platform.catalog.search(collections=["s3_chunk"])
    other = CollectionSpec(id="s3_mirror", title="Mirror", description="Of another station.")
    platform.catalog.ensure_collection(other)
    platform.entries.note("mirror", other.id, [item.id], at=NOW)
    copy = item.clone()
    copy.remove_links("collection")
    copy.collection_id = other.id
    assert platform.catalog.upsert(other.id, [copy]).refused == []

    done = file_for_sessions(platform, NOW)

    assert done.filed == (id_of(session),)
    assert [entry.request_id for entry in platform.entries.of([item.id])] == [id_of(session)] * 2


async def test_two_looks_at_the_same_time_file_one_request(platform: Platform, downlink: DownlinkStation) -> None:
    session = downlink.acquire(Satellite="S3A")
    await stage(platform, day_of(downlink))

    await asyncio.gather(*(asyncio.to_thread(file_for_sessions, platform, NOW) for _ in range(4)))

    assert Inbox(platform.documents).ids() == [id_of(session)]
    assert take_in(platform, NOW).accepted == (id_of(session),)
    assert file_for_sessions(platform, NOW).filed == ()


async def test_a_session_whose_times_cannot_be_asked_for_is_passed_with_the_reason_and_holds_no_other_up(
    platform: Platform, downlink: DownlinkStation
) -> None:
    good = downlink.acquire(Satellite="S3A")
    bad = downlink.acquire(Satellite="S3B", start=(downlink.begin + timedelta(hours=1)).isoformat())
    await stage(platform, day_of(downlink))
    item = platform.catalog.get("s3_chunk", bad["SessionId"])
    assert item is not None
    for name in ("start_datetime", "end_datetime"):
        del item.properties[name]
    platform.catalog.delete("s3_chunk", item.id)
    assert platform.catalog.upsert("s3_chunk", [item]).refused == []

    done = file_for_sessions(platform, NOW)

    assert done.filed == (id_of(good),)
    [(session_id, why)] = done.passed
    assert session_id == bad["SessionId"]
    assert "has no time that can be read" in why
    assert platform.entries.unsettled() == []


class Crash:
    """Lets the process die at one change that it makes, once."""

    def __init__(self, owner: type, name: str, *, after: bool) -> None:
        """Die before or after the change."""
        self.owner, self.name, self.after = owner, name, after
        self.has_happened = False

    def arm(self, patch: pytest.MonkeyPatch) -> None:
        """Watch for the change."""
        change: Callable[..., object] = getattr(self.owner, self.name)

        @functools.wraps(change)
        def deadly(*arguments: object, **options: object) -> object:
            if self.has_happened or not self._is_meant(arguments):
                return change(*arguments, **options)
            self.has_happened = True
            if self.after:
                change(*arguments, **options)
            raise CrashError

        patch.setattr(self.owner, self.name, deadly)

    def _is_meant(self, arguments: Sequence[object]) -> bool:
        match self.name:
            case "create":
                return str(arguments[1]).startswith("inbox/")
            case "upsert":
                return bool(arguments[2])
        return True


CHANGES = [(SessionEntries, "note"), (SessionEntries, "settle"), (SqliteCatalog, "upsert"), (Documents, "create")]


@pytest.mark.parametrize(
    "crash",
    [Crash(*change, after=after) for change in CHANGES for after in (False, True)],
    ids=lambda crash: f"{crash.name}-{'after' if crash.after else 'before'}",
)
async def test_a_crash_between_catalogue_and_inbox_loses_no_request_and_doubles_none(
    crash: Crash, platform: Platform, downlink: DownlinkStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = downlink.acquire(Satellite="S3A")
    crash.arm(monkeypatch)

    filed: list[str] = []
    for _ in range(3):
        if await error_of(platform, day_of(downlink)) is None:
            with suppress(CrashError):
                filed += file_for_sessions(platform, NOW).filed

    assert crash.has_happened
    assert Inbox(platform.documents).ids() == [id_of(session)]
    assert len(filed) <= 1
    assert platform.entries.unsettled() == []


async def test_a_request_that_has_ended_or_was_rejected_is_not_filed_again_after_a_crash(
    platform: Platform, downlink: DownlinkStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = downlink.acquire(Satellite="S3A")
    await stage(platform, day_of(downlink))

    def dies(*_arguments: object, **_options: object) -> None:
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(SessionEntries, "settle", dies)
        with pytest.raises(CrashError):
            file_for_sessions(platform, NOW)
    inbox = Inbox(platform.documents)
    inbox.reject(f"{id_of(session)}.json", ["because"])

    assert file_for_sessions(platform, NOW).filed == ()
    assert inbox.ids() == []
    [entry] = platform.entries.of([session["SessionId"]])
    assert entry.request_id == id_of(session)


async def test_the_request_of_a_session_is_answered_from_the_station(
    platform: Platform, downlink: DownlinkStation
) -> None:
    begin_at = datetime(2026, 11, 9, 10, tzinfo=UTC)
    session = downlink.acquire(Satellite="S3A", start=begin_at.isoformat(), downlink_seconds=300)
    await stage(platform, "2026-11-09|S3")
    file_for_sessions(platform, NOW)
    take_in(platform, NOW)
    ids = [request_id for batch in plan(platform, batch_size=100, max_batches=1) for request_id in batch.request_ids]
    assert id_of(session) in ids

    async with Answering(platform) as answering:
        request = begin(platform, id_of(session), run_id="run", at=NOW)
        result = await answering.answer(id_of(session), request)
    end(platform, id_of(session), request, result.state, result.message, result.counts, NOW)

    assert (result.state, result.counts.gaps) == (RequestState.ANSWERED, 0)
    assert result.choice is not None
    chosen = {entry.product_type: entry for entry in result.choice.types}
    for name, margin in (("AX___OSF_AX", 6000), ("AX___FRO_AX", 7000)):
        [item] = chosen[name].selection.items
        assert item.properties["platform"] == "sentinel-3a"
        assert chosen[name].selection.interval.s0 == begin_at - timedelta(seconds=margin)
        assert chosen[name].coverage.is_covered
    assert {item.collection_id for item in result.items} == {"s3_aux"}
    assert Requests(platform.state).known([id_of(session)])[id_of(session)].counts.catalogued == 2


@pytest.mark.parametrize("session_id", ["S3A_20261109100000054321", "S3A/..", "a b", "x" * 300, "é", "...", ".", ""])
def test_any_session_id_makes_an_id_of_a_request_of_its_own(session_id: str) -> None:
    request_id = session_request_id(session_id)

    assert is_request_id(request_id)
    assert request_id == session_request_id(session_id)
    assert request_id != session_request_id(session_id + "x")
