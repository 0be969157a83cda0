"""`rs-assets search`: what a station has, and nothing stored."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pystac import ItemCollection

from rs_assets.cli import cli
from rs_assets.errors import FilterError, StationError
from rs_assets.ingest import Platform
from rs_assets.ingest.looking_up import Sought, look_up
from rs_assets.settings import CONFIG_VARIABLE, parse_settings
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, settings_text

DAY = ("--start", "2026-10-02", "--end", "2026-10-03")


@pytest.fixture
def home(station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose only station is the simulated PRIP station."""
    path = tmp_path / "settings.yaml"
    path.write_text(settings_text(station.url, products_of="prip", name="prip", collection="{mission}_prip"))
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def search(*options: str, status: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["search", "prip", *options])
    assert result.exit_code == status, (result.output, result.exception)
    return result


def names(*options: str) -> list[str]:
    return search(*options, "--names").stdout.split()


def test_a_table_fits_80_columns_and_has_every_item_whole(home: Path) -> None:
    lines = search(*DAY).stdout.splitlines()

    assert lines[0].split() == ["published", "(UTC)", "MB", "item"]
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("2026-10-02 2")
    text = "".join(line[lines[0].index("item") :].strip() for line in lines[1:])
    assert all(name.removesuffix(".zip") in text for name in names(*DAY))


def test_nothing_is_stored(home: Path) -> None:
    search(*DAY)

    assert not (home / "store").exists()
    assert not (home / "catalog.sqlite").exists()
    assert not (home / "state.sqlite").exists()


def test_the_newest_come_first_and_are_limited(home: Path) -> None:
    published = [item.properties["published"] for item in collection(*DAY)]

    assert published == sorted(published, reverse=True)
    assert len(published) > 20
    assert [item.properties["published"] for item in collection(*DAY, "--limit", "3")] == published[:3]
    assert search(*DAY, "--count").stdout.strip() == str(len(published))


def collection(*options: str) -> ItemCollection:
    return ItemCollection.from_dict(json.loads(search(*options, "--json").stdout))


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        (("--mission", "S2"), "S2"),
        (("--mission", "S2", "--mission", "S3"), ("S2", "S3")),
        (("--type", "EW_GRDM_1S"), "S1"),
        (("--name", "MSIL1C"), "S2"),
        (("--name", "S1?_EW".replace("?", "*")), "S1"),
        (("--filter", '"eo:cloud_cover" < 50'), ("S2", "S3")),
    ],
)
def test_what_is_asked_for_restricts_what_is_found(
    home: Path, options: tuple[str, ...], begins: str | tuple[str, ...]
) -> None:
    found = names(*DAY, *options)

    assert found
    assert all(name.startswith(begins) for name in found)
    assert set(found) < set(names(*DAY))


@pytest.mark.parametrize("box", ["-180,-90,0,90", "0,-90,180,90", "140,-90,-140,90"])
def test_a_box_restricts_to_what_meets_it(home: Path, box: str) -> None:
    assert 0 < len(names(*DAY, "--bbox", box)) < len(names(*DAY))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--start", "yesterday"), "'yesterday' is not a time"),
        (("--bbox", "1,2,3"), "'1,2,3' is not a box"),
    ],
)
def test_an_option_that_cannot_be_read_says_what_is_expected(
    home: Path, options: tuple[str, ...], message: str
) -> None:
    assert message in search(*options, status=2).stderr


@pytest.mark.parametrize(
    ("sought", "error", "message"),
    [
        (Sought(), FilterError, "nothing is asked for"),
        (Sought(missions=["S9"]), FilterError, "'S9' is not a mission of the settings"),
        (Sought(bbox=(0, 10, 5, 5)), FilterError, "is no box"),
        (Sought(filter="published >"), FilterError, "published"),
        (Sought(missions=["S1"]), StationError, "would list the whole archive"),
    ],
)
async def test_what_cannot_be_asked_is_an_error_with_the_reason(
    home: Path, sought: Sought, error: type[Exception], message: str
) -> None:
    platform = Platform.open(parse_settings((home / "settings.yaml").read_text(), base=home))

    with pytest.raises(error, match=message):
        await look_up(platform, "prip", sought)


async def test_a_name_is_taken_as_it_is_but_for_the_star(home: Path, station: SimulatedStation) -> None:
    platform = Platform.open(parse_settings((home / "settings.yaml").read_text(), base=home))
    for name in ("S1A_IW_50%_it's.SAFE.zip", "S1A_IW_50x_its.SAFE.zip"):
        station.add_observation(Name=name, PublicationDate="2011-02-03T01:00:00Z")
    day = {"start": datetime(2011, 2, 3, tzinfo=UTC), "end": datetime(2011, 2, 4, tzinfo=UTC)}

    answer = await look_up(platform, "prip", Sought(**day, name="50%_it's"))  # type: ignore[arg-type]

    assert [item.id for item in answer.items] == ["S1A_IW_50%_it's.SAFE"]


def test_rejected_entries_are_told_on_standard_error(home: Path, station: SimulatedStation) -> None:
    station.add_observation(Name="S1A_IW_KEYLESS.SAFE.zip", Id="", PublicationDate="2011-02-05T01:00:00Z")

    result = search("--start", "2011-02-05", "--end", "2011-02-06")

    assert "Nothing." in result.stdout
    assert "rejected: S1A_IW_KEYLESS.SAFE.zip" in result.stderr
