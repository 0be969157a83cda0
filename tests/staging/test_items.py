import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pystac import Asset, Item

from rs_assets.errors import StoreError
from rs_assets.staging.items import stage_items
from rs_assets.staging.report import FileOutcome, StagingReport
from rs_assets.staging.sinks.directory import DirectorySink
from rs_assets.staging.transfer import TransferStatus

from .fault_station import FaultStation, Reply
from .rig import AT_ONCE, STRICT, content, files_in, md5, source_of

BODY = b"bytes of a product"
STAGED, FAILED = TransferStatus.STAGED, TransferStatus.FAILED


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
    limit: int | None = None,
) -> StagingReport:
    async with asyncio.timeout(10), source_of(station) as source:
        return await stage_items(
            items,
            collection="s1_aux",
            source=source,
            sink=sink,
            verification=STRICT,
            retries=AT_ONCE,
            concurrency=2,
            selected_assets=selected_assets,
            limit=limit,
        )


async def test_a_complete_item_has_an_href_for_every_asset(station: FaultStation, sink: DirectorySink) -> None:
    item = item_of(
        "A", zip=asset_of(station.serve("/1", Reply(BODY))), xml=asset_of(station.serve("/2", Reply(b"x")), b"x")
    )
    (outcome,) = (await staged(station, sink, [item])).items
    assert outcome.complete
    assert outcome.reason is None
    assert {key: content(href) for key, href in outcome.hrefs.items()} == {"zip": BODY, "xml": b"x"}
    assert outcome.files[0].key == "s1_aux/A/uuid-A/zip"


async def test_one_failed_asset_makes_its_item_incomplete_and_no_other(
    station: FaultStation, sink: DirectorySink
) -> None:
    good, bad = station.serve("/good", Reply(BODY)), station.serve("/bad", Reply(status=403))
    items = [item_of("A", zip=asset_of(good), xml=asset_of(bad)), item_of("B", zip=asset_of(good))]
    report = await staged(station, sink, items)
    assert [item.complete for item in report.items] == [False, True]
    assert report.complete_items == 1
    assert (report.counts[STAGED], report.counts[FAILED]) == (2, 1)
    assert "xml: adgs: " in (report.items[0].reason or "")


async def test_only_selected_assets_are_staged_and_decide(station: FaultStation, sink: DirectorySink) -> None:
    bad = station.serve("/bad", Reply(status=403))
    item = item_of("A", product=asset_of(station.serve("/1", Reply(BODY))), quicklook=asset_of(bad))
    (outcome,) = (await staged(station, sink, [item], selected_assets={"product"})).items
    assert outcome.complete
    assert set(outcome.hrefs) == {"product"}
    assert station.asked("/bad") == []


async def test_an_item_without_an_asset_to_stage_is_not_complete(station: FaultStation, sink: DirectorySink) -> None:
    (outcome,) = (await staged(station, sink, [item_of("A")])).items
    assert not outcome.complete
    assert outcome.reason == "it has no asset to stage"


async def test_a_limit_stages_the_first_items_and_counts_the_others(station: FaultStation, sink: DirectorySink) -> None:
    href = station.serve("/1", Reply(BODY))
    report = await staged(station, sink, [item_of(name, zip=asset_of(href)) for name in "ABC"], limit=2)
    assert [item.item_id for item in report.items] == ["A", "B"]
    assert report.left_out == 1


@pytest.mark.parametrize("name", ["../A", "..", "a/b"])
async def test_an_unsafe_name_fails_its_file_and_no_other(
    station: FaultStation, sink: DirectorySink, tmp_path: Path, name: str
) -> None:
    href = station.serve("/1", Reply(BODY))
    items = [item_of(name, zip=asset_of(href)), item_of("B", **{name: asset_of(href), "zip": asset_of(href)})]
    report = await staged(station, sink, items)
    assert [file.status for file in report.files] == [FAILED, FAILED, STAGED]
    assert "cannot be a file name" in (report.files[0].reason or "")
    assert files_in(tmp_path) == ["store/s1_aux/B/uuid-B/zip"]


async def test_a_digest_that_the_item_does_not_state_is_marked_as_our_own(
    station: FaultStation, sink: DirectorySink
) -> None:
    href = station.serve("/1", Reply(BODY))
    stated, unstated = (await staged(station, sink, [item_of("A", a=asset_of(href), b=Asset(href))])).files
    assert not stated.own_digest
    assert unstated.own_digest
    assert unstated.digest is not None


@pytest.mark.parametrize("size", [len(BODY), str(len(BODY)), f" {len(BODY)} "])
async def test_a_size_that_is_stated_as_text_counts(station: FaultStation, sink: DirectorySink, size: object) -> None:
    right = Asset(station.serve("/1", Reply(BODY)), extra_fields={"file:size": size})
    wrong = Asset(station.serve("/2", Reply(BODY[:-1])), extra_fields={"file:size": size})
    one, other = (await staged(station, sink, [item_of("A", zip=right), item_of("B", zip=wrong)])).files
    assert (one.status, other.status) == (STAGED, FAILED)
    assert f"states {len(BODY)}" in (other.reason or "")


@pytest.mark.parametrize("size", ["much", "-1", -1, True, None, [3]])
async def test_a_size_that_is_no_number_of_bytes_is_not_compared(
    station: FaultStation, sink: DirectorySink, size: object
) -> None:
    asset = Asset(station.serve("/1", Reply(BODY)), extra_fields={"file:size": size})
    (file,) = (await staged(station, sink, [item_of("A", zip=asset)])).files
    assert (file.status, file.size) == (STAGED, len(BODY))


async def test_a_checksum_of_an_unknown_kind_is_a_warning(station: FaultStation, sink: DirectorySink) -> None:
    asset = Asset(station.serve("/1", Reply(BODY)), extra_fields={"file:checksum": "ff00"})
    (file,) = (await staged(station, sink, [item_of("A", zip=asset)])).files
    assert file.status is STAGED
    assert "cannot be compared" in file.warnings[0]


async def test_a_report_survives_json(station: FaultStation, sink: DirectorySink) -> None:
    again = [Reply(status=500), Reply(BODY)]
    items = [item_of("A", zip=asset_of(station.serve("/1", *again)), xml=Asset("ftp://elsewhere/f")), item_of("B")]
    report = await staged(station, sink, items, limit=2)
    assert StagingReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    assert (report.retries, report.moved) == (1, len(BODY))
    assert report.megabytes_per_second == pytest.approx(len(BODY) / report.seconds / 1e6)


@pytest.mark.parametrize("document", [{}, {"schema_version": 2}, {"schema_version": 1, "items": [{}]}])
def test_a_report_of_another_form_is_refused_with_its_reason(document: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="staging report"):
        StagingReport.from_dict(document)


def test_an_empty_report_has_a_rate_of_zero() -> None:
    assert StagingReport().megabytes_per_second == 0.0
    assert FileOutcome("a", FAILED).in_store is False
