"""What lies in the inbox, and where it goes from there."""

import json
import os
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_assets.locks import Held, MemoryLocks
from rs_assets.requests import Inbox, RequestError
from rs_assets.requests.inbox import LARGEST_REQUEST
from rs_assets.settings import DirectoryStore
from rs_assets.store import Documents, open_store
from tests.requests.samples import asked, content_of


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(open_store(DirectoryStore(path=tmp_path)).documents)


def drop(directory: Path, name: str, content: bytes, *, age: timedelta = timedelta(minutes=1)) -> Path:
    """Put a file into the inbox by hand."""
    path = directory / "inbox" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    moment = (datetime.now(UTC) - age).timestamp()
    os.utime(path, (moment, moment))
    return path


def test_a_filed_request_is_read_back(inbox: Inbox) -> None:
    request = asked(priority=5, dt0=90)

    request_id = inbox.file(request)

    assert re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{8}", request_id)
    assert inbox.ids() == [request_id]
    assert inbox.read(request_id) == request


def test_an_id_may_be_chosen(inbox: Inbox, tmp_path: Path) -> None:
    assert inbox.file(asked(), "mine.json") == "mine.json"

    assert (tmp_path / "inbox" / "mine.json.json").is_file()
    assert inbox.ids() == ["mine.json"]


def test_an_id_that_is_used_is_refused_in_the_inbox_and_in_the_archive(inbox: Inbox) -> None:
    inbox.file(asked(), "waits")
    inbox.archive("ended", asked())

    for used in ("waits", "ended"):
        with pytest.raises(RequestError, match=f"'{used}' is used"):
            inbox.file(asked(priority=1), used)
    assert inbox.read("waits") == asked()


def test_an_id_that_leads_elsewhere_is_refused(inbox: Inbox, tmp_path: Path) -> None:
    for bad in ("../outside", "/tmp/outside", ".hidden", ""):
        with pytest.raises(RequestError, match="is not the id"):
            inbox.file(asked(), bad)
        with pytest.raises(RequestError, match="is not the id"):
            inbox.read(bad)
    assert content_of(tmp_path) == {}


def test_a_request_that_is_too_large_is_not_filed(inbox: Inbox) -> None:
    with pytest.raises(RequestError, match="at most 1000000"):
        inbox.file(asked(product_types=[f"{number:0100}" for number in range(10_000)]))
    assert inbox.names() == []


def test_a_request_that_is_gone_or_was_never_there_is_named(inbox: Inbox) -> None:
    with pytest.raises(RequestError, match="no request 'a'"):
        inbox.read("a")


def test_an_archived_request_can_still_be_read(inbox: Inbox) -> None:
    inbox.archive("a", asked())

    assert inbox.read("a") == asked()
    assert inbox.ids() == []


def test_only_plain_files_that_do_not_begin_with_a_dot_are_in_the_inbox(inbox: Inbox, tmp_path: Path) -> None:
    drop(tmp_path, "a.json", b"{}")
    drop(tmp_path, "note.txt", b"")
    drop(tmp_path, ".b.json.part", b"{}")
    (tmp_path / "inbox" / "folder.json").mkdir()
    (tmp_path / "inbox" / "link.json").symlink_to("a.json")
    os.mkfifo(tmp_path / "inbox" / "pipe.json")

    assert inbox.names() == ["a.json", "note.txt"]
    assert inbox.ids() == ["a"]


@pytest.mark.parametrize(
    "name", ["a.json", "odd name\n.json", "x" * 250, "é" * 127, os.fsdecode(b"\xff\xfe.json"), "a.reason.txt"]
)
def test_a_rejected_file_keeps_its_bytes_and_gets_its_reasons(inbox: Inbox, tmp_path: Path, name: str) -> None:
    drop(tmp_path, name, b"\x00junk")

    inbox.reject(name, ["first", "second \ud800"])

    kept = content_of(tmp_path)
    assert sorted(kept.values()) == [b"\x00junk", b"first\nsecond \\ud800\n"]
    assert all(path.startswith("rejected/") for path in kept)


def test_a_rejected_request_is_found_under_its_name_with_its_reasons(inbox: Inbox, tmp_path: Path) -> None:
    drop(tmp_path, "a.json", b"{")

    inbox.reject("a.json", ["broken"])

    assert (tmp_path / "rejected" / "a.json").read_bytes() == b"{"
    assert (tmp_path / "rejected" / "a.json.reason.txt").read_text() == "broken\n"
    assert inbox.rejection("a") == "broken"
    assert inbox.rejection("b") is None


def test_a_request_that_was_filed_again_is_no_longer_rejected(inbox: Inbox, tmp_path: Path) -> None:
    drop(tmp_path, "a.json", b"{")
    inbox.reject("a.json", ["broken"])

    inbox.file(asked(), "a")

    assert inbox.rejection("a") is None


def test_two_long_names_that_begin_alike_are_rejected_apart(inbox: Inbox, tmp_path: Path) -> None:
    for end in "ab":
        drop(tmp_path, "x" * 249 + end, end.encode())
        inbox.reject("x" * 249 + end, ["long"])

    assert sorted(content_of(tmp_path).values()) == [b"a", b"b", b"long\n", b"long\n"]


def test_a_file_s_reasons_never_replace_another_file(inbox: Inbox, tmp_path: Path) -> None:
    drop(tmp_path, "a.reason.txt", b"original")
    drop(tmp_path, "a", b"")
    inbox.reject("a.reason.txt", ["one"])
    inbox.reject("a", ["two"])

    assert b"original" in content_of(tmp_path).values()


def test_a_request_is_removed_but_not_what_took_its_place(inbox: Inbox) -> None:
    inbox.file(asked(), "a")

    inbox.remove("a", asked(priority=1))
    assert inbox.ids() == ["a"]
    inbox.remove("a", asked())
    assert inbox.ids() == []
    inbox.remove("a", asked())


def test_a_request_that_is_filed_while_the_one_of_its_id_is_removed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = MemoryLocks()
    documents = open_store(DirectoryStore(path=tmp_path), locks).documents
    inbox = Inbox(documents)
    inbox.file(asked(), "a")
    ended_or_waits = threading.Event()
    filed = []

    def try_lock(name: str, *, transient: bool = False) -> Held | None:
        held = MemoryLocks.try_lock(locks, name, transient=transient)
        if held is None:
            ended_or_waits.set()
        return held

    def file() -> None:
        filed.append(inbox.file(asked(priority=1), "a"))
        ended_or_waits.set()

    def read_bytes(path: str) -> bytes | None:
        content = type(documents).read_bytes(documents, path)
        (tmp_path / path).unlink()  # by another process that removes it, too
        thread.start()
        assert ended_or_waits.wait(10)
        return content

    thread = threading.Thread(target=file)
    monkeypatch.setattr(locks, "try_lock", try_lock)
    with monkeypatch.context() as patch:
        patch.setattr(documents, "read_bytes", read_bytes)
        inbox.remove("a", asked())
    thread.join(10)

    assert filed == ["a"]
    assert inbox.read("a") == asked(priority=1)


def test_an_archived_request_is_put_back_into_the_inbox(inbox: Inbox) -> None:
    inbox.archive("a", asked(dt0=1))

    inbox.restore("a")
    inbox.restore("a")

    assert inbox.ids() == ["a"]
    assert inbox.read("a") == asked(dt0=1)


def test_nothing_is_put_back_over_another_request_or_without_an_archive(inbox: Inbox, tmp_path: Path) -> None:
    inbox.archive("a", asked())
    drop(tmp_path, "a.json", b"another")

    with pytest.raises(RequestError, match="another request lies in the inbox"):
        inbox.restore("a")
    with pytest.raises(RequestError, match="not in the archive"):
        inbox.restore("b")
    assert (tmp_path / "inbox" / "a.json").read_bytes() == b"another"


def test_a_huge_file_is_refused_without_being_read(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with drop(tmp_path, "a.json", b"").open("wb") as file:
        file.truncate(LARGEST_REQUEST + 1)
    monkeypatch.delattr(Documents, "read_bytes")

    with pytest.raises(RequestError, match="1000001 bytes; a request has at most 1000000"):
        inbox.content("a.json")


WHOLE = json.dumps(asked(requester="Zoë \\ \n").to_dict(), ensure_ascii=False, indent=1).encode()


@settings(deadline=None)
@given(length=st.integers(0, len(WHOLE) - 1))
def test_a_request_that_breaks_off_anywhere_is_unfinished(
    length: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.getbasetemp() / "breaking_off"
    directory.mkdir(exist_ok=True)
    drop(directory, "a.json", WHOLE[:length], age=timedelta(0))

    assert Inbox(open_store(DirectoryStore(path=directory)).documents).is_unfinished(
        "a.json", WHOLE[:length], datetime.now(UTC)
    )


@pytest.mark.parametrize("content", [b"{}", b'{"a": 1}', b"no", b"\x00", b'{"a": 1}}', b"{a", b"\xff{", b"[" * 1000])
def test_what_is_whole_or_never_will_be_is_not_unfinished(inbox: Inbox, tmp_path: Path, content: bytes) -> None:
    drop(tmp_path, "a.json", content, age=timedelta(0))

    assert not inbox.is_unfinished("a.json", content, datetime.now(UTC))


def test_a_file_that_nobody_has_written_to_for_long_is_not_unfinished(inbox: Inbox, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    drop(tmp_path, "a.json", b"{", age=timedelta(seconds=2))

    assert inbox.is_unfinished("a.json", b"{", now)
    assert not inbox.is_unfinished("a.json", b"{", now + timedelta(seconds=4))
    assert not inbox.is_unfinished("a.json", b"{", now - timedelta(minutes=1)), "its clock is wrong"
