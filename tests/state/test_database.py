import multiprocessing
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from rs_assets.errors import StateError
from rs_assets.items.files import FileState
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.settings import StateSettings
from rs_assets.state import Searches, StagedFile, StateDatabase, SupersededObjects, Transfers, open_state
from rs_assets.state.schema import SCHEMA_VERSION, superseded_objects
from tests.files import file_at

NOW = datetime(2026, 11, 1, 12, 30, 15, 123_456, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
FIRST = datetime.min.replace(tzinfo=UTC)


def test_nothing_is_opened_before_it_is_needed(in_file: StateSettings, tmp_path: Path) -> None:
    open_state(in_file)

    assert list(tmp_path.iterdir()) == []


def test_what_one_object_writes_another_reads(state_settings: StateSettings) -> None:
    SupersededObjects(open_state(state_settings)).note(["file:///a"], at=NOW)

    assert SupersededObjects(open_state(state_settings)).noted_before(LAST) == ["file:///a"]


def test_a_transaction_is_undone_by_an_error(database: StateDatabase) -> None:
    def write_and_fail() -> None:
        with database.transaction() as connection:
            connection.execute(superseded_objects.insert(), {"href": "file:///a", "since": NOW})
            raise KeyError("stop")

    with pytest.raises(KeyError):
        write_and_fail()

    assert SupersededObjects(database).noted_before(LAST) == []


def test_a_reader_waits_for_no_writer_and_sees_what_was_there_when_it_began(state_settings: StateSettings) -> None:
    database, other = open_state(state_settings), open_state(state_settings)
    SupersededObjects(database).note(["file:///a"], at=NOW)

    with database.transaction() as connection:
        connection.execute(superseded_objects.insert(), {"href": "file:///b", "since": NOW})
        assert SupersededObjects(other).noted_before(LAST) == ["file:///a"]

    assert SupersededObjects(other).noted_before(LAST) == ["file:///a", "file:///b"]


def test_a_writer_waits_for_no_reader_whose_facts_stay_those_of_its_begin(state_settings: StateSettings) -> None:
    database, other = open_state(state_settings), open_state(state_settings)
    SupersededObjects(database).note(["file:///a"], at=NOW)

    with database.reading() as connection:
        before = connection.scalars(select(superseded_objects.c.href)).all()
        SupersededObjects(other).note(["file:///b"], at=NOW)
        assert connection.scalars(select(superseded_objects.c.href)).all() == before

    assert SupersededObjects(database).noted_before(LAST) == ["file:///a", "file:///b"]


def test_an_error_of_the_database_names_it(state_settings: StateSettings) -> None:
    with pytest.raises(StateError) as caught, open_state(state_settings).transaction() as connection:
        connection.exec_driver_sql("SELECT * FROM nothing")

    assert str(caught.value).startswith(f"the state database {state_settings.place} cannot be used: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough for a header " * 40, b"SQLite format 3\x00junk"]
)
def test_a_file_that_is_no_database_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "state.sqlite"
    file.write_bytes(content)

    with pytest.raises(StateError, match=f"{file}.*damaged: .*move it .*away, and run .rs-assets rebuild"):
        SupersededObjects(open_state(StateSettings(url=f"sqlite:///{file}"))).noted_before(NOW)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StateError, match=f"{tmp_path}/file/state"):
        SupersededObjects(open_state(StateSettings(url=f"sqlite:///{tmp_path}/file/state/state.sqlite"))).noted_before(
            NOW
        )


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, "new"])
def test_a_database_of_another_version_is_refused(in_file: StateSettings, tmp_path: Path, version: int | str) -> None:
    SupersededObjects(open_state(in_file)).noted_before(NOW)
    with sqlite3.connect(tmp_path / "state/state.sqlite") as connection:
        connection.execute("UPDATE meta SET value = ?", [str(version)])
    connection.close()

    with pytest.raises(StateError, match=f"newer version .*version {version}, .*reads up to {SCHEMA_VERSION}, "):
        SupersededObjects(open_state(in_file)).noted_before(NOW)


def test_nothing_is_made_in_a_database_of_another_version(in_file: StateSettings, tmp_path: Path) -> None:
    SupersededObjects(open_state(in_file)).noted_before(NOW)
    file = tmp_path / "state/state.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE meta SET value = '99'")
        connection.execute("DROP TABLE orders")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    before = file.read_bytes()

    with pytest.raises(StateError, match="version 99"):
        SupersededObjects(open_state(in_file)).noted_before(NOW)

    assert file.read_bytes() == before


def test_transactions_outlive_a_power_cut(in_file: StateSettings) -> None:
    with open_state(in_file).transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


def _rename(database: StateDatabase) -> None:
    with database.transaction() as connection:
        connection.execute(superseded_objects.update().values(href="file:///child"))


def test_a_forked_process_has_a_connection_of_its_own(database: StateDatabase) -> None:
    SupersededObjects(database).note(["file:///parent"], at=NOW)
    child = multiprocessing.get_context("fork").Process(target=_rename, args=(database,))
    child.start()
    child.join(30)

    assert child.exitcode == 0
    with database.transaction() as connection:
        assert connection.scalar(select(superseded_objects.c.href)) == "file:///child"


def _open_and_note(settings: StateSettings, name: str, barrier: Barrier) -> None:
    barrier.wait(20)
    SupersededObjects(open_state(settings)).note([name], at=NOW)


def test_a_fresh_database_can_be_opened_by_eight_processes_at_once(state_settings: StateSettings) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    names = [f"file:///{number}" for number in range(8)]
    barrier = context.Barrier(len(names))
    processes = [context.Process(target=_open_and_note, args=(state_settings, name, barrier)) for name in names]

    for process in processes:
        process.start()
    for process in processes:
        process.join(30)

    assert [process.exitcode for process in processes] == [0] * 8
    assert sorted(SupersededObjects(open_state(state_settings)).noted_before(LAST)) == names


@pytest.mark.parametrize("moment", [NOW, FIRST, LAST, NOW.astimezone(timezone(timedelta(hours=-5)))])
def test_a_time_is_kept_in_utc_to_the_microsecond(database: StateDatabase, moment: datetime) -> None:
    SupersededObjects(database).note(["file:///a"], at=moment)

    with database.transaction() as connection:
        kept = connection.scalar(select(superseded_objects.c.since))

    assert kept == moment
    assert kept is not None
    assert kept.tzinfo is UTC


def test_a_naive_time_is_refused(database: StateDatabase) -> None:
    with pytest.raises(StateError, match="naive"):
        SupersededObjects(database).note(["file:///a"], at=NOW.replace(tzinfo=None))


def test_a_state_is_known_by_its_place(state_settings: StateSettings) -> None:
    assert repr(open_state(state_settings)) == f"StateDatabase({state_settings.place!r})"


def staged(key: str = "s1_aux/A/1/A.zip", **others: Any) -> StagedFile:
    facts: dict[str, Any] = {
        "state": FileState.STAGED,
        "key": key,
        "size": 5_000_000_000,
        "digest": Digest(Algorithm.MD5, "0" * 32),
        "attempts": 2,
        "moved": 5_000_000_123,
        "seconds": 12.5,
    }
    file = replace(file_at(key, "https://station.example/Products(1)/$value"), **(facts | others))
    return StagedFile(file, "adgs", "2026-11-01|S1", "run", NOW)


def test_a_transfer_is_kept_as_it_was_and_the_last_one_of_an_object_stays(database: StateDatabase) -> None:
    transfers = Transfers(database)
    other = replace(staged("s1_aux/B/2/B.zip", size=None, digest=None), run_id=None)

    transfers.record([staged(attempts=1), other])
    transfers.record([staged()])

    assert transfers.of(["s1_aux/A/1/A.zip", "s1_aux/B/2/B.zip", "gone"]) == {
        "s1_aux/A/1/A.zip": staged(),
        "s1_aux/B/2/B.zip": other,
    }


def test_a_file_under_an_alternate_key_keeps_its_source_id(database: StateDatabase) -> None:
    transfers = Transfers(database)
    transfers.record([replace(staged(), file=replace(staged().file, key="s1_aux/A/1~abc/A.zip"))])

    assert transfers.of(["s1_aux/A/1~abc/A.zip"])["s1_aux/A/1~abc/A.zip"].file.source_id == "1"


def test_no_transfers_are_no_error(database: StateDatabase) -> None:
    Transfers(database).record([])

    assert Transfers(database).of([]) == {}


def test_a_superseded_object_keeps_its_first_time_until_it_is_forgotten(database: StateDatabase) -> None:
    superseded = SupersededObjects(database)
    superseded.note(["file:///a"], at=NOW)
    superseded.note(["file:///a", "file:///b"], at=NOW + timedelta(hours=1))
    superseded.note([], at=NOW)

    assert superseded.noted_before(NOW - timedelta(microseconds=1)) == []
    assert superseded.noted_before(NOW + timedelta(minutes=1)) == ["file:///a"]
    superseded.forget(["file:///a", "file:///gone"])
    assert superseded.noted_before(LAST) == ["file:///b"]


DAY = timedelta(days=1)
END = NOW + DAY
LAG = timedelta(hours=2)
PAUSE = timedelta(minutes=10)


def to_repeat(searches: Searches, now: datetime) -> list[str]:
    return [record.partition for record in searches.to_repeat("adgs", now=now, lag=LAG, pause=PAUSE)]


def test_a_partition_searched_while_open_is_repeated_when_its_window_has_closed(database: StateDatabase) -> None:
    searches = Searches(database)
    searches.succeeded("adgs", "p", window_end=END, at=NOW, closed=False)

    assert to_repeat(searches, END + LAG - timedelta(microseconds=1)) == []
    assert to_repeat(searches, END + LAG) == ["p"]

    searches.succeeded("adgs", "p", window_end=END, at=END + LAG, closed=True)
    assert to_repeat(searches, END + DAY) == []


def test_a_search_that_failed_is_repeated_after_a_pause(database: StateDatabase) -> None:
    searches = Searches(database)
    at = END + LAG
    searches.failed("adgs", "p", window_end=END, at=at, error="adgs: down")

    assert to_repeat(searches, at + PAUSE - timedelta(microseconds=1)) == []
    assert to_repeat(searches, at + PAUSE) == ["p"]


def test_a_failure_leaves_what_an_earlier_search_found(database: StateDatabase) -> None:
    searches = Searches(database)
    searches.succeeded("adgs", "p", window_end=END, at=END + LAG, closed=True)
    searches.failed("adgs", "p", window_end=END, at=END + DAY, error="adgs: down")

    record = searches.of("adgs")["p"]

    assert (record.searched_at, record.was_closed, record.error) == (END + LAG, True, "adgs: down")
    assert record.attempted_at == END + DAY
    assert to_repeat(searches, END + 2 * DAY) == []


def test_a_success_clears_the_error(database: StateDatabase) -> None:
    searches = Searches(database)
    searches.failed("adgs", "p", window_end=END, at=NOW, error="adgs: down")
    searches.succeeded("adgs", "p", window_end=END, at=NOW + LAG, closed=False)

    assert searches.of("adgs", ["p", "q"])["p"].error is None


def test_partitions_to_repeat_are_those_of_the_station_the_oldest_first(database: StateDatabase) -> None:
    searches = Searches(database)
    for station, partition, end in [("adgs", "b", END), ("adgs", "a", END - DAY), ("other", "c", END)]:
        searches.failed(station, partition, window_end=end, at=NOW, error="down")

    assert to_repeat(searches, END + DAY) == ["a", "b"]
    assert set(searches.of("other")) == {"c"}
