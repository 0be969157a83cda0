"""A state that was lost is made anew from store and catalogue."""

import json
from typing import Any

from click.testing import CliRunner
from sqlalchemy import select

from rs_assets.cli import cli
from rs_assets.ingest import Platform
from rs_assets.settings import load_settings
from rs_assets.state import Requests
from rs_assets.state.schema import searches, transfers
from tests.platform import SimulatedStation, assert_catalogue_is_true, catalogue_documents
from tests.upgrade.conftest import EarlierHome


def rows(platform: Platform, table: Any, *columns: str) -> set[tuple[Any, ...]]:
    with platform.state.reading() as connection:
        return {tuple(row) for row in connection.execute(select(*(table.c[name] for name in columns)))}


def lose_the_state(home: EarlierHome) -> Platform:
    for file in home.directory.glob("state.sqlite*"):
        if file.is_file():
            file.unlink()
    return Platform.open(load_settings())


def moved(platform: Platform) -> set[tuple[Any, ...]]:
    """The objects that are known, but for that of a replaced publication, which no item has any more."""
    known = rows(platform, transfers, "object_key", "size", "checksum")
    return {row for row in known if "S1A_TWICE/" not in row[0]}


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, list(arguments))


def test_a_lost_state_knows_again_what_was_searched_moved_and_answered(home: EarlierHome, platform: Platform) -> None:
    expected = moved(platform)
    searched = rows(platform, searches, "station", "partition", "was_closed", "error")
    ended = {record.id: record.state for record in Requests(platform.state).listed() if record.state.is_ended}

    empty = lose_the_state(home)
    result = run("rebuild")

    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert moved(empty) == expected
    assert rows(empty, searches, "station", "partition", "was_closed", "error") == {
        row for row in searched if row[3] is None
    }
    assert {record.id: record.state for record in Requests(empty.state).listed()} == ended


def test_after_it_nothing_is_fetched_again(home: EarlierHome, upstream: SimulatedStation) -> None:
    lose_the_state(home)
    run("rebuild")

    result = run("stage", "adgs", "2011-03-01|S1", "--json", "--quiet")

    assert result.exit_code == 0, result.output
    assert [entry for entry in upstream.log() if "$value" in entry["path"]] == []
    platform = Platform.open(load_settings())
    assert catalogue_documents(platform) == home.facts["items"]
    assert assert_catalogue_is_true(platform) == len(home.facts["items"])


def test_doing_it_again_adds_nothing(home: EarlierHome) -> None:
    lose_the_state(home)
    run("rebuild")

    again = run("rebuild").stdout

    assert [line.split()[0] for line in again.splitlines()[:3]] == ["0", "0", "0"]


def test_what_cannot_be_read_is_named_and_costs_its_neighbours_nothing(home: EarlierHome) -> None:
    whole = lose_the_state(home)
    run("rebuild")
    expected = rows(whole, transfers, "object_key")
    results = min((home.directory / "store/search_results/adgs").rglob("*.json"))
    results.write_text("{")
    manifest = min((home.directory / "store/staged_files/sgs").rglob("*.json"))
    manifest.write_text(json.dumps({"schema_version": 2}))

    empty = lose_the_state(home)
    result = run("rebuild")

    assert result.exit_code == 1
    assert "is not JSON" in result.stdout
    assert f"delete {manifest.relative_to(home.directory / 'store')}: the next run of the" in result.stdout
    # What sessions that are not whole have of files is in their manifest alone.
    growing = {row for row in expected if row[0].startswith("s1_chunk/")}
    assert rows(empty, transfers, "object_key") >= expected - growing


def test_a_file_that_is_gone_is_not_believed(home: EarlierHome) -> None:
    whole = lose_the_state(home)
    run("rebuild")
    [gone, *_] = sorted(key for (key,) in rows(whole, transfers, "object_key"))
    (home.directory / "store" / gone).unlink()

    empty = lose_the_state(home)
    result = run("rebuild")

    assert result.exit_code == 1
    assert f"{gone} is not in the store" in result.stdout
    assert gone not in {key for (key,) in rows(empty, transfers, "object_key")}
