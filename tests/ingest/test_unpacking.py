"""A packed file becomes two assets of its item: itself, and what is inside."""

import gzip
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from pystac import Item

from rs_assets.ingest import IngestOptions, Platform, Step
from rs_assets.ingest.staging import StagingOptions
from rs_assets.items.files import FileState
from rs_assets.settings import parse_settings
from rs_assets.staging.sources.http import HttpSource
from rs_assets.staging.sources.source import Answer, Wanted
from rs_assets.staging.sources.sources import SCHEMES
from rs_assets.store.origin import Origin
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, assert_catalogue_is_true, run, settings_text
from tests.servers import S3Server

from .test_ingest import made

DAYS = count(1)
"""Of May 2011, one for each test: the simulated archive has nothing then."""
CONTENT = b"<orbit/>" * 5000


@dataclass
class Service:
    """What the station gives for every file, and how often it was asked."""

    station: SimulatedStation
    key: str
    body: bytes = b""
    asked: list[str] = field(default_factory=list)

    def publish(self, name: str, body: bytes) -> None:
        """List a product of these bytes."""
        self.body = body
        checksum = [{"Algorithm": "MD5", "Value": hashlib.md5(body).hexdigest()}]
        moment = f"{self.key.partition('|')[0]}T{10 + len(self.asked):02}:00:00Z"
        self.station.add(**made(name, PublicationDate=moment, ContentLength=len(body), Checksum=checksum))


@pytest.fixture
def service(station: SimulatedStation, monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service(station, f"2011-05-{next(DAYS):02}|S1")

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield service.body

    class PackedSource(HttpSource):
        @asynccontextmanager
        async def open(self, wanted: Wanted) -> AsyncIterator[Answer]:
            service.asked.append(wanted.href)
            yield Answer(chunks(), 0, Origin(size=len(service.body)))

    monkeypatch.setitem(SCHEMES, "http", PackedSource)
    return service


def opened(url: str, base: Path, store: dict[str, Any] | None = None, **unpack: object) -> Platform:
    document = yaml.safe_load(settings_text(url, unpack={"formats": ["gzip"], **unpack}))
    document["store"] = (store or document["store"]) | {"superseded_retention": "PT0S"}
    return Platform.open(parse_settings(yaml.safe_dump(document), base=base))


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)


@pytest.fixture(params=["directory", "s3"])
def platform(request: pytest.FixtureRequest, station: SimulatedStation, tmp_path: Path) -> Platform:
    if request.param == "directory":
        return opened(station.url, tmp_path)
    server: S3Server = request.getfixturevalue("s3_server")
    store = server.store(request.getfixturevalue("prefix"))
    return opened(station.url, tmp_path, store.model_dump(mode="json", exclude_none=True))


def item_of(platform: Platform) -> Item:
    [item] = platform.catalog.search()
    return item


async def bytes_of(platform: Platform, href: str) -> bytes:
    key = platform.sink.key_of(href)
    assert key is not None
    return b"".join([data async for data in platform.sink.read(key)])


async def test_what_is_inside_is_an_asset_beside_the_packed_file(platform: Platform, service: Service) -> None:
    service.publish("S1A_AUX_PACKED.xml.gz", gzip.compress(CONTENT))

    [report] = await run(platform, service.key)

    assert report.manifest is not None
    [file] = report.manifest.files
    [member] = file.members
    assert (file.state, member.state, member.asset) == (FileState.STAGED, FileState.STAGED, "S1A_AUX_PACKED.xml")
    assets = item_of(platform).assets
    assert assets.keys() == {"S1A_AUX_PACKED.xml.gz", "S1A_AUX_PACKED.xml"}
    packed, inside = assets["S1A_AUX_PACKED.xml.gz"], assets["S1A_AUX_PACKED.xml"]
    assert inside.href == packed.href.removesuffix(".gz")
    assert await bytes_of(platform, inside.href) == CONTENT
    assert inside.extra_fields["unpacked_from"] == "S1A_AUX_PACKED.xml.gz"
    assert inside.extra_fields["file:size"] == len(CONTENT)
    assert inside.extra_fields["file:checksum"] == member.checksum
    assert (inside.media_type, inside.roles) == ("text/xml", packed.roles)
    [read] = report.manifest.from_dict(report.manifest.to_dict(), report.partition).files
    assert [(each.key, each.size, each.digest) for each in read.members] == [(member.key, member.size, member.digest)]
    assert "; files: 1 staged; 1 file unpacked; " in str(report)


async def test_the_same_window_again_moves_and_changes_nothing(platform: Platform, service: Service) -> None:
    service.publish("S1A_AUX_PACKED.xml.gz", gzip.compress(CONTENT))
    await run(platform, service.key)
    before = item_of(platform).to_dict(include_self_link=False)

    [report] = await run(platform, service.key)

    assert report.manifest is not None
    assert [file.state for file in report.manifest.files] == [FileState.SKIPPED]
    assert item_of(platform).to_dict(include_self_link=False) == before
    assert len(service.asked) == 1


async def test_what_was_inside_is_made_anew_where_it_has_vanished(platform: Platform, service: Service) -> None:
    service.publish("S1A_AUX_PACKED.xml.gz", gzip.compress(CONTENT))
    await run(platform, service.key)
    href = item_of(platform).assets["S1A_AUX_PACKED.xml"].href
    await platform.sink.delete(platform.sink.key_of(href) or "")

    await run(platform, service.key)

    assert await bytes_of(platform, href) == CONTENT
    assert len(service.asked) == 1


async def test_both_are_collected_when_a_newer_publication_has_replaced_them(
    platform: Platform, service: Service
) -> None:
    service.publish("S1A_AUX_PACKED.xml.gz", gzip.compress(CONTENT))
    await run(platform, service.key)
    old = [asset.href for asset in item_of(platform).assets.values()]
    service.publish("S1A_AUX_PACKED.xml.gz", gzip.compress(CONTENT * 2))

    await run(platform, service.key)

    inside = item_of(platform).assets["S1A_AUX_PACKED.xml"]
    assert await bytes_of(platform, inside.href) == CONTENT * 2
    assert [await platform.sink.find(platform.sink.key_of(href) or "") for href in old] == [None, None]


async def test_both_are_collected_that_a_run_left_before_it_published_them(
    platform: Platform, service: Service
) -> None:
    service.publish("S1A_AUX_PACKED.xml.gz", gzip.compress(CONTENT))
    search_and_stage = IngestOptions(frozenset({Step.SEARCH, Step.STAGE}))
    [report] = await run(platform, service.key, options=search_and_stage)
    assert report.manifest is not None
    [left] = report.manifest.files
    service.publish("S1A_AUX_PACKED.xml.gz", gzip.compress(CONTENT * 2))

    for _ in range(2):
        await run(platform, service.key)

    assert [await platform.sink.find(file.key or "") for file in (left, *left.members)] == [None, None]
    assert len(item_of(platform).assets) == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (gzip.compress(CONTENT)[:-3], "truncated"),
        (b"<xml/>", "not gzip"),
        (gzip.compress(bytes(30 << 20)), "unpack.max_ratio"),
        (gzip.compress(os.urandom(3 << 20)), "unpack.max_size"),
    ],
)
async def test_what_cannot_be_unpacked_fails_alone_and_shows_nothing(
    service: Service, station: SimulatedStation, tmp_path: Path, body: bytes, why: str
) -> None:
    small = opened(station.url, tmp_path, max_size=2 << 20 if "size" in why else 1 << 30)
    service.publish("S1A_AUX_PACKED.xml.gz", body)

    [report] = await run(small, service.key)

    assert report.manifest is not None
    [file] = report.manifest.files
    assert (file.state, file.href) == (FileState.FAILED, None)
    assert "S1A_AUX_PACKED.xml.gz is in the store but cannot be unpacked" in str(file.reason)
    assert why in str(file.reason)
    assert [failure.file.asset for failure in small.outcomes.outstanding("adgs")] == ["S1A_AUX_PACKED.xml.gz"]
    assert list(small.catalog.search()) == []
    stored = [path for path in (tmp_path / "store").rglob("S1A*") if path.is_file()]
    assert [path.name for path in stored] == ["S1A_AUX_PACKED.xml.gz"]


async def test_what_failed_is_made_good_without_moving_the_file_again(
    service: Service, station: SimulatedStation, tmp_path: Path
) -> None:
    service.publish("S1A_AUX_PACKED.xml.gz", gzip.compress(bytes(30 << 20)))
    await run(opened(station.url, tmp_path), service.key)

    again = opened(station.url, tmp_path, max_ratio=2000)
    await run(again, service.key)

    assert item_of(again).assets["S1A_AUX_PACKED.xml"].extra_fields["file:size"] == 30 << 20
    assert again.outcomes.outstanding("adgs") == []
    assert len(service.asked) == 1


async def test_what_is_packed_stays_as_it_is_without_the_setting_and_is_unpacked_by_force(
    service: Service, station: SimulatedStation, tmp_path: Path
) -> None:
    service.publish("S1A_AUX_PACKED.xml.gz", gzip.compress(CONTENT))
    plain = Platform.open(parse_settings(settings_text(station.url), base=tmp_path))
    await run(plain, service.key)
    assert list(item_of(plain).assets) == ["S1A_AUX_PACKED.xml.gz"]

    unpacking = opened(station.url, tmp_path)
    await run(unpacking, service.key, options=IngestOptions(staging=StagingOptions(force=True)))

    assert item_of(unpacking).assets.keys() == {"S1A_AUX_PACKED.xml.gz", "S1A_AUX_PACKED.xml"}
    assert assert_catalogue_is_true(unpacking) == 1
