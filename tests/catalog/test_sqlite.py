"""The embedded catalogue: one file among processes, threads, crashes and other people's files."""

import multiprocessing
import os
import pickle
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from rs_assets.catalog import SqliteCatalog, database
from rs_assets.catalog.protocol import UpsertStatus
from rs_assets.catalog.records import ItemRecord
from rs_assets.catalog.writing import ItemWriter
from rs_assets.errors import CatalogError

from .samples import AUX, DAY, SPEC, aux_item

FORK = multiprocessing.get_context("fork")
NOBODY = 65534


@pytest.fixture
def catalog(tmp_path: Path) -> SqliteCatalog:
    """An empty catalogue with one collection."""
    made = SqliteCatalog(tmp_path / "catalog.db")
    made.ensure_collection(SPEC)
    return made


def in_processes(number: int, work: Callable[[], object]) -> list[object]:
    """What the work returns, or the error that it ends with, in each of so many processes that start it at once."""
    barrier = FORK.Barrier(number)
    pipes = [FORK.Pipe(duplex=False) for _ in range(number)]
    processes = [FORK.Process(target=_answer, args=(work, barrier, sender)) for _, sender in pipes]
    for process in processes:
        process.start()
    answers = [receiver.recv() for receiver, _ in pipes]
    for process in processes:
        process.join()
    return answers


def _answer(work: Callable[[], object], barrier: Barrier, sender: Connection) -> None:
    barrier.wait()
    try:
        sender.send(work())
    except Exception as error:  # noqa: BLE001 - the test compares whatever it is
        sender.send(repr(error))


def test_processes_that_write_the_same_items_create_each_of_them_once(catalog: SqliteCatalog) -> None:
    items = [aux_item(f"A{number}.EOF") for number in range(500)]

    def work() -> tuple[int, int]:
        reports = [catalog.upsert(AUX, items[place : place + 50]) for place in range(0, 500, 50)]
        counts = [sum(report.count(status) for report in reports) for status in UpsertStatus]
        assert sum(counts) == 500
        return counts[0], counts[2]

    answers = in_processes(4, work)

    assert all(isinstance(answer, tuple) for answer in answers), answers
    assert [sum(column) for column in zip(*answers, strict=True)] == [500, 1500]
    assert catalog.count(AUX) == 500


def test_processes_that_write_different_publications_end_with_the_newest(catalog: SqliteCatalog) -> None:
    def work() -> str:
        sources = [f"{os.getpid()}-{number:02}" for number in range(20)]
        for source in sources:
            catalog.upsert(AUX, [aux_item(source=source)])
        return sources[-1]

    newest = max(map(str, in_processes(4, work)))

    assert catalog.existing(AUX, ["S1A_AUX_A"])["S1A_AUX_A"].order == (DAY, newest)


def test_processes_may_open_a_fresh_file_at_the_same_time(tmp_path: Path) -> None:
    for attempt in range(5):
        path = tmp_path / str(attempt) / "catalog.db"

        def work(path: Path = path) -> str:
            catalog = SqliteCatalog(path)
            catalog.ensure_collection(SPEC)
            return str(catalog.upsert(AUX, [aux_item(f"A{os.getpid()}.EOF")]).results[0].status)

        assert in_processes(6, work) == ["created"] * 6
        assert SqliteCatalog(path).count(AUX) == 6


def test_a_writer_killed_within_a_batch_leaves_nothing_of_it(
    catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.upsert(AUX, [aux_item("A.EOF", platform="before")])
    receiver, sender = FORK.Pipe(duplex=False)
    insert = ItemWriter._insert

    def stop_in_the_middle(self: ItemWriter, record: ItemRecord) -> None:
        insert(self, record)
        if record.item.id == "B300":
            sender.send("in the middle")
            signal.pause()

    monkeypatch.setattr(ItemWriter, "_insert", stop_in_the_middle)
    batch = [aux_item("A.EOF", platform="after"), *(aux_item(f"B{number}.EOF") for number in range(500))]
    writer = FORK.Process(target=catalog.upsert, args=(AUX, batch))
    writer.start()
    assert receiver.recv() == "in the middle"
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    monkeypatch.undo()

    with sqlite3.connect(catalog.place) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT count(*) FROM assets").fetchone() == (1,)
    assert [item.properties["platform"] for item in catalog.search()] == ["before"]
    assert catalog.upsert(AUX, batch).count(UpsertStatus.CREATED) == 500


def test_threads_share_one_catalogue(catalog: SqliteCatalog) -> None:
    def work(number: int) -> UpsertStatus:
        return catalog.upsert(AUX, [aux_item(f"A{number % 20}.EOF")]).results[0].status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(work, range(80)))

    assert (statuses.count(UpsertStatus.CREATED), statuses.count(UpsertStatus.UNCHANGED)) == (20, 60)


def test_a_catalogue_can_be_sent_to_another_process(catalog: SqliteCatalog) -> None:
    catalog.upsert(AUX, [aux_item()])

    assert pickle.loads(pickle.dumps(catalog)).count(AUX) == 1


def test_nothing_is_made_before_the_first_use_and_then_the_directory_too(tmp_path: Path) -> None:
    path = tmp_path / "a place" / "für Kataloge 目录" / "the catalogue?.db"
    catalog = SqliteCatalog(path)
    assert not path.parent.exists()

    catalog.ensure_collection(SPEC)
    catalog.upsert(AUX, [aux_item()])

    assert path.is_file()
    assert SqliteCatalog(path).count(AUX) == 1


def test_a_relative_path_stays_right_when_the_process_changes_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    catalog = SqliteCatalog(":memory:")
    catalog.ensure_collection(SPEC)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert catalog.collection(AUX) is not None


def test_a_file_of_a_newer_version_is_refused_and_left_alone(catalog: SqliteCatalog) -> None:
    with sqlite3.connect(catalog.place) as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")

    with pytest.raises(CatalogError, match=f"{catalog.place}.*newer version"):
        catalog.count(AUX)
    with pytest.raises(CatalogError, match="newer version"):
        catalog.upsert(AUX, [aux_item()])


@pytest.mark.parametrize("table", ["runs (id)", "meta (key, value)", "meta (other)"])
def test_the_database_of_another_application_is_refused_and_left_alone(tmp_path: Path, table: str) -> None:
    path = tmp_path / "runs.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE {table}")
        connection.execute("CREATE TABLE items (id)")

    with pytest.raises(CatalogError, match=f"{path}.*no catalogue"):
        SqliteCatalog(path).ensure_collection(SPEC)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (2,)


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)

    with pytest.raises(CatalogError, match=f"{path}.*not an SQLite file"):
        SqliteCatalog(path).collections()


def test_a_corrupt_file_is_refused_by_name(catalog: SqliteCatalog) -> None:
    catalog.upsert(AUX, [aux_item(f"A{number}.EOF") for number in range(200)])
    data = Path(catalog.place).read_bytes()
    Path(catalog.place).write_bytes(data[:8192] + b"\xff" * (len(data) - 8192))

    with pytest.raises(CatalogError, match=f"{catalog.place}.*corrupt"):
        list(catalog.search())


@pytest.mark.parametrize("place", ["directory", "file/catalog.db"])
def test_a_place_that_can_hold_no_file_is_refused_by_name(tmp_path: Path, place: str) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(CatalogError, match=str(tmp_path / place)):
        SqliteCatalog(tmp_path / place).collections()


def test_a_writer_that_waits_too_long_says_so(catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.01)
    holder = sqlite3.connect(catalog.place, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(CatalogError, match=r"locked.*try again"):
        catalog.upsert(AUX, [aux_item()])
    assert catalog.count(AUX) == 0
    holder.close()


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that other users can reach, unlike pytest's own."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    path.chmod(0o755)
    shutil.rmtree(path)


def test_a_user_who_may_only_read_reads_and_is_told_why_he_cannot_write(open_directory: Path) -> None:
    catalog = SqliteCatalog(open_directory / "my catalog.db")
    catalog.ensure_collection(SPEC)
    catalog.upsert(AUX, [aux_item()])
    Path(catalog.place).chmod(0o444)
    open_directory.chmod(0o555)

    def work() -> list[object]:
        if os.geteuid() == 0:
            os.setuid(NOBODY)
        read: list[object] = [catalog.count(AUX), [item.id for item in catalog.search()]]
        try:
            catalog.upsert(AUX, [aux_item("B.EOF")])
        except CatalogError as error:
            read.append(catalog.place in str(error))
        return read

    assert in_processes(1, work) == [[1, ["S1A_AUX_A"], True]]
    assert catalog.count(AUX) == 1


def test_the_history_tells_every_change_and_no_attempt_that_changed_nothing(catalog: SqliteCatalog) -> None:
    for item in (aux_item(), aux_item(), aux_item(size=11), aux_item(source="0"), aux_item("S1A_AUX_A.zip")):
        catalog.upsert(AUX, [item])
    catalog.delete(AUX, "S1A_AUX_A")

    entries = catalog.history(AUX, "S1A_AUX_A")

    assert [entry.status for entry in entries] == ["created", "updated", "deleted"]
    assert entries[0].content_hash != entries[1].content_hash == entries[2].content_hash
    assert entries[0].recorded.tzinfo is not None
    assert entries == sorted(entries, key=lambda entry: entry.recorded)
