import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rs_assets.errors import StoreError
from rs_assets.settings import DirectoryStore
from rs_assets.store import open_store

PATH = "search_results/adgs/2026-11-01/S1.json"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(path=tmp_path / "made" / "store")


def test_a_document_is_read_as_it_was_written(store: DirectoryStore) -> None:
    document = {"schema_version": 1, "names": ["é", "it's"], "none": None, "size": 2**53 + 1}
    open_store(store).documents.write(PATH, {"old": True})
    open_store(store).documents.write(PATH, document)

    assert open_store(store).documents.read(PATH) == document


def test_a_document_that_is_not_there_is_none(store: DirectoryStore) -> None:
    assert open_store(store).documents.read(PATH) is None


def test_the_url_of_a_document_leads_to_its_file(store: DirectoryStore) -> None:
    documents = open_store(store).documents
    documents.write(PATH, {})

    assert documents.url(PATH) == f"file://{store.path}/{PATH}"
    assert (store.path / PATH).read_text() == "{}"


@pytest.mark.parametrize("content", ["[]", "null", "{", "", "\x00"])
def test_what_is_no_json_object_is_an_error_that_names_it(store: DirectoryStore, content: str) -> None:
    documents = open_store(store).documents
    file = store.path / PATH
    file.parent.mkdir(parents=True)
    file.write_text(content)

    with pytest.raises(StoreError, match=rf"{PATH} in the store {store.path} is n"):
        documents.read(PATH)


def test_a_document_that_cannot_be_read_is_an_error_that_names_it(store: DirectoryStore) -> None:
    documents = open_store(store).documents
    (store.path / PATH).parent.mkdir(parents=True)
    (store.path / PATH).symlink_to("S1.json")

    with pytest.raises(StoreError, match=PATH):
        documents.read(PATH)


def test_a_document_that_cannot_be_written_is_an_error_that_leaves_the_old_one(store: DirectoryStore) -> None:
    documents = open_store(store).documents
    documents.write("a", {"old": True})

    with pytest.raises(StoreError, match="a/b"):
        documents.write("a/b", {})
    with pytest.raises(ValueError, match="JSON"):
        documents.write("a", {"size": float("nan")})

    assert documents.read("a") == {"old": True}


def test_a_store_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=f"{tmp_path}/file/store"):
        open_store(DirectoryStore(path=tmp_path / "file" / "store")).documents.write(PATH, {})


def test_a_document_that_cannot_be_written_whole_leaves_nothing_behind(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = open_store(store).documents
    documents.write(PATH, {"old": True})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        documents.write(PATH, {"new": True})

    assert documents.read(PATH) == {"old": True}
    assert [path.name for path in (store.path / PATH).parent.iterdir()] == ["S1.json"]


def test_bytes_are_read_as_they_were_written_and_none_where_there_are_none(store: DirectoryStore) -> None:
    documents = open_store(store).documents
    documents.write_bytes("a/b", b"\x00\xff")

    assert documents.read_bytes("a/b") == b"\x00\xff"
    assert documents.size("a/b") == 2
    assert (documents.read_bytes("a/c"), documents.size("a/c"), documents.modified("a/c")) == (None, None, None)


def test_when_a_document_was_written_is_told_in_utc(store: DirectoryStore) -> None:
    documents = open_store(store).documents
    documents.write_bytes("a", b"")

    modified = documents.modified("a")

    assert modified is not None
    assert modified.tzinfo is UTC
    assert abs(datetime.now(UTC) - modified) < timedelta(minutes=1)


def test_the_names_of_a_folder_are_those_of_its_documents(store: DirectoryStore) -> None:
    documents = open_store(store).documents
    for path in ("folder/b", "folder/a", "folder/inner/c", "folder/.hidden", "d"):
        documents.write_bytes(path, b"")
    (store.path / "folder" / "link").symlink_to("a")

    assert documents.names("folder") == ["a", "b"]
    assert documents.names("nowhere") == []
    with pytest.raises(StoreError, match="d in the store"):
        documents.names("d")


def test_a_copy_has_the_same_bytes_and_leaves_the_original(store: DirectoryStore) -> None:
    documents = open_store(store).documents
    documents.write_bytes("a", b"x" * 3_000_000)

    documents.copy("a", "deep/b")

    assert documents.read_bytes("deep/b") == documents.read_bytes("a") == b"x" * 3_000_000
    with pytest.raises(StoreError, match=r"c in the store .* cannot be copied to d"):
        documents.copy("c", "d")
    assert documents.names("") == ["a"]


def test_a_document_is_deleted_if_there_is_one(store: DirectoryStore) -> None:
    documents = open_store(store).documents
    documents.write_bytes("a", b"")

    documents.delete("a")
    documents.delete("a")

    assert documents.read_bytes("a") is None


def test_what_cannot_be_deleted_is_named(store: DirectoryStore) -> None:
    documents = open_store(store).documents
    documents.write_bytes("a/b", b"")

    with pytest.raises(StoreError, match=r"a in the store .* cannot be deleted"):
        documents.delete("a")


def test_the_longest_name_that_the_file_system_takes_can_be_written(store: DirectoryStore) -> None:
    documents = open_store(store).documents

    documents.write_bytes("x" * 255, b"long")

    assert documents.names("") == ["x" * 255]
