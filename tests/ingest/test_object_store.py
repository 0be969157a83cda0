"""A partition's way into an object store, on a real S3 server."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from rs_assets.ingest import Platform
from rs_assets.items.multihash import Digest
from rs_assets.items.validation import item_error
from rs_assets.settings import parse_settings
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, catalogue_documents, run, settings_text
from tests.servers import S3Server

KEYS = ("2026-10-01|S1", "2026-10-01|S2")


@pytest.fixture
def platform(
    station: SimulatedStation, s3_server: S3Server, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Platform:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    document = yaml.safe_load(settings_text(station.url))
    store = s3_server.store(prefix, superseded_retention="PT0S")
    document["store"] = store.model_dump(mode="json", exclude_none=True)
    return Platform.open(parse_settings(yaml.safe_dump(document), base=tmp_path))


async def test_a_partition_goes_from_the_station_to_the_catalogue(
    platform: Platform, s3_server: S3Server, prefix: str
) -> None:
    reports = await run(platform, *KEYS)

    assert [report.error for report in reports] == [None, None]
    stored = s3_server.files(prefix)
    assert {
        f"{name}/adgs/{key.replace('|', '/')}.json" for name in ("search_results", "staged_files") for key in KEYS
    } < set(stored)
    count = 0
    for item in platform.catalog.search():
        assert item_error(item.to_dict(include_self_link=False, transform_hrefs=False)) is None
        for asset in item.assets.values():
            address = urlsplit(asset.href)
            content = stored[address.path.removeprefix(f"/{prefix}/")]
            stated = Digest.from_multihash(asset.extra_fields["file:checksum"])
            hasher = stated.algorithm.hasher()
            hasher.update(content)
            assert (address.scheme, len(content)) == ("s3", asset.extra_fields["file:size"])
            assert hasher.hexdigest() == stated.hex
            count += 1
    assert count > 20


async def test_the_same_partitions_again_move_nothing_and_change_nothing(
    platform: Platform, station: SimulatedStation, s3_server: S3Server, prefix: str
) -> None:
    await run(platform, *KEYS)
    objects = {key: body for key, body in s3_server.files(prefix).items() if key.startswith("s")}
    items = catalogue_documents(platform)
    moved = len(station.downloads())

    reports = await run(platform, *KEYS)

    assert [report.error for report in reports] == [None, None]
    assert len(station.downloads()) == moved > 0
    assert catalogue_documents(platform) == items
    assert s3_server.files(prefix).keys() == objects.keys()


async def test_an_object_that_is_replaced_is_collected(
    platform: Platform, station: SimulatedStation, s3_server: S3Server, prefix: str
) -> None:
    entity = station.add(
        Name="S1A_AUX_REPLACED.EOF",
        size=2000,
        PublicationDate="2026-11-02T10:00:00.000Z",
        Attributes={"platformShortName": "SENTINEL-1", "platformSerialIdentifier": "A", "productType": "AUX_TEST"},
    )
    await run(platform, "2026-11-02|S1")
    assert [key for key in s3_server.files(prefix) if entity["Id"] in key]
    again = station.republish(name=entity["Name"])

    await run(platform, "2026-11-10|S1")
    await run(platform, "2026-11-02|S1")

    stored = s3_server.files(prefix)
    assert [key for key in stored if again["Id"] in key]
    assert not [key for key in stored if entity["Id"] in key]
