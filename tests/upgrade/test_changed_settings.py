"""Settings that change on what is stored: it is said what that means, and what is to follow does so."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from sqlalchemy import select

from rs_assets.cli import cli
from rs_assets.ingest import Platform
from rs_assets.ingest.work import at_work
from rs_assets.items.times import utc_now
from rs_assets.requests import Inbox, take_in
from rs_assets.settings import load_settings
from rs_assets.state import Requests, RequestState
from rs_assets.state.schema import metadata
from tests.platform import SimulatedStation, assert_catalogue_is_true
from tests.upgrade.conftest import EarlierHome

KEY = "2011-03-01|S1"


def run(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exit_code == status, (result.output, result.exception)
    return result


def change(home: EarlierHome, **facts: Any) -> None:
    """Change the settings of the first station, `adgs`."""
    document = yaml.safe_load(home.settings_file.read_text())
    document["stations"][0] |= facts
    if "name" in facts:
        document["session_requests"]["S3"]["source"] = facts["name"]
    home.settings_file.write_text(yaml.safe_dump(document))


def notes(home: EarlierHome) -> str:
    """What a check of the settings says beyond that they are right."""
    run("upgrade")
    lines = run("config", "check").output.splitlines()
    return "\n".join(line.removeprefix("  note     ") for line in lines if line.startswith("  note "))


def rows_of(platform: Platform, station: str) -> dict[str, list[tuple[Any, ...]]]:
    """What the state knows by the name of a station, without the name."""
    found = {}
    with platform.state.reading() as connection:
        for table in metadata.sorted_tables:
            for name in {"station", "owner", "source"} & set(table.c.keys()):
                columns = [column for column in table.c if column.name not in {name, "digest"}]
                rows = connection.execute(select(*columns).where(table.c[name] == station)).all()
                found[f"{table.name}.{name}"] = sorted(map(tuple, rows), key=repr)
    return found


def test_settings_that_lead_to_all_that_is_stored_are_without_a_note(home: EarlierHome) -> None:
    assert notes(home) == ""


def test_a_state_of_an_earlier_version_is_not_upgraded_by_a_check(home: EarlierHome) -> None:
    before = (home.directory / "state.sqlite").read_bytes()

    assert "compared after `rs-assets upgrade`" in run("config", "check").output

    assert (home.directory / "state.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        ({"name": "other"}, "of a station adgs, which the settings do not name"),
        ({"start": "2011-03-03"}, "lie before the station's start, 2011-03-03"),
        ({"window": "hour"}, "were searched with windows of another length than the settings' hour"),
        ({"missions": ["S3"]}, "are of S1, which is no mission of the station now"),
    ],
)
def test_what_the_settings_do_not_lead_to_is_told(home: EarlierHome, facts: dict[str, Any], note: str) -> None:
    change(home, **facts)

    assert note in notes(home)


def test_a_catalogue_that_is_somewhere_else_is_told(home: EarlierHome) -> None:
    run("upgrade")
    (home.directory / "catalog.sqlite").unlink()

    assert "the catalogue" in notes(home)
    assert "has no item" in notes(home)


def renamed(home: EarlierHome) -> Platform:
    change(home, name="auxip_main")
    return Platform.open(load_settings())


def test_a_renamed_station_keeps_what_was_known_of_it(home: EarlierHome, platform: Platform) -> None:
    before = rows_of(platform, "adgs")
    assert before["searches.station"]
    assert before["failures.station"]
    platform = renamed(home)

    said = run("rename-station", "adgs", "auxip_main").output

    assert "adgs is auxip_main now" in said
    after = rows_of(platform, "auxip_main")
    assert after == before
    assert not any(rows_of(platform, "adgs").values())
    assert notes(home) == ""


def test_a_renamed_station_has_its_documents_and_fetches_nothing_again(
    home: EarlierHome, upstream: SimulatedStation
) -> None:
    renamed(home)
    names = sorted(path.name for path in (home.directory / "store/search_results/adgs").rglob("*.json"))
    run("rename-station", "adgs", "auxip_main")

    assert not (home.directory / "store/search_results/adgs").exists()
    assert not (home.directory / "store/staged_files/adgs").exists()
    found = sorted((home.directory / "store/search_results/auxip_main").rglob("*.json"))
    assert sorted(path.name for path in found) == names
    assert {json.loads(path.read_text())["rs_assets"]["station"] for path in found} == {"auxip_main"}
    run("stage", "auxip_main", KEY, "--quiet")
    assert [entry for entry in upstream.log() if "$value" in entry["path"]] == []
    assert assert_catalogue_is_true(Platform.open(load_settings())) == len(home.facts["items"])


def test_requests_that_wait_follow_the_new_name(home: EarlierHome) -> None:
    platform = renamed(home)
    inbox = Inbox(platform.documents)
    waiting = [name for name in inbox.ids() if inbox.read(name).source == "adgs"]
    assert waiting

    run("rename-station", "adgs", "auxip_main")
    take_in(platform, utc_now())

    assert {inbox.read(name).source for name in waiting} == {"auxip_main"}
    records = Requests(platform.state).known(waiting)
    assert {record.state for record in records.values()} <= {RequestState.PENDING, RequestState.QUEUED}
    assert set(records) == set(waiting)


def test_results_that_both_names_have_become_one(home: EarlierHome) -> None:
    renamed(home)
    document = home.directory / "store/search_results/adgs/2011-03-01/S1.json"
    earlier = json.loads(document.read_text())
    run("stage", "auxip_main", KEY, "--quiet")
    mine = home.directory / "store/search_results/auxip_main/2011-03-01/S1.json"
    assert len(json.loads(mine.read_text())["features"]) < len(earlier["features"]), "nothing was evicted"

    run("rename-station", "adgs", "auxip_main")

    def sights(document: dict[str, Any]) -> dict[str, str]:
        return {
            feature["properties"]["auxip:id"]: feature["properties"]["rs_assets:first_seen"]
            for feature in document["features"]
        }

    assert sights(json.loads(mine.read_text())) == sights(earlier)


def test_a_rename_that_was_killed_goes_on(
    home: EarlierHome, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows_of(platform, "adgs")
    platform = renamed(home)
    with monkeypatch.context() as patched:
        patched.setattr("rs_assets.upkeep.renaming.StationNames.rename", lambda *_: 1 / 0)
        assert isinstance(
            CliRunner().invoke(cli, ["rename-station", "adgs", "auxip_main"]).exception, ZeroDivisionError
        )

    run("rename-station", "adgs", "auxip_main")

    assert rows_of(platform, "auxip_main") == before
    assert not (home.directory / "store/search_results/adgs").exists()


def test_a_name_that_the_settings_have_still_is_refused(home: EarlierHome) -> None:
    result = CliRunner().invoke(cli, ["rename-station", "adgs", "auxip_main"])

    assert "name the station auxip_main in the settings first, in place of adgs" in str(result.exception)


async def test_nothing_is_renamed_while_a_run_is_at_work(home: EarlierHome) -> None:
    platform = renamed(home)
    async with at_work(platform, "auxip_main", [KEY], frozenset()):
        result = CliRunner().invoke(cli, ["rename-station", "adgs", "auxip_main"])

    assert "a run is at work" in str(result.exception)
    assert (home.directory / "store/search_results/adgs").exists()


def moved_store(home: EarlierHome) -> str:
    """Move the store, and let the settings say so; where it was."""
    run("upgrade")
    old, new = home.directory / "store", home.directory / "elsewhere" / "shelf"
    new.parent.mkdir()
    shutil.move(old, new)
    document = yaml.safe_load(home.settings_file.read_text())
    document["store"]["path"] = "elsewhere/shelf"
    home.settings_file.write_text(yaml.safe_dump(document))
    return str(old)


def test_files_in_another_place_are_told_and_not_believed(home: EarlierHome) -> None:
    old = moved_store(home)

    note = notes(home)

    assert f"have files outside of the store {home.directory}/elsewhere/shelf, e.g. file://{old}/" in note
    assert "rs-assets relocate" in note


def test_a_moved_store_is_pointed_to_again(home: EarlierHome, upstream: SimulatedStation) -> None:
    old = moved_store(home)

    said = run("relocate", old).output

    assert f"{len(home.facts['items'])}  items point to the new place" in said
    platform = Platform.open(load_settings())
    assert assert_catalogue_is_true(platform) == len(home.facts["items"])
    assert notes(home) == ""
    assert str(old) not in "".join(path.read_text() for path in Path(home.directory / "elsewhere").rglob("S1.json"))
    run("stage", "adgs", KEY, "--quiet")
    assert [entry for entry in upstream.log() if "$value" in entry["path"]] == []
    assert run("relocate", old).output.split()[0] == "0"


def test_an_item_whose_file_is_not_at_the_new_place_stays_as_it_is(home: EarlierHome) -> None:
    old = moved_store(home)
    platform = Platform.open(load_settings())
    [first, *_] = platform.catalog.search(collections=["s1_aux"], limit=1)
    [asset, *_] = first.assets.values()
    file = home.directory / "elsewhere/shelf" / asset.href.split("/store/", 1)[1]
    content = file.read_bytes()
    file.write_bytes(content[:-1])

    said = run("relocate", old, status=1).output

    assert f"s1_aux/{first.id}: " in said
    kept = platform.catalog.get("s1_aux", first.id)
    assert kept is not None
    assert next(iter(kept.assets.values())).href == asset.href
    file.write_bytes(content)
    assert run("relocate", old).output.split()[0] == "1"
    assert assert_catalogue_is_true(platform) == len(home.facts["items"])
