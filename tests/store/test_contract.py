"""What every store does, whatever its kind: a directory, S3, Google Cloud Storage, Azure Blob Storage."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from rs_assets.errors import StoreError
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.locks import Locks, MemoryLocks
from rs_assets.settings import Store
from rs_assets.store import Document, OpenStore, Sink, bucket, open_store
from rs_assets.store.errors import MismatchError, StoreUnusableError, TakenError
from rs_assets.store.origin import Origin
from tests.servers import S3Server
from tests.store.azurite import ACCOUNT, CONTAINER, KEY, azurite
from tests.store.gcs_server import BUCKET, TOKEN, gcs_server

PART = 5 << 20
NAME = "s1_aux/A/uuid-1/A.zip"
SMALL = b"abc"
LARGE = os.urandom(2 * PART + 7)
ODD = ["A B/u+1/ü.zip", "100%25/a", "100%/a", "it's (x)", "a#b&c=d;e", "12;30;00", "~[x]{y}^`$!@,", "日本/é"]
KINDS = ["directory", "s3", "gcs", "azure"]


@dataclass
class Kept:
    """A store of the kind that is tested, empty."""

    document: dict[str, Any]
    faults: Sequence[tuple[Mapping[str, Any], str]]
    """Changes with which it cannot be used, and what is said then."""

    def settings(self, **changes: Any) -> Store:
        """Its settings."""
        return TypeAdapter[Store](Store).validate_python(self.document | changes)

    def open(self, locks: Locks | None = None, **changes: Any) -> OpenStore:
        """The store, opened by one who shares `locks`."""
        return open_store(self.settings(**changes), MemoryLocks() if locks is None else locks)


@pytest.fixture(scope="session")
def azure_server() -> Iterator[str]:
    with azurite() as url:
        yield url


@pytest.fixture(scope="session")
def google_server() -> Iterator[str]:
    with gcs_server() as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(params=KINDS)
def kept(
    request: pytest.FixtureRequest, tmp_path: Path, prefix: str, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> Kept:
    monkeypatch.setenv("WRONG", "d3Jvbmc=")
    nobody = f"http://127.0.0.1:{unused_port}"
    wrong = {"env": "WRONG"}
    faults: list[tuple[Mapping[str, Any], str]]
    unreachable = "it does not answer: check the store's endpoint, and that it runs"
    (tmp_path / "file").touch()
    match request.param:
        case "directory":
            return Kept(
                {"kind": "directory", "path": tmp_path / "store"}, [({"path": tmp_path / "file" / "store"}, "Not a")]
            )
        case "s3":
            server: S3Server = request.getfixturevalue("s3_server")
            settings = server.store(prefix).model_dump(mode="json", exclude_none=True)
            missing = "there is no such bucket: check the store's url, endpoint and region"
            return Kept(settings, [({"endpoint": nobody}, unreachable), ({"url": "s3://nowhere"}, missing)])
        case "gcs":
            monkeypatch.setenv("TOKEN", TOKEN)
            settings = {"kind": "gcs", "url": f"gs://{BUCKET}/{prefix}", "token": {"env": "TOKEN"}}
            settings["endpoint"] = request.getfixturevalue("google_server")
            faults = [
                ({"endpoint": nobody}, unreachable),
                ({"url": "gs://nowhere"}, "there is no such bucket: check the store's url, endpoint"),
                ({"token": wrong}, "it refuses the credentials .*: check the service_account_key or token"),
            ]
            return Kept(settings, faults)
        case _:
            monkeypatch.setenv("ACCOUNT_KEY", KEY)
            settings = {"kind": "azure", "url": f"az://{CONTAINER}/{prefix}", "account": ACCOUNT}
            settings["account_key"] = {"env": "ACCOUNT_KEY"}
            settings["endpoint"] = request.getfixturevalue("azure_server")
            faults = [
                ({"endpoint": f"{nobody}/{ACCOUNT}"}, unreachable),
                ({"url": "az://nowhere"}, "there is no such container: check the store's url, account and endpoint"),
                ({"account_key": wrong}, "it refuses the credentials .*: check the account_key, sas_token"),
            ]
            return Kept(settings, faults)


@pytest.fixture
def store(kept: Kept) -> OpenStore:
    return kept.open()


class Counting:
    """Lets bytes pass that begin as those of the file do."""

    algorithm = Algorithm.MD5

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.restart()

    def update(self, data: bytes | memoryview, /) -> None:
        """Take the next bytes."""
        if self._body[self.size : self.size + len(data)] != data:
            raise MismatchError("another file's bytes")
        self.size += len(data)
        self._hash.update(data)

    def restart(self) -> None:
        """Forget all bytes seen."""
        self.size = 0
        self._hash = hashlib.md5(usedforsecurity=False)

    def digest_so_far(self) -> str:
        """Of the bytes seen."""
        return self._hash.hexdigest()


def pieces(body: bytes) -> Sequence[bytes]:
    return [body[begin : begin + (1 << 20)] for begin in range(0, len(body), 1 << 20)]


async def put(sink: Sink, key: str, body: bytes, *, stated: bytes | None = None) -> bool:
    hasher = Counting(body if stated is None else stated)
    async with sink.writer(key) as writer:
        if writer.present is not None:
            return False
        await writer.begin(Origin(size=len(body)), hasher)
        for piece in pieces(body):
            await writer.write([piece], hasher)
        return await writer.commit()


def md5(body: bytes) -> Digest:
    return Digest(Algorithm.MD5, hashlib.md5(body, usedforsecurity=False).hexdigest())


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, len(LARGE)])
async def test_an_object_is_stored_byte_for_byte(store: OpenStore, size: int) -> None:
    body = LARGE[:size]
    assert await put(store.sink, NAME, body)

    found = await store.sink.find(NAME)
    assert found is not None
    assert (found.key, found.size, found.href) == (NAME, size, store.sink.href(NAME))
    assert await store.sink.digest(NAME, Algorithm.MD5) == md5(body)
    assert store.sink.key_of(found.href) == NAME


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_an_object_is_seen_only_after_its_commit(store: OpenStore, body: bytes) -> None:
    async with store.sink.writer(NAME) as writer:
        hasher = Counting(body)
        await writer.begin(Origin(size=len(body)), hasher)
        for piece in pieces(body):
            await writer.write([piece], hasher)
        assert await store.sink.find(NAME) is None
        assert await writer.commit()
        assert await store.sink.find(NAME) is not None


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_what_does_not_pass_or_is_left_is_never_seen(store: OpenStore, body: bytes) -> None:
    with pytest.raises(MismatchError):
        await put(store.sink, NAME, body, stated=body[:-1] + b"x")
    async with store.sink.writer(NAME) as writer:
        await writer.write([body], Counting(body))
    assert await store.sink.find(NAME) is None
    assert await put(store.sink, NAME, body)


async def test_a_cancelled_writer_leaves_nothing_and_does_not_bar_the_next(store: OpenStore) -> None:
    has_written = asyncio.Event()

    async def interrupted() -> None:
        async with store.sink.writer(NAME) as writer:
            await writer.write([LARGE], Counting(LARGE))
            has_written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(interrupted())
    await has_written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await store.sink.find(NAME) is None
    assert await put(store.sink, NAME, SMALL)


async def test_a_restart_forgets_what_was_written(store: OpenStore) -> None:
    async with store.sink.writer(NAME) as writer:
        await writer.write([LARGE], Counting(LARGE))
        await writer.restart()
        await writer.write([SMALL], Counting(SMALL))
        assert await writer.commit()
    assert await store.sink.digest(NAME, Algorithm.MD5) == md5(SMALL)


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_a_published_object_is_never_replaced(kept: Kept, store: OpenStore, body: bytes) -> None:
    assert await put(store.sink, NAME, body)
    async with kept.open().sink.writer(NAME) as writer:
        assert writer.present is not None
        assert writer.present.size == len(body)
        await writer.write([b"other"], Counting(b"other"))
        assert not await writer.commit()
    assert await store.sink.digest(NAME, Algorithm.MD5) == md5(body)


async def test_an_object_has_one_writer_at_a_time(kept: Kept) -> None:
    locks = MemoryLocks()
    one, two = kept.open(locks).sink, kept.open(locks).sink
    async with one.writer(NAME), two.writer("another"):
        with pytest.raises(TakenError, match=f"{NAME} just now"):
            async with two.writer(NAME):
                pass
    assert await put(two, NAME, SMALL)


@pytest.mark.parametrize("key", ODD)
async def test_a_key_of_odd_characters_is_one_object_and_one_document(store: OpenStore, key: str) -> None:
    assert await put(store.sink, f"c/{key}", SMALL)
    assert await put(store.sink, f"c/{key}.large", LARGE)
    store.documents.write_bytes(f"d/{key}", SMALL)
    store.documents.write_bytes("e/12:30:00.json", SMALL)

    for name, body in ((f"c/{key}", SMALL), (f"c/{key}.large", LARGE)):
        assert await store.sink.digest(name, Algorithm.MD5) == md5(body)
        assert store.sink.key_of(store.sink.href(name)) == name
    folder, _, name = f"d/{key}".rpartition("/")
    assert store.documents.names(folder) == [name]
    assert store.documents.read_bytes(f"d/{key}") == SMALL
    assert store.documents.names("e") == ["12:30:00.json"]


@pytest.mark.parametrize("key", ["../a", "a/../b", "a//b", "/a", "a/", ".", ""])
async def test_a_key_that_could_leave_the_store_is_refused(store: OpenStore, key: str) -> None:
    with pytest.raises(ValueError, match="name"):
        store.sink.href(key)


async def test_a_deleted_object_is_gone(store: OpenStore) -> None:
    await put(store.sink, NAME, SMALL)
    await store.sink.delete(NAME)
    await store.sink.delete(NAME)
    await store.sink.tidy()
    assert await store.sink.find(NAME) is None
    with pytest.raises(StoreError, match=NAME):
        await store.sink.digest(NAME, Algorithm.MD5)


def test_a_document_is_written_read_copied_and_deleted(store: OpenStore) -> None:
    documents = store.documents
    content = {"names": ["é", "it's", "\ud800"], "none": None, "size": 2**53 + 1}
    documents.write("a/b.json", {"old": True})
    documents.write("a/b.json", content)
    documents.copy("a/b.json", "c/d.json")
    documents.delete("a/b.json")
    documents.delete("a/b.json")

    assert documents.read("c/d.json") == content
    assert documents.size("c/d.json") == len(documents.read_bytes("c/d.json") or b"")
    modified = documents.modified("c/d.json")
    assert modified is not None
    assert modified.tzinfo is UTC
    assert modified <= datetime.now(UTC)
    for missing in (documents.read, documents.read_bytes, documents.size, documents.modified):
        assert missing("a/b.json") is None
    with pytest.raises(StoreError, match=r"a/b\.json .* cannot be copied to e: there is no such document"):
        documents.copy("a/b.json", "e")


def test_the_names_of_a_folder_are_those_of_its_documents(store: OpenStore) -> None:
    for path in ("folder/b", "folder/a", "folder/inner/c", "folder/.hidden", "folder2/d"):
        store.documents.write_bytes(path, b"{}")
    assert store.documents.names("folder") == ["a", "b"]
    assert store.documents.names("nowhere") == []


@pytest.mark.parametrize("content", [b"[]", b"{", b"", b"\xff"])
def test_what_is_not_a_json_object_is_an_error_that_names_it(store: OpenStore, content: bytes) -> None:
    store.documents.write_bytes("a/b.json", content)
    with pytest.raises(StoreError, match=rf"a/b\.json in the store {store.documents.place} is not"):
        store.documents.read("a/b.json")


def test_a_document_is_created_once(kept: Kept, store: OpenStore) -> None:
    assert store.documents.create("a/b.json", b"first")
    assert not kept.open().documents.create("a/b.json", b"second")
    assert store.documents.read_bytes("a/b.json") == b"first"


def test_an_update_is_made_of_what_is_there(kept: Kept, store: OpenStore) -> None:
    def counted(document: Document | None) -> Document:
        return {"count": (document or {"count": 0})["count"] + 1}

    for updating in (store, store, kept.open()):
        updating.documents.update("a/b.json", counted)
    store.documents.delete("a/b.json")
    store.documents.update("a/b.json", counted)
    assert store.documents.read("a/b.json") == {"count": 1}


@pytest.mark.parametrize("shared", [True, False], ids=["one host", "two hosts"])
def test_two_processes_that_update_one_document_lose_nothing(
    request: pytest.FixtureRequest, kept: Kept, store: OpenStore, tmp_path: Path, shared: bool
) -> None:
    if not shared and kept.document["kind"] in {"directory", "s3"}:
        shared = True  # Neither has conditional writes here, so its writers need the same locks.
    times = 200 if shared else 40
    orders = [
        {"store": kept.document, "locks": tmp_path / ("locks" if shared else name), "times": times, "name": name}
        for name in ("one", "two")
    ]
    command = [sys.executable, "-m", "tests.store.document_process"]
    processes = [subprocess.Popen([*command, json.dumps(order, default=str)]) for order in orders]

    assert [process.wait(120) for process in processes] == [0, 0]

    expected = {f"{name} {number}": True for name in ("one", "two") for number in range(times)}
    assert store.documents.read("a/shared.json") == expected


async def test_an_error_says_what_to_do(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bucket.RETRY, "max_retries", 0)
    for changes, message in kept.faults:
        broken = kept.open(**changes)

        with pytest.raises(StoreError, match=message) as raised:
            await put(broken.sink, NAME, SMALL)
        with pytest.raises(StoreError, match=message):
            await asyncio.to_thread(broken.documents.write, "a/b.json", {})

        assert isinstance(raised.value, StoreUnusableError) is (kept.document["kind"] != "directory")
        assert "s1gned" not in str(raised.value)
