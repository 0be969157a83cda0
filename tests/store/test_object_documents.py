"""Documents in an object store."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from rs_assets.errors import StoreError
from rs_assets.requests import Inbox
from rs_assets.store import Documents, bucket, listing, open_store
from tests.requests.samples import asked
from tests.servers import S3Server
from tests.store.fault_s3 import Fault, FaultS3, Operation

PATH = "search_results/adgs/2026-11-01/S1.json"


@pytest.fixture
def documents(s3_server: S3Server, prefix: str) -> Documents:
    return open_store(s3_server.store(prefix)).documents


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultS3]:
    monkeypatch.setitem(bucket.RETRY, "max_retries", 1)
    async with FaultS3() as server, asyncio.timeout(30):
        yield server


def test_a_document_is_read_as_it_was_written(documents: Documents) -> None:
    document = {"schema_version": 1, "names": ["é", "it's", "\ud800"], "none": None, "size": 2**53 + 1}
    documents.write(PATH, {"old": True})
    documents.write(PATH, document)
    assert documents.read(PATH) == document


def test_what_is_not_there_is_none(documents: Documents) -> None:
    assert documents.read(PATH) is None
    assert documents.read_bytes(PATH) is None
    assert documents.size(PATH) is None
    assert documents.modified(PATH) is None
    assert documents.names("inbox") == []
    documents.delete(PATH)


@pytest.mark.parametrize("size", [0, 1, 12_000_000])
def test_bytes_of_any_size_are_read_as_they_were_written(documents: Documents, size: int) -> None:
    content = os.urandom(size)
    documents.write_bytes(PATH, content)
    assert documents.read_bytes(PATH) == content
    assert documents.size(PATH) == size


def test_when_a_document_was_written_is_told_in_utc(documents: Documents) -> None:
    documents.write(PATH, {})
    modified = documents.modified(PATH)
    assert modified is not None
    assert modified.tzinfo is UTC
    assert abs(datetime.now(UTC) - modified) < timedelta(minutes=1)


def test_the_url_of_a_document_is_its_place_in_the_bucket(documents: Documents, prefix: str) -> None:
    assert documents.url(PATH) == f"s3://bucket/{prefix}/{PATH}"
    assert documents.url("a b#c.json") == f"s3://bucket/{prefix}/a%20b%23c.json"


def test_the_names_of_a_folder_are_those_of_its_documents(documents: Documents) -> None:
    for name in ("b", "a", ".hidden", "folder/c", "ü %20+.json", 'it\'s "?"#'):
        documents.write_bytes(f"folder/{name}", b"")
    documents.write_bytes("folder2", b"")
    assert documents.names("folder") == ["a", "b", 'it\'s "?"#', "ü %20+.json"]
    assert documents.names("folder/folder") == ["c"]


async def test_what_marks_a_folder_is_no_document(server: FaultS3) -> None:
    server.objects = dict.fromkeys(["inbox/", "inbox/a.json", "inbox/b/", "inbox/b/c", "inboxes/d"], b"{}")
    assert await asyncio.to_thread(open_store(server.store()).documents.names, "inbox") == ["a.json"]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("key", ["pre/inbox//a.json", "pre/inbox/..", "pre/inbox/\x7f.json", "pre/inbox//"])
async def test_a_key_that_cannot_be_named_is_reported_once_and_hides_no_other(
    server: FaultS3, key: str, signed: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_ID", "AKID")
    monkeypatch.setattr(listing, "_reported", set())
    server.objects = dict.fromkeys(["pre/inbox/a+ü%20b.json", key, "pre/inbox/z.json", "pre/inbox/deep/c"], b"{}")
    secret = {"env": "KEY_ID"}
    keys: dict[str, Any] = {"access_key_id": secret, "secret_access_key": secret}
    server.key_id = "AKID" if signed else None
    documents = open_store(server.store(url="s3://bucket/pre", **(keys if signed else {}))).documents

    for _ in range(2):
        assert await asyncio.to_thread(documents.names, "inbox") == ["a+ü%20b.json", "z.json"]

    [record] = [record for record in caplog.records if record.name == listing.__name__]
    assert repr(key.removeprefix("pre/")) in record.message


def test_a_control_character_in_a_key_of_a_real_server_hides_no_other(
    s3_server: S3Server, documents: Documents, prefix: str
) -> None:
    documents.write_bytes("inbox/a.json", b"{}")
    documents.write_bytes("inbox/ü z.json", b"{}")
    httpx.put(f"{s3_server.url}/bucket/{prefix}/inbox/%01q.json", content=b"{}").raise_for_status()
    assert documents.names("inbox") == ["a.json", "ü z.json"]


def test_a_copy_has_the_same_bytes_and_leaves_the_original(documents: Documents) -> None:
    documents.write_bytes("inbox/a b.json", b"\xff\x00")
    documents.write_bytes("rejected/a+b%.json", b"earlier")
    documents.copy("inbox/a b.json", "rejected/a+b%.json")
    assert [documents.read_bytes(path) for path in ("inbox/a b.json", "rejected/a+b%.json")] == [b"\xff\x00"] * 2


def test_a_copy_of_what_is_not_there_is_an_error_that_names_it(documents: Documents) -> None:
    with pytest.raises(StoreError, match=r"inbox/a\.json .* cannot be copied to b: there is no such document"):
        documents.copy("inbox/a.json", "b")


def test_a_deleted_document_is_gone(documents: Documents) -> None:
    documents.write(PATH, {})
    documents.delete(PATH)
    assert documents.read(PATH) is None


@pytest.mark.parametrize("content", [b"[]", b"{", b"", b"\xff"])
def test_what_is_no_json_object_is_an_error_that_names_it(documents: Documents, prefix: str, content: bytes) -> None:
    documents.write_bytes(PATH, content)
    with pytest.raises(StoreError, match=rf"{PATH} in the store s3://bucket/{prefix} is n"):
        documents.read(PATH)


@pytest.mark.parametrize(
    ("operation", "name", "arguments"),
    [
        (Operation.GET, "read", (PATH,)),
        (Operation.HEAD, "size", (PATH,)),
        (Operation.LIST, "names", ("inbox",)),
        (Operation.PUT, "write", (PATH, {})),
        (Operation.DELETE, "delete", (PATH,)),
        (Operation.COPY, "copy", (PATH, "b")),
    ],
)
async def test_what_the_store_cannot_do_is_an_error_that_says_why(
    server: FaultS3, operation: Operation, name: str, arguments: tuple[object, ...]
) -> None:
    server.objects[PATH] = b"{}"
    server.faults = [Fault(operation, status=403, code="AccessDenied")]
    documents = open_store(server.store()).documents

    with pytest.raises(StoreError, match=rf"{arguments[0]} in the store s3://bucket cannot be .* refuses") as told:
        await asyncio.to_thread(getattr(documents, name), *arguments)

    assert "told so" not in f"{told.value} {told.value.__cause__}"
    assert server.objects == {PATH: b"{}"}


async def test_a_bucket_that_is_not_there_is_no_empty_one(server: FaultS3) -> None:
    documents = open_store(server.store(url="s3://another")).documents
    with pytest.raises(StoreError, match="there is no such bucket"):
        await asyncio.to_thread(documents.read, PATH)
    with pytest.raises(StoreError, match="there is no such bucket"):
        await asyncio.to_thread(documents.names, "inbox")


def test_requests_are_filed_read_and_rejected(documents: Documents) -> None:
    inbox = Inbox(documents)
    request = asked()
    inbox.file(request, "mine")
    documents.write_bytes("inbox/Zoë's 100%.json", b"no")

    assert inbox.names() == ["Zoë's 100%.json", "mine.json"]
    assert inbox.read("mine") == request
    inbox.reject("Zoë's 100%.json", ["not JSON"])
    assert inbox.names() == ["mine.json"]
    kept, reason = documents.names("rejected")
    assert reason == f"{kept}.reason.txt"
    assert documents.read_bytes(f"rejected/{reason}") == b"not JSON\n"
