"""Files by the scheme of their address, each place with the credentials that are its own."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import obstore
import pytest

from rs_assets.errors import StationError
from rs_assets.items.files import FileState
from rs_assets.staging.engine import stage_files
from rs_assets.staging.sources import Wanted
from rs_assets.staging.sources.sources import Sources
from rs_assets.staging.transfer_errors import ChangedError, EvictedError, PassingError
from rs_assets.stations.http import StationConnection
from rs_assets.stations.limits import StationLimits
from rs_assets.store.directory_sink import DirectorySink
from rs_assets.store.origin import Origin
from rs_assets.store.s3 import s3_bucket
from tests.servers import BUCKET, S3Server
from tests.store.fault_s3 import FaultS3

from .fault_station import FaultStation, Reply, Request
from .rig import AT_ONCE, SECRET, content, settings_of, transfer_of

BODY = os.urandom(700_000)
OWN, OTHER = "OWN_SECRET", "OTHER_SECRET"


@asynccontextmanager
async def sources_of(station: FaultStation, **settings: Any) -> AsyncIterator[Sources]:
    described = settings_of(station, retries=AT_ONCE, **settings)
    async with (
        StationLimits(described) as limits,
        StationConnection(described, limits=limits) as connection,
        Sources(described, connection.keyring, limits) as sources,
    ):
        yield sources


async def read(sources: Sources, href: str, **wanted: Any) -> bytes:
    async with asyncio.timeout(10), sources.open(Wanted(href, **wanted)) as answer:
        return b"".join([chunk async for chunk in answer.chunks])


async def origin_of(sources: Sources, href: str) -> Origin:
    async with asyncio.timeout(10), sources.open(Wanted(href)) as answer:
        return answer.origin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "archive"
    path.mkdir()
    (path / "a file.zip").write_bytes(BODY)
    return path


class TestAnUnknownScheme:
    @pytest.mark.parametrize("href", ["ftp://elsewhere/f", "gopher:f", "/f", ""])
    async def test_fails_its_file_and_no_other(self, station: FaultStation, sink: DirectorySink, href: str) -> None:
        good = transfer_of(BODY, station.serve("/f", Reply(BODY)), "c/good/1/f")
        async with sources_of(station) as sources:
            bad, fine = await stage_files(
                [transfer_of(BODY, href), good], sources, sink, settings_of(station, retries=AT_ONCE)
            )
        assert (bad.state, fine.state) == (FileState.FAILED, FileState.STAGED)
        assert "known are file, http, https, s3" in (bad.reason or "")


class TestFiles:
    async def test_below_a_root_are_read_from_any_byte_on(self, station: FaultStation, folder: Path) -> None:
        href = (folder / "a file.zip").as_uri()
        async with sources_of(station, file_roots=[folder]) as sources:
            assert await read(sources, href) == BODY
            origin = await origin_of(sources, href)
            assert origin.size == len(BODY)
            assert await read(sources, href, begin=500_000, end=600_000, origin=origin) == BODY[500_000:600_000]

    async def test_are_refused_without_a_root(self, station: FaultStation, folder: Path) -> None:
        async with sources_of(station) as sources:
            with pytest.raises(StationError, match="not below a directory of the station's file_roots"):
                await read(sources, (folder / "a file.zip").as_uri())

    @pytest.mark.parametrize("path", ["../secret", "link", "folder/secret", "%2e%2e/secret", "../nothing"])
    async def test_are_refused_where_the_way_leads_out(self, station: FaultStation, folder: Path, path: str) -> None:
        (folder.parent / "secret").write_text("secret")
        (folder / "link").symlink_to(folder.parent / "secret")
        (folder / "folder").symlink_to(folder.parent)
        async with sources_of(station, file_roots=[folder]) as sources:
            with pytest.raises(StationError, match="not below a directory"):
                await read(sources, f"{folder.as_uri()}/{path}")

    @pytest.mark.parametrize("href", ["file://elsewhere{}", "file:{}/../../etc/passwd", "file:relative", "file:{}/\0"])
    async def test_are_refused_elsewhere(self, station: FaultStation, folder: Path, href: str) -> None:
        async with sources_of(station, file_roots=[folder]) as sources:
            with pytest.raises(StationError):
                await read(sources, href.format(folder))

    async def test_through_links_that_stay_inside_are_read(self, station: FaultStation, folder: Path) -> None:
        (folder / "link").symlink_to(folder / "a file.zip")
        (folder.parent / "root").symlink_to(folder)
        async with sources_of(station, file_roots=[folder.parent / "root"]) as sources:
            assert await read(sources, (folder.parent / "root/link").as_uri()) == BODY

    async def test_that_are_not_there_are_evicted(self, station: FaultStation, folder: Path) -> None:
        async with sources_of(station, file_roots=[folder]) as sources:
            with pytest.raises(EvictedError):
                await read(sources, (folder / "gone").as_uri())

    async def test_that_are_no_regular_files_are_refused(self, station: FaultStation, folder: Path) -> None:
        os.mkfifo(folder / "pipe")
        async with sources_of(station, file_roots=[folder]) as sources:
            for name in ("pipe", "."):
                with pytest.raises(StationError, match="not a regular file"):
                    await read(sources, f"{folder.as_uri()}/{name}")

    async def test_that_changed_are_not_gone_on_with(self, station: FaultStation, folder: Path) -> None:
        href = (folder / "a file.zip").as_uri()
        async with sources_of(station, file_roots=[folder]) as sources:
            origin = await origin_of(sources, href)
            (folder / "a file.zip").write_bytes(BODY[::-1])
            with pytest.raises(ChangedError):
                await read(sources, href, begin=5, origin=origin)


class TestObjects:
    KEY = "products/a file.zip"
    HREF = f"s3://{BUCKET}/products/a%20file.zip"

    @pytest.fixture
    async def s3(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultS3]:
        monkeypatch.setenv(OWN, SECRET)
        async with FaultS3() as server:
            server.key_id = SECRET
            server.objects[self.KEY] = BODY
            yield server

    def bucket(self, s3: FaultS3) -> dict[str, Any]:
        keys = {"access_key_id": {"env": OWN}, "secret_access_key": {"env": OWN}}
        return {BUCKET: {"kind": "s3", "endpoint": s3.url, **keys}}

    async def test_of_a_bucket_are_read_from_any_byte_on(self, station: FaultStation, s3: FaultS3) -> None:
        async with sources_of(station, credentials=self.bucket(s3)) as sources:
            assert await read(sources, self.HREF) == BODY
            origin = await origin_of(sources, self.HREF)
            assert origin.size == len(BODY)
            assert origin.etag is not None
            assert await read(sources, self.HREF, begin=500_000, origin=origin) == BODY[500_000:]
            assert await read(sources, self.HREF, begin=5, end=9, origin=origin) == BODY[5:9]

    async def test_are_staged_and_verified(self, station: FaultStation, sink: DirectorySink, s3: FaultS3) -> None:
        files = [transfer_of(BODY, self.HREF), transfer_of(BODY[::-1], self.HREF, "c/wrong/1/f")]
        async with sources_of(station, credentials=self.bucket(s3)) as sources:
            right, wrong = await stage_files(files, sources, sink, settings_of(station, retries=AT_ONCE))
        assert (right.state, wrong.state) == (FileState.STAGED, FileState.FAILED)
        assert content(right.href) == BODY
        assert "checksum" in (wrong.reason or "")
        assert station.requests == []

    async def test_that_changed_are_not_gone_on_with(self, station: FaultStation, s3: FaultS3) -> None:
        async with sources_of(station, credentials=self.bucket(s3)) as sources:
            origin = await origin_of(sources, self.HREF)
            s3.objects[self.KEY] = BODY[::-1]
            with pytest.raises(ChangedError):
                await read(sources, self.HREF, begin=5, origin=origin)

    async def test_that_are_not_there_are_evicted(self, station: FaultStation, s3: FaultS3) -> None:
        async with sources_of(station, credentials=self.bucket(s3)) as sources:
            with pytest.raises(EvictedError):
                await read(sources, f"s3://{BUCKET}/gone")

    async def test_whose_keys_are_refused_fail_without_a_secret(self, station: FaultStation, s3: FaultS3) -> None:
        s3.key_id = "another"
        async with sources_of(station, credentials=self.bucket(s3)) as sources:
            with pytest.raises(StationError, match="refuses the credentials") as caught:
                await read(sources, self.HREF)
        assert SECRET not in str(caught.value)
        assert not isinstance(caught.value, PassingError)

    async def test_of_a_bucket_that_the_settings_do_not_name_are_refused(
        self, station: FaultStation, s3: FaultS3
    ) -> None:
        async with sources_of(station) as sources:
            with pytest.raises(StationError, match=f"nothing is set for the bucket {BUCKET}"):
                await read(sources, self.HREF)
        assert s3.asked == []

    async def test_of_a_server_that_ignores_ranges_are_read_from_the_beginning(
        self, station: FaultStation, s3_server: S3Server, prefix: str
    ) -> None:
        await obstore.put_async(s3_bucket(s3_server.store(prefix)).client, "f", BODY)
        bucket = {"kind": "s3", "anonymous": True, "endpoint": s3_server.url}
        async with (
            sources_of(station, credentials={BUCKET: bucket}) as sources,
            sources.open(Wanted(f"s3://{BUCKET}/{prefix}/f", begin=500_000)) as answer,
        ):
            got = b"".join([chunk async for chunk in answer.chunks])
            assert got == BODY[answer.begin :]


def sent(requests: list[Request]) -> list[str | None]:
    return [request.headers.get("authorization") for request in requests]


class TestCredentialsByHost:
    @pytest.fixture(autouse=True)
    def secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(OTHER, "0ther-t0ken")
        monkeypatch.setenv(OWN, SECRET)

    def settings(self, elsewhere: FaultStation, **others: Any) -> dict[str, Any]:
        place = elsewhere.url().removeprefix("http://").rstrip("/")
        bearer = {"kind": "bearer", "token": {"env": OTHER}}
        own = {"kind": "basic", "username": "user", "password": {"env": OWN}}
        return {"credentials": {place: bearer}, "authentication": own} | others

    async def test_go_to_their_host_and_the_stations_own_do_not(
        self, station: FaultStation, elsewhere: FaultStation
    ) -> None:
        target = elsewhere.serve("/there", Reply(BODY))
        href = station.serve("/f", Reply(status=302, headers={"Location": target}))
        async with sources_of(station, **self.settings(elsewhere)) as sources:
            assert await read(sources, href) == BODY
            assert await read(sources, target) == BODY
        assert sent(elsewhere.requests) == ["Bearer 0ther-t0ken"] * 2
        [own] = sent(station.requests)
        assert own is not None
        assert own.startswith("Basic ")

    async def test_go_before_a_host_that_is_trusted(self, station: FaultStation, elsewhere: FaultStation) -> None:
        target = elsewhere.serve("/there", Reply(BODY))
        async with sources_of(station, **self.settings(elsewhere, trusted_hosts=["127.0.0.1"])) as sources:
            assert await read(sources, target) == BODY
        assert sent(elsewhere.requests) == ["Bearer 0ther-t0ken"]

    async def test_do_not_go_on_to_a_third_host(self, station: FaultStation, elsewhere: FaultStation) -> None:
        async with FaultStation() as third:
            target = third.serve("/third", Reply(BODY))
            href = elsewhere.serve("/there", Reply(status=302, headers={"Location": target}))
            async with sources_of(station, **self.settings(elsewhere)) as sources:
                assert await read(sources, href) == BODY
            assert sent(third.requests) == [None]

    async def test_do_not_go_to_a_signed_address(self, station: FaultStation, elsewhere: FaultStation) -> None:
        target = elsewhere.serve("/there?X-Amz-Signature=abc", Reply(BODY))
        async with sources_of(station, **self.settings(elsewhere)) as sources:
            assert await read(sources, target) == BODY
        assert sent(elsewhere.requests) == [None]

    async def test_that_are_refused_fail_the_files_of_their_host_alone(
        self, station: FaultStation, elsewhere: FaultStation, sink: DirectorySink
    ) -> None:
        bad = [transfer_of(BODY, elsewhere.serve(f"/{n}", Reply(status=401)), f"c/bad{n}/1/f") for n in range(2)]
        good = transfer_of(BODY, station.serve("/f", Reply(BODY)), "c/good/1/f")
        async with sources_of(station, **self.settings(elsewhere), concurrency=1) as sources:
            one_by_one = settings_of(station, retries=AT_ONCE, concurrency=1)
            files = await stage_files([*bad, good], sources, sink, one_by_one)
        assert [file.state for file in files] == [FileState.FAILED, FileState.FAILED, FileState.STAGED]
        assert "refuses its credentials" in (files[0].reason or "")
        assert len(elsewhere.requests) == 1, "refused credentials are not offered again"
        assert "0ther-t0ken" not in str(files)
