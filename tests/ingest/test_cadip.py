"""A downlink session's way from the station to the catalogue, over HTTP against the simulated station."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pystac import Item

from rs_assets.ingest import IngestOptions, PartitionReport, Platform, Step, ingest
from rs_assets.ingest.staging import StagingOptions
from rs_assets.items.completeness import is_complete, missing_from
from rs_assets.items.files import FileState
from rs_assets.items.times import utc_now
from rs_assets.stations.cadip import INTERFACE
from tests.downlink import CHUNK, DownlinkStation, downlink_platform
from tests.platform import (
    PASSWORD,
    PASSWORD_VARIABLE,
    SimulatedStation,
    assert_catalogue_is_true,
    catalogue_documents,
    day,
)


@pytest.fixture
def downlink(station: SimulatedStation) -> DownlinkStation:
    """The simulated downlink station, without faults and with an empty log."""
    return DownlinkStation(station.url)


@pytest.fixture
def platform(downlink: DownlinkStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """An installation in an empty directory, whose only station is the simulated one."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    return downlink_platform(downlink, tmp_path)


async def run(platform: Platform, key: str, options: IngestOptions | None = None) -> PartitionReport:
    """Take a partition of the downlink station through the steps; no partition may fail."""
    [report] = [report async for report in ingest(platform, "sgs", [day(key)], options)]
    assert report.error is None
    assert_catalogue_is_true(platform)
    return report


def catalogued(platform: Platform) -> list[Item]:
    return list(platform.catalog.search(collections=["s1_chunk"]))


async def test_the_sentence_of_a_report_says_how_many_sessions_are_incomplete(
    platform: Platform, downlink: DownlinkStation
) -> None:
    downlink.acquire(withheld=[[1, 2]])
    held_back = await run(platform, downlink.partition)
    downlink.order("release")
    whole = await run(platform, downlink.partition)

    assert str(held_back).startswith(f"{downlink.partition}: 1 item found; files: 5 staged; ")
    assert str(held_back).endswith("; 1 session incomplete")
    assert str(whole).endswith("; 1 item catalogued")


async def test_a_session_goes_from_the_station_to_the_catalogue(platform: Platform, downlink: DownlinkStation) -> None:
    session = downlink.acquire()

    report = await run(platform, downlink.partition)

    [item] = catalogued(platform)
    assert item.id == session["SessionId"]
    assert is_complete(item)
    assert len(item.assets) == 6
    for entity in session["Files"]:
        asset = item.assets[entity["Name"]]
        key = f"s1_chunk/{item.id}/{entity['Id']}/{entity['Name']}"
        assert platform.sink.key_of(asset.href) == key
        assert asset.extra_fields["file:checksum"].startswith("1e20")
        assert asset.extra_fields["alternate"]["station"]["href"].endswith(f"/Files({entity['Id']})/$value")
    assert report.manifest is not None
    [standing] = report.manifest.sessions
    assert (standing.complete, standing.channels, standing.size) == (True, {"1": 3, "2": 3}, 2 * (2 * CHUNK + 100))


async def test_a_session_that_grows_between_two_runs_ends_complete_with_every_chunk_moved_once(
    platform: Platform, downlink: DownlinkStation
) -> None:
    begin = datetime(2026, 11, 9, 10, tzinfo=UTC)
    session = downlink.acquire(start=begin.isoformat(), downlink_seconds=120, lag_seconds=5, Satellite="S1D")
    key = "2026-11-09|S1"
    own, station = IngestOptions(), platform.settings.station("sgs")
    seen = []
    for seconds in (20, 60, 90, 120, 600):
        downlink.set_clock(begin + timedelta(seconds=seconds))
        report = await run(platform, key, own)
        items = [item for item in report.search.items if item.id == session["SessionId"]] if report.search else []
        seen += [(len(item.assets), not INTERFACE.missing(item, station, utc_now())) for item in items]
        published = platform.catalog.get("s1_chunk", session["SessionId"])
        assert (published is not None) is (seconds == 600)

    names = {f"/cadip/sgs/Files({entity['Id']})/$value" for entity in session["Files"]}
    moved = Counter(path for path in downlink.downloads() if path in names)
    assert moved == dict.fromkeys(names, 1)
    assert seen[-1] == (6, True)
    assert any(0 < count < 6 and not complete for count, complete in seen), seen
    assert [count for count, _ in seen] == sorted(count for count, _ in seen)


async def test_the_gate_holds_a_session_back_that_lacks_a_block_and_releases_it_when_the_block_comes(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire(withheld=[[2, 2]])

    held = await run(platform, downlink.partition)
    due = platform.incomplete.due("sgs", utc_now() + timedelta(days=2))
    downlink.order("release", session=session["Id"])
    downloads = len(downlink.downloads())
    released = await run(platform, downlink.partition)

    assert held.manifest is not None
    [standing] = held.manifest.sessions
    assert standing.missing == ("channel 2: 2 of 3 chunks, no block 2",)
    assert held.manifest.count(FileState.STAGED) == 5
    assert held.manifest.items == ()
    assert due.keys() == {downlink.partition}
    assert released.manifest is not None
    assert released.manifest.count(FileState.STAGED) == 1
    assert len(downlink.downloads()) == downloads + 1
    [item] = catalogued(platform)
    assert len(item.assets) == 6
    assert platform.incomplete.outstanding("sgs") == []


async def test_an_incomplete_session_can_be_published_as_partial_and_grows_in_the_catalogue(
    downlink: DownlinkStation, tmp_path: Path, platform: Platform
) -> None:
    session = downlink.acquire(withheld=[[2, 2], [1, 3]])
    partial = downlink_platform(downlink, tmp_path / "partial", sessions={"incomplete": "partial"})

    await run(partial, downlink.partition)
    [first] = catalogued(partial)
    again = await run(partial, downlink.partition)
    downlink.order("release", session=session["Id"])
    await run(partial, downlink.partition)

    [second] = catalogued(partial)
    assert (len(first.assets), is_complete(first)) == (4, False)
    assert "channel 2: 2 of 3 chunks, no block 2" in missing_from(first)
    assert again.publication is not None
    assert again.manifest is not None
    assert again.manifest.count(FileState.SKIPPED) == 4
    assert (len(second.assets), is_complete(second)) == (6, True)


async def test_a_partial_session_that_becomes_complete_by_quiet_alone_is_updated(
    downlink: DownlinkStation, tmp_path: Path, platform: Platform
) -> None:
    downlink.acquire(withheld=[[2, 2]])
    settings = {"incomplete": "partial", "completeness": "strict"}
    await run(downlink_platform(downlink, tmp_path / "p", sessions=settings), downlink.partition)
    lenient = downlink_platform(downlink, tmp_path / "p", sessions=settings | {"completeness": "lenient"})

    await run(lenient, downlink.partition)

    [item] = catalogued(lenient)
    assert is_complete(item)
    assert len(item.assets) == 5


async def test_a_retransfer_leaves_both_deliveries_readable(platform: Platform, downlink: DownlinkStation) -> None:
    session = downlink.acquire()
    await run(platform, downlink.partition)
    [before] = catalogued(platform)
    later = downlink.order("retransfer", session=session["Id"])

    await run(platform, downlink.partition)
    await run(platform, "2026-11-10|S1")

    [item] = [item for item in catalogued(platform) if item.id == session["SessionId"]]
    assert len(item.assets) == 12
    assert all(item.assets[key].href == asset.href for key, asset in before.assets.items())
    sources = {asset.extra_fields["cadip:id"] for asset in item.assets.values()}
    assert sources == {entity["Id"] for entity in (*session["Files"], *later["Files"])}
    fields = [asset.extra_fields for asset in item.assets.values()]
    superseded = {each["cadip:id"] for each in fields if "cadip:superseded_by" in each}
    assert superseded == {entity["Id"] for entity in session["Files"]}


async def test_a_retransfer_seen_in_a_later_window_after_the_original_is_gone_is_growth(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire()
    await run(platform, downlink.partition)
    later = downlink.order("retransfer", session=session["Id"])
    downlink.order("evict", session=session["Id"])
    assert later["PublicationDate"].startswith("2026-11-10")

    report = await run(platform, "2026-11-10|S1")
    again = await run(platform, downlink.partition)

    assert report.manifest is not None
    assert report.manifest.count(FileState.CLASH) == 0
    assert again.manifest is not None
    assert again.manifest.failures == []
    [item] = [item for item in catalogued(platform) if item.id == session["SessionId"]]
    assert len(item.assets) == 12
    assert item.properties["cadip:id"] == later["Id"]


async def test_the_same_partition_twice_moves_no_byte_and_changes_no_item(
    platform: Platform, downlink: DownlinkStation
) -> None:
    downlink.acquire()
    downlink.acquire(SessionId=downlink.other_session, Satellite="S1C", withheld=[[1, 1]])
    await run(platform, downlink.partition)
    documents, downloads = catalogue_documents(platform), downlink.downloads()

    report = await run(platform, downlink.partition)

    assert catalogue_documents(platform) == documents
    assert downlink.downloads() == downloads
    assert report.manifest is not None
    assert report.manifest.count(FileState.PRESENT) == 5


async def test_a_chunk_in_the_store_is_not_read_again_unless_forced(
    platform: Platform, downlink: DownlinkStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    downlink.acquire(withheld=[[1, 1]])
    await run(platform, downlink.partition)
    read: list[str] = []
    digest = platform.sink.digest

    async def noted(key: str, algorithm: Any) -> Any:
        read.append(key)
        return await digest(key, algorithm)

    monkeypatch.setattr(platform.sink, "digest", noted)

    await run(platform, downlink.partition)
    assert read == []
    await run(platform, downlink.partition, options=IngestOptions(staging=StagingOptions(force=True)))
    assert len(read) == 5


async def test_an_object_that_has_vanished_is_fetched_again(platform: Platform, downlink: DownlinkStation) -> None:
    downlink.acquire(withheld=[[1, 1]])
    first = await run(platform, downlink.partition)
    assert first.manifest is not None
    victim = next(file for file in first.manifest.files if file.key)
    await platform.sink.delete(str(victim.key))

    second = await run(platform, downlink.partition)

    assert second.manifest is not None
    assert second.manifest.count(FileState.STAGED) == 1
    assert second.manifest.count(FileState.PRESENT) == 4


async def test_what_the_station_has_evicted_stays_known_and_stays_in_the_catalogue(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire()
    await run(platform, downlink.partition)
    documents = catalogue_documents(platform)
    gone = session["Files"][0]
    downlink.order("evict", id=gone["Id"])

    report = await run(platform, downlink.partition)

    assert report.search is not None
    assert report.search.evicted == {gone["Id"]}
    [item] = report.search.items
    assert len(item.assets) == 6
    assert is_complete(item)
    assert catalogue_documents(platform) == documents


async def test_a_chunk_evicted_before_it_was_staged_keeps_its_session_back_until_that_is_accepted(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire()
    search = IngestOptions(frozenset({Step.SEARCH}))
    await run(platform, downlink.partition, options=search)
    gone = session["Files"][0]
    downlink.order("evict", id=gone["Id"])

    first = await run(platform, downlink.partition)
    asked = len([path for path in downlink.downloads() if gone["Id"] in path])
    second = await run(platform, downlink.partition)

    for report in (first, second):
        assert report.manifest is not None
        [failure] = report.manifest.failures
        assert (failure.state, failure.source_id) == (FileState.EVICTED, gone["Id"])
        [standing] = report.manifest.sessions
        assert standing.missing == ("1 of 6 chunks are not in the store",)
    assert asked == 1
    assert len([path for path in downlink.downloads() if gone["Id"] in path]) == 1, "the station is not asked again"
    assert catalogued(platform) == []
    [outstanding] = platform.outcomes.outstanding("sgs")
    assert outstanding.file.source_id == gone["Id"]

    platform.outcomes.accept("sgs", session["SessionId"], why="lost", at=utc_now())
    await run(platform, downlink.partition)

    assert platform.outcomes.outstanding("sgs") == []


async def test_a_chunk_that_cannot_be_fetched_holds_its_session_back_and_no_other(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire()
    other = downlink.acquire(SessionId=downlink.other_session, Satellite="S1C")
    downlink.fault(path_contains=session["Files"][0]["Id"], status=500)

    report = await run(platform, downlink.partition)
    downlink.mend()
    mended = await run(platform, downlink.partition)

    assert report.manifest is not None
    assert report.manifest.count(FileState.FAILED) == 1
    assert [item.id for item in report.manifest.items] == [other["SessionId"]]
    assert mended.manifest is not None
    assert mended.manifest.count(FileState.STAGED) == 1
    assert len(catalogued(platform)) == 2


@pytest.mark.parametrize(
    "oddities",
    [
        {"text_sizes": True, "text_quality": True},
        {"quality_zero": True},
        {"without": ["QualityInfo"]},
        {"final_block": "null"},
        {"nulls": ["Retransfer", "DownlinkStart", "DownlinkStop", "DeliveryPushOK"]},
        {"without": ["Channel", "BlockNumber", "Retransfer", "StationId"]},
    ],
)
async def test_odd_sessions_are_whole_all_the_same(
    platform: Platform, downlink: DownlinkStation, oddities: dict[str, Any]
) -> None:
    downlink.acquire(**oddities)

    await run(platform, downlink.partition)

    [item] = catalogued(platform)
    assert len(item.assets) == 6


@pytest.mark.parametrize(
    ("oddities", "missing"),
    [
        ({"num_channels": 3}, "1 of 3 channels"),
        ({"quality_error": 5}, "bytes"),
        ({"final_block": "never", "quality_zero": True}, "the final block"),
        ({"block_gaps": [[1, 2]], "quality_zero": True}, "channel 1: block 2"),
    ],
)
async def test_a_doubtful_session_is_held_back_with_the_reason(
    platform: Platform, downlink: DownlinkStation, oddities: dict[str, Any], missing: str
) -> None:
    downlink.acquire(**oddities)

    await run(platform, downlink.partition)

    assert catalogued(platform) == []
    [outstanding] = platform.incomplete.outstanding("sgs")
    assert missing in outstanding.missing


async def test_what_was_staged_by_a_run_that_was_killed_is_read_once_and_then_believed(
    platform: Platform, downlink: DownlinkStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    downlink.acquire(withheld=[[1, 1]])
    await run(platform, downlink.partition)
    with platform.state.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM transfers")  # a killed run records nothing
    downloads = len(downlink.downloads())
    read: list[str] = []
    digest = platform.sink.digest

    async def noted(key: str, algorithm: Any) -> Any:
        read.append(key)
        return await digest(key, algorithm)

    monkeypatch.setattr(platform.sink, "digest", noted)

    await run(platform, downlink.partition)
    assert len(read) == 5
    await run(platform, downlink.partition)

    assert len(read) == 5
    assert len(downlink.downloads()) == downloads


async def test_two_runs_at_once_that_have_seen_different_deliveries_lose_neither(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire()
    search = IngestOptions(frozenset({Step.SEARCH}))
    await run(platform, downlink.partition, search)
    later = downlink.order("retransfer", session=session["Id"])
    later_partition = f"{later['PublicationDate'][:10]}|S1"
    await run(platform, later_partition, search)
    rest = IngestOptions(frozenset({Step.STAGE, Step.PUBLISH}))

    await asyncio.gather(run(platform, downlink.partition, rest), run(platform, later_partition, rest))

    [item] = [item for item in catalogued(platform) if item.id == session["SessionId"]]
    sources = {asset.extra_fields["cadip:id"] for asset in item.assets.values()}
    assert sources == {entity["Id"] for entity in (*session["Files"], *later["Files"])}
