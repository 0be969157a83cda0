import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rs_assets.errors import StoreError
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.locks.flock import try_flock
from rs_assets.settings import Verification
from rs_assets.staging.verification import Expectation, VerifyingHasher
from rs_assets.store.directory_sink import DirectorySink
from rs_assets.store.errors import TakenError
from rs_assets.store.origin import Origin
from rs_assets.store.parts import Part
from tests.files import file_at
from tests.staging.rig import content, files_in, md5

KEY = "s1_aux/A/uuid-1/A.zip"


def passage(algorithm: Digest | None = None) -> VerifyingHasher:
    return VerifyingHasher(Expectation(file_at("c/a/1/f", digests=(algorithm,) if algorithm else ()), Verification()))


async def put(sink: DirectorySink, key: str, body: bytes) -> bool:
    async with sink.writer(key) as writer:
        await writer.begin(Origin(size=len(body)), passage())
        await writer.write([body], passage())
        return await writer.commit()


async def test_an_object_is_seen_only_after_its_commit(sink: DirectorySink) -> None:
    async with sink.writer(KEY) as writer:
        await writer.write([b"abc"], passage())
        assert await sink.find(KEY) is None
        assert await writer.commit()
        found = await sink.find(KEY)
    assert found is not None
    assert (found.size, content(found.href)) == (3, b"abc")


async def test_leaving_without_a_commit_leaves_nothing(sink: DirectorySink, root: Path) -> None:
    async with sink.writer(KEY) as writer:
        await writer.write([b"abc"], passage())
        assert len(files_in(root)) == 1
    assert files_in(root) == []


async def test_a_published_object_is_never_replaced(sink: DirectorySink, root: Path) -> None:
    assert await put(sink, KEY, b"first")
    assert not await put(sink, KEY, b"second")
    assert (root / KEY).read_bytes() == b"first"
    assert files_in(root) == [KEY]


async def test_a_digest_is_that_of_the_bytes_in_the_store(sink: DirectorySink) -> None:
    body = bytes(range(256)) * 10_000
    await put(sink, KEY, body)
    assert await sink.digest(KEY, Algorithm.MD5) == md5(body)


async def test_a_digest_of_nothing_is_a_store_error_that_names_the_file(sink: DirectorySink) -> None:
    with pytest.raises(StoreError, match=KEY):
        await sink.digest(KEY, Algorithm.MD5)


async def test_hrefs_and_keys_are_each_others_inverse(tmp_path: Path) -> None:
    sink = DirectorySink(tmp_path / "a store")
    key = "s1_aux/A B/uuid#1/ü%20?.zip"
    await put(sink, key, b"abc")
    assert sink.key_of(sink.href(key)) == key
    assert sink.href(key).startswith("file:///")


@pytest.mark.parametrize("href", ["file:///etc/passwd", "https://adgs/f", "{root}/../f", "{root}/.parts/f", "{root}"])
async def test_an_href_outside_of_the_store_has_no_key(sink: DirectorySink, root: Path, href: str) -> None:
    assert sink.key_of(href.format(root=root.as_uri())) is None


async def test_a_deleted_object_takes_its_empty_directories_along(sink: DirectorySink, root: Path) -> None:
    await put(sink, "c/a/1/f", b"a")
    await put(sink, "c/b/1/f", b"b")
    await sink.delete("c/a/1/f")
    await sink.delete("c/a/1/f")
    assert files_in(root) == ["c/b/1/f"]
    assert not (root / "c/a").exists()


async def test_a_directory_that_vanishes_before_the_link_is_made_again(
    sink: DirectorySink, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link
    (root / KEY).parent.mkdir(parents=True)

    def after_a_deletion(part: str, path: str) -> None:
        if not vanished:
            vanished.append(Path(path).parent)
            vanished[0].rmdir()
        link(part, path)

    vanished: list[Path] = []
    monkeypatch.setattr(os, "link", after_a_deletion)
    assert await put(sink, KEY, b"abc")
    assert (root / KEY).read_bytes() == b"abc"


async def test_the_bytes_are_on_the_disk_before_their_name_and_the_name_before_the_commit_ends(
    sink: DirectorySink, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, link = os.fsync, os.link

    def noted_sync(descriptor: int) -> None:
        synced = Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(root)
        steps.append("sync part" if synced.suffix == ".part" else f"sync {synced}")
        sync(descriptor)

    def noted_link(part: str, path: str) -> None:
        link(part, path)
        steps.append("link")

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "link", noted_link)
    await put(sink, "c/a/f", b"abc")
    assert steps == ["sync part", "link", "sync c/a", "sync c", "sync ."]


async def test_tidying_removes_what_nobody_is_writing_and_leaves_what_somebody_is(
    sink: DirectorySink, root: Path
) -> None:
    async with sink.writer(KEY) as writer:
        await writer.write([b"abc"], passage())
        live = files_in(root)
        for name in ("of-a-dead-process.part", "of-a-dead-process.journal", "of-one-that-just-died.part"):
            (root / ".parts" / name).write_bytes(b"half")
        for name in (*live, ".parts/of-a-dead-process.part"):
            os.utime(root / name, (0, 0))
        await DirectorySink(root).tidy()
        assert files_in(root) == sorted([*live, ".parts/of-one-that-just-died.part"])
        assert await writer.commit()
    assert files_in(root) == [".parts/of-one-that-just-died.part", KEY]


async def test_a_part_removed_between_its_creation_and_its_lock_is_begun_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[Path] = []

    def after_a_tidying(descriptor: int) -> bool:
        if not removed:
            removed.extend((root / ".parts").iterdir())
            removed[0].unlink()
        return try_flock(descriptor)

    monkeypatch.setattr("rs_assets.store.parts.try_flock", after_a_tidying)
    assert await put(DirectorySink(root), KEY, b"abc")
    assert (root / KEY).read_bytes() == b"abc"
    assert len(removed) == 1


async def test_a_key_that_is_being_written_is_taken(sink: DirectorySink, root: Path) -> None:
    async with sink.writer(KEY) as writer:
        with pytest.raises(TakenError, match=KEY):
            async with DirectorySink(root).writer(KEY):
                pass
        await writer.write([b"abc"], passage())
        assert await writer.commit()
    async with sink.writer(KEY) as writer:
        assert writer.present is not None
        assert writer.present.size == 3
    assert files_in(root) == [KEY]


def test_a_part_that_was_left_is_neither_begun_nor_written(root: Path) -> None:
    part = Part(str(root), KEY)
    part.leave()
    part.open()
    assert not root.exists()
    with pytest.raises(StoreError, match="closed"):
        part.write(b"abc", passage())


def test_a_part_is_not_closed_under_a_write_that_still_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = Part(str(root), KEY)
    part.open()
    writing, go_on = threading.Event(), threading.Event()
    write = os.write

    def slow_write(descriptor: int, data: bytes) -> int:
        writing.set()
        go_on.wait(5)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", slow_write)
    with ThreadPoolExecutor() as threads:
        written = threads.submit(part.write, b"abc", passage())
        writing.wait(5)
        left = threads.submit(part.leave)
        with pytest.raises(TimeoutError):
            left.result(0.05)
        go_on.set()
        written.result(5)
        left.result(5)
    assert files_in(root) == []


def test_a_part_whose_bytes_have_become_an_object_is_not_written_to_again(root: Path) -> None:
    """As a process leaves it that dies between giving the object its name and removing the part's."""
    part = Part(f"{root}/.parts", KEY)
    part.open()
    part.write(b"abc", passage())
    (root / KEY).parent.mkdir(parents=True)
    (root / KEY).hardlink_to(next((root / ".parts").iterdir()))
    os.close(part._descriptor)  # type: ignore[arg-type] # as its end does

    successor = Part(f"{root}/.parts", KEY)
    successor.open()
    successor.write(b"other", passage())
    assert (root / KEY).read_bytes() == b"abc"


def test_a_cancelled_digest_does_not_read_a_large_object_to_its_end(
    sink: DirectorySink, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = threading.Event()
    hasher = Algorithm.MD5.hasher()

    class Noted:
        def update(self, data: bytes) -> None:
            reading.set()
            hasher.update(data)

        def hexdigest(self) -> str:
            return hasher.hexdigest()

    monkeypatch.setattr(Algorithm, "hasher", lambda _: Noted())
    root.mkdir()
    with (root / "f").open("wb") as file:
        file.truncate(30_000_000_000)

    async def cancelled() -> None:
        digest = asyncio.create_task(sink.digest("f", Algorithm.MD5))
        assert await asyncio.to_thread(reading.wait, 5)
        digest.cancel()

    begun = time.monotonic()
    asyncio.run(cancelled())
    assert time.monotonic() - begun < 5


async def test_a_root_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=f"{tmp_path}/file/store"):
        await put(DirectorySink(tmp_path / "file/store"), KEY, b"abc")


async def test_short_work_that_is_cancelled_while_others_of_its_batch_are_done_is_not_done(root: Path) -> None:
    sink, done = DirectorySink(root), []
    begun = [threading.Event(), threading.Event()]
    go_on = [threading.Event(), threading.Event()]

    def blocking(number: int) -> None:
        begun[number].set()
        assert go_on[number].wait(10)

    first = asyncio.create_task(sink.run_small(lambda: blocking(0)))
    await asyncio.to_thread(begun[0].wait, 10)
    second = asyncio.create_task(sink.run_small(lambda: blocking(1)))
    third = asyncio.create_task(sink.run_small(lambda: done.append("third")))
    await asyncio.sleep(0)
    go_on[0].set()
    await asyncio.to_thread(begun[1].wait, 10)
    third.cancel()
    await asyncio.wait([third])
    go_on[1].set()
    await asyncio.gather(first, second)

    assert done == []
