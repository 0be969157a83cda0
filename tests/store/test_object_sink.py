"""Objects in a real S3 server, and what becomes of them when things go wrong half-way."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from obstore.exceptions import GenericError

from rs_assets.errors import SettingsError, StoreError
from rs_assets.items.multihash import Algorithm
from rs_assets.locks import MemoryLocks
from rs_assets.settings import S3Store
from rs_assets.store import bucket, upload
from rs_assets.store.errors import MismatchError, StoreUnusableError, TakenError
from rs_assets.store.object_sink import ObjectStoreSink, ObjectWriter
from rs_assets.store.origin import Origin
from rs_assets.store.problems import explained
from rs_assets.store.s3 import S3
from tests.servers import S3Server
from tests.staging.rig import LAX, md5, passage_of, pieces_of
from tests.store.rig import object_sink

from .fault_s3 import Fault, FaultS3, Operation

KEY = "s1_aux/A/uuid-1/A.zip"
PART = 5 << 20
SMALL = b"abc"
LARGE = os.urandom(3 * PART + 7)


@pytest.fixture
def real(s3_server: S3Server, prefix: str) -> ObjectStoreSink:
    return object_sink(s3_server.store(prefix))


@pytest.fixture
async def server() -> AsyncIterator[FaultS3]:
    async with FaultS3() as server, asyncio.timeout(30):
        yield server


@pytest.fixture
def sink(server: FaultS3, monkeypatch: pytest.MonkeyPatch) -> ObjectStoreSink:
    """A sink in the server of faults that tries again at once, and three times."""
    monkeypatch.setitem(bucket.RETRY, "max_retries", 3)
    monkeypatch.setitem(bucket.RETRY["backoff"], "init_backoff", timedelta(milliseconds=1))
    monkeypatch.setitem(bucket.RETRY["backoff"], "max_backoff", timedelta(milliseconds=2))
    return object_sink(server.store())


async def write(writer: ObjectWriter, body: bytes, *, known: bool = True, stated: bytes | None = None) -> None:
    """Let a whole file come and pass; the station states the size and checksum of `stated`."""
    passage = passage_of(body if stated is None else stated)
    await writer.begin(Origin(size=len(body) if known else None), passage)
    for batch in pieces_of(body):
        await writer.write(batch, passage)
    passage.finish()


async def staged(sink: ObjectStoreSink, key: str, body: bytes, *, stated: bytes | None = None) -> bool:
    async with sink.writer(key) as writer:
        await write(writer, body, stated=stated)
        return await writer.commit()


class Pouring:
    """A file without an end."""

    def __init__(self) -> None:
        self.written = 0

    async def into(self, writer: ObjectWriter) -> None:
        """Write until the store fails."""
        passage = passage_of(b"", LAX)
        while True:
            await writer.write([bytes(1 << 20)], passage)
            self.written += 1 << 20

    async def stalled(self, task: asyncio.Task[None]) -> None:
        """Wait until nothing is written any more."""
        before = -1
        while before < self.written:
            before = self.written
            await asyncio.wait({task}, timeout=0.3)


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 3 * PART, 3 * PART + 7])
async def test_an_object_of_any_size_is_stored_byte_for_byte(
    real: ObjectStoreSink, s3_server: S3Server, prefix: str, size: int
) -> None:
    body = os.urandom(size)

    assert await staged(real, KEY, body)

    assert s3_server.files(prefix) == {KEY: body}
    found = await real.find(KEY)
    assert found is not None
    assert (found.size, found.href) == (size, real.href(KEY))
    assert await real.digest(KEY, Algorithm.MD5) == md5(body)


@pytest.mark.parametrize(("size", "operations"), [(PART, [Operation.PUT]), (PART + 1, [Operation.PART] * 2)])
async def test_one_part_is_one_request_and_more_are_an_upload(
    server: FaultS3, sink: ObjectStoreSink, size: int, operations: list[Operation]
) -> None:
    await staged(sink, "first", SMALL)
    server.asked.clear()

    await staged(sink, KEY, os.urandom(size))

    assert [asked for asked in server.asked if asked in {Operation.PUT, Operation.PART}] == operations


async def test_without_a_size_that_is_known_before_everything_is_stored(server: FaultS3, sink: ObjectStoreSink) -> None:
    async with sink.writer(KEY) as writer:
        await write(writer, LARGE, known=False)
        assert await writer.commit()

    assert server.objects == {KEY: LARGE}


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_an_object_is_seen_only_after_its_commit(server: FaultS3, sink: ObjectStoreSink, body: bytes) -> None:
    async with sink.writer(KEY) as writer:
        assert writer.present is None
        await write(writer, body)
        assert await sink.find(KEY) is None
        assert await writer.commit()
        assert await sink.find(KEY) is not None

    assert (server.objects, server.uploads) == ({KEY: body}, {})


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_leaving_without_a_commit_leaves_nothing(server: FaultS3, sink: ObjectStoreSink, body: bytes) -> None:
    async with sink.writer(KEY) as writer:
        await write(writer, body)
    assert (server.objects, server.uploads) == ({}, {})
    assert server.count(Operation.ABORT) == server.count(Operation.BEGIN)


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_what_does_not_pass_is_never_seen(server: FaultS3, sink: ObjectStoreSink, body: bytes) -> None:
    with pytest.raises(MismatchError):
        await staged(sink, KEY, body, stated=body[:-1] + b"x")
    assert (server.objects, server.uploads) == ({}, {})


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_a_restart_forgets_what_was_written(server: FaultS3, sink: ObjectStoreSink, body: bytes) -> None:
    async with sink.writer(KEY) as writer:
        await write(writer, os.urandom(2 * PART))
        await writer.restart()
        assert server.uploads == {}
        await write(writer, body)
        assert await writer.commit()

    assert (server.objects, server.uploads) == ({KEY: body}, {})


@pytest.mark.parametrize("conditions", [True, False, None], ids=["honoured", "ignored", "refused"])
@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_a_published_object_is_never_replaced(
    server: FaultS3, sink: ObjectStoreSink, body: bytes, conditions: bool | None
) -> None:
    server.conditions = conditions
    for key in ("a", "b"):
        async with sink.writer(key) as writer:
            await write(writer, body)
            server.objects[key] = b"the other one's"
            assert not await writer.commit()

        assert server.objects[key] == b"the other one's"
        await staged(sink, f"{key}/between", SMALL)
    assert server.uploads == {}


async def test_whether_conditions_are_honoured_is_asked_once(server: FaultS3, sink: ObjectStoreSink) -> None:
    for key in ("a", "b", "c"):
        assert await staged(sink, key, SMALL)

    assert server.objects == dict.fromkeys(("a", "b", "c"), SMALL)
    assert server.count(Operation.PUT) == 4


@pytest.mark.parametrize(("honoured", "requests"), [(True, [Operation.PUT]), (False, [Operation.HEAD, Operation.PUT])])
async def test_what_is_known_of_conditions_is_not_asked(
    server: FaultS3, sink: ObjectStoreSink, honoured: bool, requests: list[Operation]
) -> None:
    server.conditions = honoured
    knowing = object_sink(server.store(conditional_writes=honoured))

    assert await staged(knowing, KEY, SMALL)

    assert server.asked == [Operation.HEAD, *requests]


async def test_a_key_that_is_published_is_told_to_its_next_writer(sink: ObjectStoreSink) -> None:
    await staged(sink, KEY, SMALL)
    async with sink.writer(KEY) as writer:
        assert writer.present is not None
        assert writer.present.size == len(SMALL)


async def test_a_key_has_one_writer_at_a_time(server: FaultS3, sink: ObjectStoreSink) -> None:
    beside = object_sink(server.store())
    async with sink.writer(KEY), beside.writer("another"):
        with pytest.raises(TakenError, match=f"{KEY} just now"):
            async with beside.writer(KEY):
                pass
        with pytest.raises(TakenError):
            async with beside.writer(KEY):
                pass
    assert await staged(beside, KEY, SMALL)


async def test_locks_that_are_given_decide_who_writes(server: FaultS3, sink: ObjectStoreSink) -> None:
    locks = MemoryLocks()
    one, two = object_sink(server.store(), locks), object_sink(server.store(), locks)
    another = locks.try_lock("objects/s3:  bucket another's")

    async with one.writer(KEY), sink.writer(KEY):
        for key in (KEY, "another's"):
            with pytest.raises(TakenError, match=rf"process {os.getpid()} on .* since 20.* is writing .*{key}"):
                async with two.writer(key):
                    pass

    assert another is not None
    assert await staged(two, KEY, SMALL)


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("reset", [False, True], ids=["500", "reset"])
async def test_a_request_that_fails_is_repeated(
    server: FaultS3, sink: ObjectStoreSink, body: bytes, reset: bool
) -> None:
    writing = (Operation.BEGIN, Operation.PART, Operation.COMPLETE) if body is LARGE else (Operation.PUT,)
    server.faults = [Fault(operation, times=2, reset=reset) for operation in (*writing, Operation.HEAD)]

    assert await staged(sink, KEY, body)

    assert (server.objects, server.uploads) == ({KEY: body}, {})


LOST = [(Operation.PUT, SMALL), (Operation.BEGIN, LARGE), (Operation.PART, LARGE), (Operation.COMPLETE, LARGE)]


@pytest.mark.parametrize(("operation", "body"), LOST)
async def test_a_store_that_fails_for_good_leaves_nothing(
    server: FaultS3, sink: ObjectStoreSink, operation: Operation, body: bytes
) -> None:
    server.faults = [Fault(operation)]

    with pytest.raises(
        StoreError, match=f"s3://bucket/{KEY} cannot be written .* it answered 500 InternalError"
    ) as told:
        await staged(sink, KEY, body)

    assert not isinstance(told.value, StoreUnusableError)
    assert (server.objects, server.uploads) == ({}, {})


@pytest.mark.parametrize(("operation", "body"), [(Operation.PUT, SMALL), (Operation.COMPLETE, LARGE)])
async def test_an_object_that_was_published_without_a_word_counts_as_taken(
    server: FaultS3, sink: ObjectStoreSink, operation: Operation, body: bytes
) -> None:
    server.faults = [Fault(operation, times=1, done=True), Fault(operation)]

    assert not await staged(sink, KEY, body)

    assert server.objects == {KEY: body}


async def test_an_upload_whose_completion_fails_behind_a_good_status_is_not_taken_for_an_object(
    server: FaultS3, sink: ObjectStoreSink
) -> None:
    server.faults = [Fault(Operation.COMPLETE, status=200)]
    with pytest.raises(StoreError):
        await staged(sink, KEY, LARGE)
    assert (server.objects, server.uploads) == ({}, {})


async def test_a_failure_in_the_middle_is_told_to_the_next_write(server: FaultS3, sink: ObjectStoreSink) -> None:
    server.faults = [Fault(Operation.PART, after=1)]
    pouring = Pouring()

    async with sink.writer(KEY) as writer:
        with pytest.raises(StoreError):
            await pouring.into(writer)

    assert pouring.written < 10 * PART
    assert (server.objects, server.uploads) == ({}, {})


async def test_a_store_that_is_too_busy_for_good_is_unusable(server: FaultS3, sink: ObjectStoreSink) -> None:
    server.faults = [Fault(Operation.PART, status=503, code="SlowDown")]
    with pytest.raises(StoreUnusableError, match="503 SlowDown"):
        await staged(sink, KEY, LARGE)
    assert server.uploads == {}


async def test_a_loser_s_failure_does_not_touch_the_winner_s_object(server: FaultS3, sink: ObjectStoreSink) -> None:
    server.faults = [Fault(Operation.COMPLETE, hold=True), Fault(Operation.COMPLETE)]
    async with sink.writer(KEY) as writer:
        await write(writer, LARGE)
        committing = asyncio.create_task(writer.commit())
        await server.held.wait()
        server.objects[KEY] = b"the winner's"
        server.faults[0].times = 0
        server.uploads.clear()
        server.release.set()
        assert not await committing

    assert server.objects == {KEY: b"the winner's"}
    assert server.count(Operation.DELETE) == 0


async def test_a_cancelled_writer_leaves_nothing(server: FaultS3, sink: ObjectStoreSink) -> None:
    server.faults = [Fault(Operation.PART, hold=True)]
    staging = asyncio.create_task(staged(sink, KEY, os.urandom(20 * PART)))
    await server.held.wait()

    staging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await staging

    assert (server.objects, server.uploads) == ({}, {})
    server.faults.clear()
    assert await staged(sink, KEY, SMALL)


async def test_a_store_that_takes_nothing_lets_its_writer_wait(server: FaultS3, sink: ObjectStoreSink) -> None:
    server.faults = [Fault(Operation.PART, hold=True)]
    pouring = Pouring()

    async with sink.writer(KEY) as writer:
        task = asyncio.create_task(pouring.into(writer))
        await server.crowded.wait()
        await pouring.stalled(task)
        task.cancel()
        server.release.set()

    assert pouring.written <= 3 * PART + (4 << 20)
    assert server.uploads == {}


async def test_a_store_that_hangs_does_not_hold_a_writer_that_gives_up(
    server: FaultS3, sink: ObjectStoreSink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upload, "_ABORT_SECONDS", 0.1)
    server.faults = [Fault(Operation.PART, hold=True)]
    pouring = Pouring()

    async with sink.writer(KEY) as writer:
        task = asyncio.create_task(pouring.into(writer))
        await server.crowded.wait()
        await pouring.stalled(task)
        task.cancel()

    assert server.objects == {}
    assert f"the upload of {KEY} could not be aborted in time" in caplog.text


async def test_no_more_parts_are_sent_at_once_than_are_allowed(server: FaultS3, sink: ObjectStoreSink) -> None:
    await staged(sink, KEY, os.urandom(8 * PART))
    assert 1 <= server.most_at_once <= 2


async def test_a_huge_object_has_parts_large_enough_for_the_store_s_most(sink: ObjectStoreSink) -> None:
    size = 5 << 40
    assert sink.part_size(None) == sink.part_size(1000) == PART
    assert sink.part_size(size) * 10_000 > size


ODD = ["c/A B/u+1/ü.zip", "c/100%25/a", "c/100%/a", 'c/it\'s "x"', "c/a?b#c&d=e;f", "c/~[x]{y}^`<>|*$", "c/ a "]


@pytest.mark.parametrize("key", ODD)
async def test_a_key_of_odd_characters_is_one_object_and_has_an_href_that_leads_back(
    real: ObjectStoreSink, s3_server: S3Server, prefix: str, key: str
) -> None:
    large = os.urandom(PART + 1)
    assert await staged(real, key, SMALL)
    assert await staged(real, f"{key}.large", large)

    assert s3_server.files(prefix) == {key: SMALL, f"{key}.large": large}
    assert await real.digest(key, Algorithm.MD5) == md5(SMALL)
    assert real.key_of(real.href(key)) == key
    await real.delete(key)
    await real.delete(key)
    assert await real.find(key) is None


@pytest.mark.parametrize("key", ["", "/", "a//b", "../a", "a/..", "a\\b", "a/\x00", "a:b", "e\u0301"])
async def test_what_cannot_be_a_key_is_refused(sink: ObjectStoreSink, key: str) -> None:
    with pytest.raises(ValueError, match="cannot be a file name"):
        await staged(sink, key, SMALL)
    with pytest.raises(ValueError, match="cannot be a file name"):
        await sink.find(key)


@pytest.mark.parametrize("href", ["s3://bucket", "s3://bucket/", "s3://buckets/a", "s3://bucket/../a", "file:///a", ""])
def test_an_href_outside_of_the_store_has_no_key(href: str) -> None:
    sink = object_sink(S3Store(kind="s3", url="s3://bucket", ca_file=Path("nowhere")))  # so it cannot be opened
    assert sink.key_of(href) is None


async def test_an_object_is_deleted_if_there_is_one(server: FaultS3, sink: ObjectStoreSink) -> None:
    server.objects = {"a/b": SMALL, "a": SMALL}
    await sink.delete("a/b")
    await sink.delete("a/b")
    assert server.objects == {"a": SMALL}


async def test_credentials_that_are_refused_are_told_without_showing_them(
    server: FaultS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_ID", "AKIDWRONG")
    monkeypatch.setenv("SECRET", "s3cr3t")
    server.key_id = "AKIDRIGHT"
    keys: dict[str, Any] = {"access_key_id": {"env": "KEY_ID"}, "secret_access_key": {"env": "SECRET"}}
    sink = object_sink(server.store(**keys))

    with pytest.raises(StoreUnusableError, match=r"refuses the credentials \(403\): check the keys"):
        await sink.find(KEY)
    with pytest.raises(StoreUnusableError, match=r"\(403 SignatureDoesNotMatch\)") as told:
        await sink.delete(KEY)

    shown = f"{told.value} {told.value.__cause__} {sink!r} {vars(sink)}"
    assert not [secret for secret in ("AKIDWRONG", "s3cr3t", "s1gned", "Signature=") if secret in shown]
    monkeypatch.setenv("KEY_ID", "AKIDRIGHT")
    assert await staged(object_sink(server.store(**keys)), KEY, SMALL)


async def test_a_secret_that_is_missing_is_named_at_first_use_and_not_before(
    server: FaultS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEY_ID", raising=False)
    sink = object_sink(server.store(access_key_id={"env": "KEY_ID"}, secret_access_key={"env": "KEY_ID"}))
    with pytest.raises(SettingsError, match="KEY_ID is not set"):
        await sink.find(KEY)


async def test_another_session_s_token_is_not_mixed_with_the_keys_of_the_settings(
    server: FaultS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another's")
    server.key_id = "AKID"
    sink = object_sink(server.store(access_key_id={"env": "KEY_ID"}, secret_access_key={"env": "KEY_ID"}))
    assert await staged(sink, KEY, SMALL)
    assert "another's" not in server.tokens


async def test_a_bucket_that_is_not_there_is_told(server: FaultS3) -> None:
    sink = object_sink(server.store(url="s3://another"))
    for body in (SMALL, LARGE):
        with pytest.raises(StoreUnusableError, match="there is no such bucket: check the store's url"):
            await staged(sink, KEY, body)


async def test_a_store_that_is_not_there_is_told(sink: ObjectStoreSink, server: FaultS3, unused_port: int) -> None:
    gone = object_sink(server.store(endpoint=f"http://127.0.0.1:{unused_port}"))
    with pytest.raises(StoreUnusableError, match="it does not answer: check the store's endpoint"):
        await gone.find(KEY)


async def test_a_server_of_a_private_authority_is_trusted_only_if_told(
    authority: Path, server_certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bucket.RETRY, "max_retries", 0)
    monkeypatch.setenv("KEY_ID", "AKID")
    keys: dict[str, Any] = {"access_key_id": {"env": "KEY_ID"}, "secret_access_key": {"env": "KEY_ID"}}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_certificate)
    async with FaultS3(context) as server, asyncio.timeout(30):
        with pytest.raises(
            StoreUnusableError, match="its certificate is not trusted: check the store's endpoint and ca_file"
        ):
            await staged(object_sink(server.store(**keys)), KEY, SMALL)

        assert await staged(object_sink(server.store(**keys, ca_file=authority)), KEY, SMALL)

        assert server.objects == {KEY: SMALL}
        assert "UNSIGNED-PAYLOAD" in server.hashes, "TLS protects the bytes already"
        with pytest.raises(SettingsError, match=r"ca_file .*nowhere cannot be read"):
            await object_sink(server.store(ca_file=authority.with_name("nowhere"))).find(KEY)


def test_a_machine_without_credentials_is_told_what_to_give() -> None:
    # What obstore says where neither the settings nor the environment have any, and the machine has no role.
    text = "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token - HTTP error: error sending"
    problem = explained(GenericError(text), S3)
    assert problem.for_all
    assert "no credentials were found: give access_key_id" in problem.reason


@pytest.mark.parametrize(("chosen", "unsigned"), [(None, False), (True, True), (False, False)])
async def test_the_payload_is_signed_unless_it_is_told_otherwise(
    server: FaultS3, monkeypatch: pytest.MonkeyPatch, chosen: bool | None, unsigned: bool
) -> None:
    monkeypatch.setenv("KEY_ID", "AKID")
    keys: dict[str, Any] = {"access_key_id": {"env": "KEY_ID"}, "secret_access_key": {"env": "KEY_ID"}}
    await staged(object_sink(server.store(**keys, unsigned_payload=chosen)), KEY, SMALL)
    assert ("UNSIGNED-PAYLOAD" in server.hashes) is unsigned


async def test_reading_an_object_that_is_not_there_is_an_error_that_names_it(real: ObjectStoreSink) -> None:
    with pytest.raises(StoreError, match=f"{KEY} cannot be read .* there is no such object"):
        await real.digest(KEY, Algorithm.MD5)
