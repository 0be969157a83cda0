"""A partition's way from the station to the catalogue, over HTTP against the simulated station."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pystac import ItemCollection, STACObjectType
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from pystac.version import STACVersion

from rs_assets.catalog.protocol import UpsertStatus
from rs_assets.ingest import IngestOptions, PartitionMessage, Platform, Step, ingest
from rs_assets.ingest.pipeline import failure_message
from rs_assets.ingest.search_results import EVICTED, FIRST_SEEN, LAST_SEEN, results_path
from rs_assets.ingest.staging import StagingOptions
from rs_assets.items.files import FileState
from rs_assets.items.times import utc_now
from rs_assets.settings import parse_settings
from rs_assets.staging.messages import Paused
from tests.platform import (
    PASSWORD,
    PASSWORD_VARIABLE,
    SimulatedStation,
    assert_catalogue_is_true,
    catalogue_documents,
    day,
    object_path,
    run,
    settings_text,
)

ONLY_SEARCH = IngestOptions(frozenset({Step.SEARCH}))
SEARCH_AND_STAGE = IngestOptions(frozenset({Step.SEARCH, Step.STAGE}))


def made(name: str, **more: object) -> dict[str, object]:
    """A hand-made product of S1, published on 2026-11-02, as the simulator takes it."""
    return {
        "Name": name,
        "size": 2000,
        "PublicationDate": "2026-11-02T10:00:00.000Z",
        "Attributes": {"platformShortName": "SENTINEL-1", "platformSerialIdentifier": "A", "productType": "AUX_TEST"},
    } | more


async def test_a_partition_goes_from_the_station_to_the_catalogue(platform: Platform) -> None:
    [report] = await run(platform, "2026-10-01|S1")

    assert report.error is None
    assert report.search is not None
    assert len(report.search.items) > 10
    assert assert_catalogue_is_true(platform) == len(report.search.items)
    item = next(platform.catalog.search(collections=["s1_aux"]))
    [asset] = item.assets.values()
    assert asset.extra_fields["alternate"]["station"]["href"].endswith(
        f"Products({item.properties['auxip:id']})/$value"
    )


async def test_a_pause_during_a_search_is_told_with_its_seconds(platform: Platform, station: SimulatedStation) -> None:
    station.fault(path_contains="Products", status=429, retry_after_seconds=1, times=1)
    told: list[PartitionMessage] = []
    partition = day("2026-10-01|S1")

    [report] = [each async for each in ingest(platform, "adgs", [partition], ONLY_SEARCH, told.append)]

    assert "and has been busy for longer than 0.2 s" in str(report.error)
    pauses = [each.message.seconds for each in told if isinstance(each.message, Paused)]
    assert pauses
    assert all(0 < seconds <= 1 for seconds in pauses)


async def test_an_object_s_key_is_collection_item_publication_and_name(platform: Platform) -> None:
    await run(platform, "2026-10-01|S1")

    for item in platform.catalog.search():
        [(name, asset)] = item.assets.items()
        expected = Path(platform.settings.store.place) / "s1_aux" / item.id / item.properties["auxip:id"] / name
        assert object_path(asset.href) == expected
        assert name.startswith(item.id)


async def test_the_search_results_are_an_item_collection_that_pystac_reads(platform: Platform) -> None:
    [report] = await run(platform, "2026-10-01|S2", options=IngestOptions(frozenset({Step.SEARCH})))

    path = object_path(platform.documents.url(results_path("adgs", report.partition)))
    items = ItemCollection.from_file(str(path))
    validator = JsonSchemaSTACValidator()
    assert len(items) > 10
    for item in items:
        assert item.properties[FIRST_SEEN] == item.properties[LAST_SEEN]
        document = item.to_dict(include_self_link=False)
        validator.validate_core(document, STACObjectType.ITEM, STACVersion.get_stac_version())


async def test_the_same_window_twice_moves_no_byte_and_changes_no_item(
    platform: Platform, station: SimulatedStation
) -> None:
    await run(platform, "2026-10-01|S1", "2026-10-01|S3")
    before = catalogue_documents(platform)
    station.reset()

    reports = await run(platform, "2026-10-01|S1", "2026-10-01|S3")

    assert station.downloads() == []
    assert catalogue_documents(platform) == before
    assert all(report.manifest and report.manifest.count(FileState.STAGED) == 0 for report in reports)


async def test_searching_again_after_the_station_evicted_everything_loses_nothing(
    platform: Platform, station: SimulatedStation
) -> None:
    entity = station.add(**made("S1A_AUX_ONCE.EOF", PublicationDate="2011-01-01T10:00:00Z"))
    [first] = await run(platform, "2011-01-01|S1")
    before = catalogue_documents(platform)
    station.evict(id=entity["Id"])

    [second] = await run(platform, "2011-01-01|S1")

    assert first.search is not None
    assert second.search is not None
    assert [item.id for item in second.search.station_items] == ["S1A_AUX_ONCE"]
    [kept] = second.search.items
    assert EVICTED in kept.properties
    assert kept.properties[FIRST_SEEN] == first.search.items[0].properties[FIRST_SEEN]
    assert catalogue_documents(platform) == before
    assert assert_catalogue_is_true(platform) == 1


async def test_what_was_evicted_and_comes_back_is_no_longer_marked(
    platform: Platform, station: SimulatedStation
) -> None:
    entity = station.add(**made("S1A_AUX_BACK.EOF", PublicationDate="2011-01-02T10:00:00Z"))
    await run(platform, "2011-01-02|S1")
    station.fault(path_contains="Products", envelope="empty_404")
    [gone] = await run(platform, "2011-01-02|S1")
    station.mend()

    [back] = await run(platform, "2011-01-02|S1")

    assert gone.search is not None
    assert gone.search.evicted == {entity["Id"]}
    assert back.search is not None
    assert back.search.evicted == set()


async def test_a_republished_product_replaces_the_item_and_an_old_window_does_not_bring_it_back(
    platform: Platform, station: SimulatedStation
) -> None:
    station.add(**made("S1A_AUX_AGAIN.EOF"))
    await run(platform, "2026-11-02|S1")
    [old] = platform.catalog.search(ids=["S1A_AUX_AGAIN"])
    new_id = station.republish(name="S1A_AUX_AGAIN.EOF")["Id"]

    await run(platform, "2026-11-10|S1")
    await run(platform, "2026-11-02|S1")

    [new] = platform.catalog.search(ids=["S1A_AUX_AGAIN"])
    assert old.properties["auxip:id"] != new_id
    assert new.properties["auxip:id"] == new_id
    assert not object_path(old.assets["S1A_AUX_AGAIN.EOF"].href).exists(), "the replaced object is collected"
    assert_catalogue_is_true(platform)


async def test_new_bytes_under_the_station_s_own_key_never_change_an_object(
    platform: Platform, station: SimulatedStation
) -> None:
    entity = station.add(**made("S1A_AUX_INPLACE.EOF"))
    await run(platform, "2026-11-02|S1")
    [old] = platform.catalog.search(ids=["S1A_AUX_INPLACE"])
    old_bytes = object_path(old.assets["S1A_AUX_INPLACE.EOF"].href).read_bytes()
    station.republish(name="S1A_AUX_INPLACE.EOF", same_id=True, replace=True)

    await run(platform, "2026-11-10|S1", options=SEARCH_AND_STAGE)
    assert object_path(old.assets["S1A_AUX_INPLACE.EOF"].href).read_bytes() == old_bytes
    assert_catalogue_is_true(platform)
    await run(platform, "2026-11-10|S1")

    [new] = platform.catalog.search(ids=["S1A_AUX_INPLACE"])
    assert new.properties["auxip:id"] == entity["Id"]
    assert new.assets["S1A_AUX_INPLACE.EOF"].href != old.assets["S1A_AUX_INPLACE.EOF"].href
    assert_catalogue_is_true(platform)


_DIES_BEFORE_THE_CATALOGUE = """
import asyncio, os, sys
from pathlib import Path
from rs_assets.catalog import SqliteCatalog
from rs_assets.ingest import Platform
from rs_assets.settings import load_settings
from tests.platform import run
SqliteCatalog.upsert = lambda *_: os._exit(9)
asyncio.run(run(Platform.open(load_settings(Path(sys.argv[1]))), sys.argv[2]))
"""


async def test_killed_between_store_and_catalogue_leaves_the_catalogue_true_and_goes_on_without_fetching_again(
    platform: Platform, station: SimulatedStation, tmp_path: Path
) -> None:
    station.add(**made("S1A_AUX_KILLED.EOF"))
    await run(platform, "2026-11-02|S1")
    station.republish(name="S1A_AUX_KILLED.EOF")
    settings = tmp_path / "settings.yaml"
    settings.write_text(settings_text(station.url))

    command = [sys.executable, "-c", _DIES_BEFORE_THE_CATALOGUE, str(settings), "2026-11-10|S1"]
    died = await asyncio.to_thread(subprocess.run, command, check=False)

    assert died.returncode == 9
    listed = assert_catalogue_is_true(platform)
    assert listed > 1
    station.reset()
    [report] = await run(platform, "2026-11-10|S1")
    assert report.error is None
    assert station.downloads() == []
    assert assert_catalogue_is_true(platform) > listed


async def test_two_products_with_one_item_id_clash_and_neither_overwrites_the_other(
    platform: Platform, station: SimulatedStation
) -> None:
    station.add(**made("S1A_AUX_TWIN.EOF"))
    await run(platform, "2026-11-02|S1")
    station.add(**made("S1A_AUX_TWIN.zip", PublicationDate="2026-11-03T10:00:00Z"))

    [report] = await run(platform, "2026-11-03|S1")

    assert report.manifest is not None
    [clash] = report.manifest.failures
    assert (clash.asset, clash.state) == ("S1A_AUX_TWIN.zip", FileState.CLASH)
    assert "item_id: name" in str(clash.reason)
    [item] = platform.catalog.search(ids=["S1A_AUX_TWIN"])
    assert set(item.assets) == {"S1A_AUX_TWIN.EOF"}
    assert [failure.file.asset for failure in platform.outcomes.outstanding("adgs")] == ["S1A_AUX_TWIN.zip"]


async def test_with_the_whole_name_as_item_id_nothing_clashes(
    station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    platform = Platform.open(parse_settings(settings_text(station.url, item_id="name"), base=tmp_path))
    for name in ("S1A_AUX_FORMS.EOF", "S1A_AUX_FORMS.zip"):
        station.add(**made(name, PublicationDate="2011-01-03T10:00:00Z"))

    [report] = await run(platform, "2011-01-03|S1")

    assert report.error is None
    assert {item.id for item in platform.catalog.search()} == {"S1A_AUX_FORMS.EOF", "S1A_AUX_FORMS.zip"}


async def test_a_bad_file_holds_no_good_one_back_and_the_next_run_stages_just_that_file(
    platform: Platform, station: SimulatedStation
) -> None:
    bad = station.add(**made("S1A_AUX_BAD.EOF", PublicationDate="2026-10-02T10:00:00Z"))["Id"]
    station.fault(path_contains=bad, corrupt=True)
    [first] = await run(platform, "2026-10-02|S1")
    outstanding = platform.outcomes.outstanding("adgs")
    station.reset()

    [second] = await run(platform, "2026-10-02|S1")

    assert first.manifest is not None
    assert first.manifest.count(FileState.STAGED) > 10
    assert [failure.file.asset for failure in outstanding] == ["S1A_AUX_BAD.EOF"]
    assert "checksum" in (outstanding[0].file.reason or "")
    assert outstanding[0].next_try is not None
    assert outstanding[0].file.attempts == 2
    assert [path for path in station.downloads() if bad not in path] == []
    assert second.manifest is not None
    assert second.manifest.count(FileState.STAGED) == 1
    assert platform.outcomes.outstanding("adgs") == []
    assert_catalogue_is_true(platform)


async def test_a_failure_stays_outstanding_while_other_partitions_succeed(
    platform: Platform, station: SimulatedStation
) -> None:
    station.add(**made("S1A_AUX_STAYS.EOF"))
    station.fault(path_contains="$value", status=404, times=1)
    await run(platform, "2026-11-02|S1", options=IngestOptions(staging=StagingOptions(limit=1)))

    await run(platform, "2026-10-03|S1", "2026-10-03|S2")

    [failure] = platform.outcomes.outstanding("adgs")
    assert (failure.partition, failure.file.state) == ("2026-11-02|S1", "evicted")


async def test_a_failed_search_fails_its_partition_and_no_other(platform: Platform, station: SimulatedStation) -> None:
    station.fault(path_contains="Products", query_contains="PublicationDate gt 2026-10-03", status=500)

    reports = await run(platform, "2026-10-03|S1", "2026-10-04|S1", "2026-10-05|S1")

    assert [report.error is None for report in reports] == [True, False, True]
    assert [len(report.done) for report in reports] == [3, 0, 3]
    message = failure_message({report.partition.key: report.error for report in reports})
    assert message is not None
    assert message.startswith("1 of 3 partitions failed.\n2026-10-04|S1: adgs: ")
    assert "500" in message


async def test_a_search_that_fails_keeps_what_earlier_ones_found(platform: Platform, station: SimulatedStation) -> None:
    await run(platform, "2026-10-06|S1")
    documents = platform.documents.read("search_results/adgs/2026-10-06/S1.json")
    station.fault(path_contains="Products", status=200, body="<html>maintenance</html>", content_type="text/html")

    [report] = await run(platform, "2026-10-06|S1")

    assert report.error is not None
    assert report.error.startswith("adgs: ")
    assert "not JSON" in report.error
    assert platform.documents.read("search_results/adgs/2026-10-06/S1.json") == documents


async def test_a_refused_password_is_one_readable_error_and_is_not_offered_again(
    platform: Platform, station: SimulatedStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")

    reports = await run(platform, "2026-10-06|S1", "2026-10-07|S1")

    message = failure_message({report.partition.key: report.error for report in reports})
    assert message is not None
    assert message.count("\n") == 1
    assert "2026-10-06|S1, 2026-10-07|S1: adgs: the token endpoint refuses the credentials" in message
    assert "wrong" not in message
    assert len([entry for entry in station.log() if entry["path"] == "/auxip/token"]) == 1


async def test_a_station_that_is_down_is_one_readable_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    platform = Platform.open(parse_settings(settings_text(f"http://127.0.0.1:{unused_port}"), base=tmp_path))

    [report] = await run(platform, "2026-10-06|S1")

    assert report.error is not None
    assert report.error.startswith("adgs: ")
    assert "cannot be reached" in report.error


async def test_a_product_seen_in_two_partitions_is_staged_once(platform: Platform, station: SimulatedStation) -> None:
    entity = station.add(**made("S1A_AUX_TWICE.EOF", PublicationDate="2011-01-04T10:00:00Z"))
    await run(platform, "2011-01-04|S1")
    station.republish(name="S1A_AUX_TWICE.EOF", same_id=True, replace=True, checksum_changed=False)

    [report] = await run(platform, "2026-11-10|S1")

    assert report.search is not None
    assert entity["Id"] in {item.properties["auxip:id"] for item in report.search.items}
    assert sum(entity["Id"] in path for path in station.downloads()) == 1


async def test_what_belongs_to_no_mission_goes_to_the_partition_other(
    platform: Platform, station: SimulatedStation
) -> None:
    attributes = {"platformShortName": "SENTINEL-6", "platformSerialIdentifier": "A", "productType": "AX____ROE__AX"}
    station.add(**made("S6A_AX____ROE__AX.SEN6", PublicationDate="2011-01-05T10:00:00Z", Attributes=attributes))

    [stray, s1] = await run(platform, "2011-01-05|other", "2011-01-05|S1")

    assert stray.search is not None
    assert [item.id for item in stray.search.items] == ["S6A_AX____ROE__AX"]
    assert s1.search is not None
    assert s1.search.items == ()
    assert [item.id for item in platform.catalog.search(collections=["other_aux"])] == ["S6A_AX____ROE__AX"]


async def test_what_belongs_to_no_mission_is_counted_where_there_is_no_partition_for_it(
    station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    platform = Platform.open(parse_settings(settings_text(station.url, missions=["S1"]), base=tmp_path))
    station.add(**made("XX_AUX_STRAY.EOF", PublicationDate="2011-01-06T10:00:00Z", Attributes={}))

    [report] = await run(platform, "2011-01-06|S1")

    assert report.search is not None
    assert report.search.unassigned == 1


async def test_an_object_that_vanished_from_the_store_is_staged_again(
    platform: Platform, station: SimulatedStation
) -> None:
    await run(platform, "2026-10-08|S2")
    item = next(platform.catalog.search())
    [asset] = item.assets.values()
    object_path(asset.href).unlink()
    station.reset()

    await run(platform, "2026-10-08|S2")

    assert len(station.downloads()) == 1
    assert_catalogue_is_true(platform)


async def test_force_finds_an_object_that_has_rotted_and_fetches_it_again(
    platform: Platform, station: SimulatedStation
) -> None:
    await run(platform, "2026-10-08|S2")
    [asset] = next(platform.catalog.search()).assets.values()
    rotten = object_path(asset.href)
    content = bytearray(rotten.read_bytes())
    content[0] ^= 1
    rotten.write_bytes(content)
    station.reset()

    await run(platform, "2026-10-08|S2", options=IngestOptions(staging=StagingOptions(force=True)))

    assert len(station.downloads()) == 1
    assert_catalogue_is_true(platform)


async def test_a_limit_leaves_the_rest_to_a_later_run(platform: Platform) -> None:
    [first] = await run(platform, "2026-10-09|S1", options=IngestOptions(staging=StagingOptions(limit=3)))
    listed = assert_catalogue_is_true(platform)
    await run(platform, "2026-10-09|S1")

    assert listed == 3
    assert first.manifest is not None
    assert first.search is not None
    assert first.manifest.count(FileState.POSTPONED) == len(first.search.items) - 3
    assert assert_catalogue_is_true(platform) == len(first.search.items)


async def test_publishing_an_old_manifest_never_lists_an_object_that_is_gone(platform: Platform) -> None:
    await run(platform, "2026-10-09|S1", options=SEARCH_AND_STAGE)
    manifest = platform.documents.read("staged_files/adgs/2026-10-09/S1.json")
    assert manifest is not None
    href = next(iter(manifest["items"][0]["assets"].values()))["href"]
    object_path(href).unlink()

    [report] = await run(platform, "2026-10-09|S1", options=IngestOptions(frozenset({Step.PUBLISH})))

    assert report.publication is not None
    [refused] = report.publication.report.refused
    assert "not in the store any more" in refused.reason
    assert assert_catalogue_is_true(platform) == len(manifest["items"]) - 1
    [failure] = platform.outcomes.outstanding("adgs")
    assert failure.file.state == "uncatalogued"


async def test_a_step_without_the_one_before_it_says_what_to_do(platform: Platform) -> None:
    [staged] = await run(platform, "2026-10-09|S1", options=IngestOptions(frozenset({Step.STAGE})))
    [published] = await run(platform, "2026-10-09|S1", options=IngestOptions(frozenset({Step.PUBLISH})))

    assert staged.error is not None
    assert "materialise adgs/search_results first" in staged.error
    assert published.error is not None
    assert "materialise adgs/staged_files first" in published.error


async def test_a_product_with_an_unsafe_name_is_reported_and_the_others_are_staged(
    platform: Platform, station: SimulatedStation
) -> None:
    station.add(**made("S1A_../../../escape.EOF", PublicationDate="2011-01-07T10:00:00Z"))
    station.add(**made("S1A_AUX_GOOD.EOF", PublicationDate="2011-01-07T11:00:00Z"))

    await run(platform, "2011-01-07|S1")

    assert [item.id for item in platform.catalog.search()] == ["S1A_AUX_GOOD"]
    [failure] = platform.outcomes.outstanding("adgs")
    assert "cannot be a file name" in (failure.file.reason or "")


async def test_a_wrong_checksum_under_a_lenient_policy_is_staged_once_and_stated_truly(
    station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    lenient = {"size": "warn", "checksum": "warn"}
    platform = Platform.open(parse_settings(settings_text(station.url, verification=lenient), base=tmp_path))
    checksum = [{"Algorithm": "MD5", "Value": "0" * 32, "ChecksumDate": "2011-01-08T10:00:00Z"}]
    station.add(**made("S1A_AUX_WRONG.EOF", PublicationDate="2011-01-08T10:00:00Z", Checksum=checksum))
    [first] = await run(platform, "2011-01-08|S1")
    station.reset()

    [second] = await run(platform, "2011-01-08|S1")

    assert first.manifest is not None
    assert first.manifest.files[0].warnings
    assert second.publication is not None
    assert second.publication.count(UpsertStatus.UNCHANGED) == 1
    assert station.downloads() == []
    assert assert_catalogue_is_true(platform) == 1


async def test_two_runs_of_one_partition_at_once_end_like_one(platform: Platform) -> None:
    both = await asyncio.gather(run(platform, "2026-10-10|S1"), run(platform, "2026-10-10|S1"))

    for [report] in both:
        assert report.error is None
        assert report.manifest is not None
        assert report.manifest.failures == []
    assert platform.documents.read(results_path("adgs", both[0][0].partition))
    assert assert_catalogue_is_true(platform) > 10


async def test_the_collection_says_what_it_holds(platform: Platform) -> None:
    await run(platform, "2026-10-01|S1")

    [collection] = platform.catalog.collections()

    assert collection.title == "Sentinel-1 auxiliary files"
    assert "AUX_RESORB" in collection.summaries.lists["product:type"]
    assert collection.extent.temporal.intervals[0][0] is not None


async def test_hourly_windows_hold_only_their_hour(
    station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rs_assets.ingest import ingest
    from rs_assets.settings import WindowLength
    from rs_assets.stations.window import Partition

    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    platform = Platform.open(parse_settings(settings_text(station.url, window="hour"), base=tmp_path))
    station.add(**made("S1A_AUX_TEN.EOF", PublicationDate="2011-01-09T10:00:00Z"))
    station.add(**made("S1A_AUX_ELEVEN.EOF", PublicationDate="2011-01-09T11:00:00Z"))

    partition = Partition.parse("2011-01-09-10:00|S1", WindowLength.HOUR)

    [report] = [report async for report in ingest(platform, "adgs", [partition])]

    assert report.search is not None
    assert [item.id for item in report.search.items] == ["S1A_AUX_TEN"]
    assert platform.documents.read("search_results/adgs/2011-01-09-1000/S1.json") is not None


async def test_nothing_that_is_said_doubtfully_is_believed_only_at_the_second_time(
    platform: Platform, station: SimulatedStation
) -> None:
    [settings] = platform.settings.stations
    station.fault(path_contains="Products", envelope="empty_404")

    def due() -> list[str]:
        later = utc_now() + timedelta(days=1)
        repeat = platform.searches.to_repeat("adgs", now=later, lag=settings.lag, pause=timedelta(minutes=15))
        return [record.partition for record in repeat]

    [first] = await run(platform, "2026-10-01|S1")
    after_the_first = due()
    await run(platform, "2026-10-01|S1")

    assert first.error is None
    assert first.search is not None
    assert first.search.warnings
    assert after_the_first == ["2026-10-01|S1"]
    assert due() == []
