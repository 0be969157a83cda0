"""State and catalogue of earlier versions become those of today: at once, whole or not at all, with a copy kept."""

import multiprocessing
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

import rs_assets.catalog.schema
import rs_assets.revisions
import rs_assets.state.database
from rs_assets.catalog import open_catalog
from rs_assets.cli import cli
from rs_assets.errors import CatalogError, RsAssetsError, StateError
from rs_assets.revisions import VERSION_TABLE, Revisions
from rs_assets.settings import StateSettings
from rs_assets.state import open_state
from rs_assets.state.schema import metadata
from tests.upgrade.conftest import EarlierHome

KINDS: dict[str, Revisions] = {
    "state": rs_assets.state.database.REVISIONS,
    "catalog": rs_assets.catalog.schema.REVISIONS,
}
LEFT_BEHIND = {"holders", "slots", "claimants", "claims", "paces", "pauses"}
"""Tables of the first version that nothing reads any more; programs of that version can go on working with them."""


def opened(home: Path, kind: str) -> Any:
    """The state or the catalogue of a home."""
    file = home / f"{kind}.sqlite"
    return open_state(StateSettings(url=f"sqlite:///{file}")) if kind == "state" else open_catalog(file)


def tables_of(file: Path) -> dict[str, list[Any]]:
    """All rows of all tables but what tells the revision."""
    with closing(sqlite3.connect(file)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names if name != VERSION_TABLE}


def shape_of(file: Path) -> dict[str, Any]:
    """Columns and indexes of each table."""
    with closing(sqlite3.connect(file)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: (
                [row[1:4] for row in database.execute(f'PRAGMA table_info("{name}")')],
                sorted(row[1] for row in database.execute(f'PRAGMA index_list("{name}")')),
            )
            for name in names
        }


def revision_of(file: Path) -> str | None:
    with closing(sqlite3.connect(file)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [VERSION_TABLE]).fetchall():
            return None
        [(revision,)] = database.execute(f"SELECT * FROM {VERSION_TABLE}")
        return str(revision)


@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_revision_is_the_one_that_the_program_reads(kind: str) -> None:
    revisions = KINDS[kind]
    scripts = ScriptDirectory(
        str(Path(rs_assets.revisions.__file__).parent), version_locations=[str(revisions.scripts)]
    )

    assert scripts.get_current_head() == revisions.head
    assert scripts.get_base() == revisions.first


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_opening_upgrades_and_keeps_a_copy(home: EarlierHome, kind: str) -> None:
    file = home.directory / f"{kind}.sqlite"
    before = tables_of(file)

    opened(home.directory, kind).open()

    assert revision_of(file) == KINDS[kind].head
    after = tables_of(file)
    assert {name: after[name] for name in before} == before
    copy = file.with_name(f"{file.name}.revision-{KINDS[kind].first}")
    assert tables_of(copy) == before
    assert revision_of(copy) is None


def test_an_upgraded_state_has_the_tables_of_a_new_one(home: EarlierHome) -> None:
    opened(home.directory, "state").open()
    engine = create_engine(f"sqlite:///{home.directory}/state.sqlite", poolclass=NullPool)
    with engine.connect() as connection:
        found = compare_metadata(
            MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": False}),
            metadata,
        )

    tables = {table.name for what, table, *_ in found if what == "remove_table"}
    assert tables == LEFT_BEHIND
    assert [each for each in found if each[0] != "remove_table" and each[1].table.name not in LEFT_BEHIND] == []


def test_an_upgraded_catalogue_has_the_tables_of_a_new_one(home: EarlierHome, tmp_path: Path) -> None:
    opened(home.directory, "catalog").open()
    opened(tmp_path, "catalog").open()

    old, new = shape_of(home.directory / "catalog.sqlite"), shape_of(tmp_path / "catalog.sqlite")
    assert {name: old[name] for name in old if name != VERSION_TABLE} == {
        name: new[name] for name in new if name != VERSION_TABLE
    }


def test_a_state_on_a_server_goes_the_same_way(state_settings: StateSettings) -> None:
    state = open_state(state_settings)
    with state.transaction() as connection:
        for name in ("orders", "first_searches", "unfinished", "asked_runs", VERSION_TABLE):
            connection.execute(text(f"DROP TABLE {name}"))
        for name in ("requests_in_turn", "requests_ended", "transfers_in_time", "searches_to_repeat"):
            connection.execute(text(f"DROP INDEX {name}"))
        connection.execute(text("CREATE INDEX ix_requests_state ON requests (state)"))

    assert [step.id for step in open_state(state_settings).upgrade_needed().missing] == ["0002", "0003"]
    open_state(state_settings).open()

    assert open_state(state_settings).upgrade_needed().missing == ()
    with open_state(state_settings).transaction() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    assert found == []


def _die_before_the_end(home: Path, kind: str) -> None:
    original = Revisions.upgrade

    def deadly(self: Revisions, connection: Any) -> None:
        original(self, connection)
        os._exit(9)

    Revisions.upgrade = deadly  # type: ignore[method-assign]
    opened(home, kind).open()


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_that_dies_in_mid_upgrade_leaves_it_to_the_next(home: EarlierHome, kind: str) -> None:
    file = home.directory / f"{kind}.sqlite"
    before = tables_of(file)
    process = multiprocessing.get_context("spawn").Process(target=_die_before_the_end, args=(home.directory, kind))
    process.start()
    process.join(60)

    assert process.exitcode == 9
    assert tables_of(file) == before
    opened(home.directory, kind).open()

    assert revision_of(file) == KINDS[kind].head
    assert tables_of(file.with_name(f"{file.name}.revision-0001")) == before


def _open_together(home: Path, kind: str, barrier: Barrier) -> None:
    barrier.wait(60)
    opened(home, kind).open()


@pytest.mark.parametrize("kind", KINDS)
def test_six_processes_upgrade_it_once(home: EarlierHome, kind: str) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(6)
    processes = [context.Process(target=_open_together, args=(home.directory, kind, barrier)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)

    assert [process.exitcode for process in processes] == [0] * 6
    file = home.directory / f"{kind}.sqlite"
    assert revision_of(file) == KINDS[kind].head
    assert revision_of(file.with_name(f"{file.name}.revision-0001")) is None


@pytest.mark.parametrize(
    ("kind", "use", "error"),
    [
        ("state", lambda state: state.open(), StateError),
        ("state", lambda state: state.upgrade_needed(), StateError),
        ("catalog", lambda catalog: catalog.count("s1_aux"), CatalogError),
        ("catalog", lambda catalog: catalog.upgrade_needed(), CatalogError),
    ],
)
def test_what_a_newer_program_has_written_stays_byte_for_byte(
    tmp_path: Path, kind: str, use: Callable[[Any], Any], error: type[RsAssetsError]
) -> None:
    opened(tmp_path, kind).open()
    file = tmp_path / f"{kind}.sqlite"
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099'")
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.read_bytes()

    with pytest.raises(error, match=rf"newer version .*revision 0099; this one reads up to 1, {KINDS[kind].head}"):
        use(opened(tmp_path, kind))

    assert file.read_bytes() == before
    assert not list(tmp_path.glob("*.revision-*"))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_upgraded_of_which_no_copy_can_be_kept(home: EarlierHome, kind: str) -> None:
    file = home.directory / f"{kind}.sqlite"
    before = tables_of(file)
    file.with_name(f"{file.name}.revision-0001").mkdir()

    with pytest.raises(RsAssetsError, match=rf"{kind}\.sqlite"):
        opened(home.directory, kind).open()

    assert tables_of(file) == before


def test_a_check_says_what_would_be_done_and_does_nothing(home: EarlierHome) -> None:
    before = {name: (home.directory / f"{name}.sqlite").read_bytes() for name in KINDS}

    result = CliRunner().invoke(cli, ["upgrade", "--check"])

    assert result.exit_code == 1
    assert "revision 0001, would be upgraded to 0003:\n  0002  Add what is ordered" in result.stdout
    assert {name: (home.directory / f"{name}.sqlite").read_bytes() for name in KINDS} == before


def test_the_command_upgrades_and_afterwards_there_is_nothing_to_do(home: EarlierHome) -> None:
    done = CliRunner().invoke(cli, ["upgrade"])
    again = CliRunner().invoke(cli, ["upgrade", "--check"])

    assert done.exit_code == again.exit_code == 0
    assert "is being upgraded to 0003" in done.stdout
    assert again.stdout.count("which is up to date") == 2


def test_what_does_not_exist_yet_is_not_made_by_a_check(tmp_path: Path) -> None:
    assert opened(tmp_path, "state").upgrade_needed().present is None
    assert opened(tmp_path, "catalog").upgrade_needed().present is None
    assert list(tmp_path.iterdir()) == []
