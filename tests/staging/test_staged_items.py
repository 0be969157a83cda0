import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pystac import Asset, Item

from rs_assets.items.files import FileState
from rs_assets.staging.staged_items import StagedItem, stage_items
from rs_assets.store.directory_sink import DirectorySink

from .fault_station import FaultStation, Reply
from .rig import AT_ONCE, content, files_in, md5, settings_of, source_of

BODY = b"bytes of a product"
STAGED, FAILED = FileState.STAGED, FileState.FAILED


def item_of(name: str, **assets: Asset) -> Item:
    item = Item(name, None, None, datetime(2026, 1, 1, tzinfo=UTC), {"auxip:id": f"uuid-{name}"})
    for key, asset in assets.items():
        item.add_asset(key, asset)
    return item


def asset_of(href: str, body: bytes = BODY) -> Asset:
    return Asset(href, extra_fields={"file:size": len(body), "file:checksum": md5(body).multihash})


async def staged(
    station: FaultStation,
    sink: DirectorySink,
    items: list[Item],
    *,
    selected_assets: set[str] | None = None,
) -> list[StagedItem]:
    settings = settings_of(station, retries=AT_ONCE)
    async with asyncio.timeout(10), source_of(station) as source:
        return await stage_items(items, "s1_aux", source, sink, settings, selected_assets=selected_assets)


async def test_a_complete_item_has_an_href_for_every_asset(station: FaultStation, sink: DirectorySink) -> None:
    item = item_of(
        "A", zip=asset_of(station.serve("/1", Reply(BODY))), xml=asset_of(station.serve("/2", Reply(b"x")), b"x")
    )
    (outcome,) = await staged(station, sink, [item])
    assert outcome.is_complete
    assert {key: content(href) for key, href in outcome.hrefs.items()} == {"zip": BODY, "xml": b"x"}
    assert outcome.files[0].key == "s1_aux/A/uuid-A/zip"


async def test_one_failed_asset_makes_its_item_incomplete_and_no_other(
    station: FaultStation, sink: DirectorySink
) -> None:
    good, bad = station.serve("/good", Reply(BODY)), station.serve("/bad", Reply(status=403))
    items = [item_of("A", zip=asset_of(good), xml=asset_of(bad)), item_of("B", zip=asset_of(good))]
    first, second = await staged(station, sink, items)
    assert (first.is_complete, second.is_complete) == (False, True)
    assert [file.state for file in (*first.files, *second.files)] == [STAGED, FAILED, STAGED]
    assert (first.files[1].reason or "").startswith("adgs: ")


async def test_only_selected_assets_are_staged_and_decide(station: FaultStation, sink: DirectorySink) -> None:
    bad = station.serve("/bad", Reply(status=403))
    item = item_of("A", product=asset_of(station.serve("/1", Reply(BODY))), quicklook=asset_of(bad))
    (outcome,) = await staged(station, sink, [item], selected_assets={"product"})
    assert outcome.is_complete
    assert set(outcome.hrefs) == {"product"}
    assert station.asked("/bad") == []


async def test_an_item_without_an_asset_to_stage_is_not_complete(station: FaultStation, sink: DirectorySink) -> None:
    (outcome,) = await staged(station, sink, [item_of("A")])
    assert not outcome.is_complete
    assert outcome.files == ()


@pytest.mark.parametrize("name", ["../A", "..", "a/b"])
async def test_an_unsafe_name_fails_its_file_and_no_other(
    station: FaultStation, sink: DirectorySink, tmp_path: Path, name: str
) -> None:
    href = station.serve("/1", Reply(BODY))
    items = [item_of(name, zip=asset_of(href)), item_of("B", **{name: asset_of(href), "zip": asset_of(href)})]
    files = [file for each in await staged(station, sink, items) for file in each.files]
    assert [file.state for file in files] == [FAILED, FAILED, STAGED]
    assert "cannot be a file name" in (files[0].reason or "")
    assert files_in(tmp_path) == ["store/s1_aux/B/uuid-B/zip"]


async def test_a_digest_that_the_item_does_not_state_is_marked_as_our_own(
    station: FaultStation, sink: DirectorySink
) -> None:
    href = station.serve("/1", Reply(BODY))
    (outcome,) = await staged(station, sink, [item_of("A", a=asset_of(href), b=Asset(href))])
    stated, unstated = outcome.files
    assert not stated.has_own_digest
    assert unstated.has_own_digest
    assert unstated.digest is not None


@pytest.mark.parametrize("size", [len(BODY), str(len(BODY)), f" {len(BODY)} "])
async def test_a_size_that_is_stated_as_text_counts(station: FaultStation, sink: DirectorySink, size: object) -> None:
    right = Asset(station.serve("/1", Reply(BODY)), extra_fields={"file:size": size})
    wrong = Asset(station.serve("/2", Reply(BODY[:-1])), extra_fields={"file:size": size})
    staged_items = await staged(station, sink, [item_of("A", zip=right), item_of("B", zip=wrong)])
    one, other = (file for each in staged_items for file in each.files)
    assert (one.state, other.state) == (STAGED, FAILED)
    assert f"states {len(BODY)}" in (other.reason or "")


@pytest.mark.parametrize("size", ["much", "-1", -1, True, None, [3]])
async def test_a_size_that_is_no_number_of_bytes_is_not_compared(
    station: FaultStation, sink: DirectorySink, size: object
) -> None:
    asset = Asset(station.serve("/1", Reply(BODY)), extra_fields={"file:size": size})
    [[file]] = [each.files for each in await staged(station, sink, [item_of("A", zip=asset)])]
    assert (file.state, file.size) == (STAGED, len(BODY))


async def test_a_checksum_of_an_unknown_kind_is_a_warning(station: FaultStation, sink: DirectorySink) -> None:
    asset = Asset(station.serve("/1", Reply(BODY)), extra_fields={"file:checksum": "ff00"})
    [[file]] = [each.files for each in await staged(station, sink, [item_of("A", zip=asset)])]
    assert file.state is STAGED
    assert "cannot be compared" in file.warnings[0]
