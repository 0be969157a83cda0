"""An interface that another package brings: its stations do what all stations do, and rs_assets does not name it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rs_assets
from tests.settings.documents import DOCUMENT
from tests.third_party import describe_package, served

PACKAGE = Path(__file__).with_name("rs_made_up.py")
ROOT = Path(rs_assets.__file__).parents[1]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A station with one product on each of three days."""
    directory = tmp_path / "station"
    directory.mkdir()
    products = []
    for day in (1, 2, 3):
        name, content = f"S1A_MADE_UP_{day}.EOF", f"product of day {day}".encode()
        (directory / name).write_bytes(content)
        products.append(
            {
                "id": f"key-{day}",
                "name": name,
                "type": "MADE_UP",
                "published": f"2026-11-0{day}T12:00:00Z",
                "start": f"2026-11-0{day}T09:00:00Z",
                "end": f"2026-11-0{day}T13:00:00Z",
                "size": len(content),
                "md5": hashlib.md5(content).hexdigest(),
            }
        )
    (directory / "products.json").write_text(json.dumps({"products": products}))
    with served(directory) as url:
        yield url


@pytest.fixture
def environment(tmp_path: Path, url: str) -> dict[str, str]:
    """That of a process in which the package is installed, and a station of it is in the settings."""
    installed = tmp_path / "site"
    installed.mkdir()
    shutil.copy(PACKAGE, installed)
    describe_package(installed, "rs_made_up", "[rs_assets.interfaces]\nmade_up = rs_made_up:INTERFACE\n")
    station = f"stations:\n  - {{name: gazette, interface: made_up, url: {url}, missions: [S1], start: 2026-01-01}}\n"
    settings = tmp_path / "settings.yaml"
    settings.write_text(DOCUMENT.partition("stations:")[0] + station)
    path = os.pathsep.join([str(installed), str(ROOT)])
    return os.environ | {"PYTHONPATH": path, "RS_ASSETS_CONFIG": str(settings), "DAGSTER_HOME": str(tmp_path)}


def test_its_station_is_searched_staged_catalogued_followed_asked_on_demand_and_shown_in_dagster(
    environment: dict[str, str],
) -> None:
    command = [sys.executable, "-m", "tests.made_up.everything"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    [staged] = results["staged"]
    assert staged.startswith("2026-11-01|S1: 1 item found; files: 1 staged;")
    assert staged.endswith("1 item catalogued")
    assert results["answered"] == ["answered", "S1A_MADE_UP_2"]
    assert results["followed"] == ["gazette_publications", [f"2026-11-0{day}|S1" for day in (1, 2, 3)]]
    assert results["dagster"] == {"success": True, "kinds": ["json", "stac"], "staged": 1}
    assert results["catalogued"] == [f"s1_made_up/S1A_MADE_UP_{day}" for day in (1, 2, 3)]


def test_the_command_line_knows_it(environment: dict[str, str]) -> None:
    command = "import sys; sys.argv[0] = 'rs-assets'; from rs_assets.cli import main; main()"
    arguments = [sys.executable, "-c", command, "config", "schema"]
    shown = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)

    assert "made_up" in shown.stdout


def test_it_takes_less_than_150_lines_and_rs_assets_does_not_name_it() -> None:
    assert len(PACKAGE.read_text().splitlines()) < 150
    files = [path for path in (ROOT / "rs_assets").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert [path for path in files if b"made_up" in path.read_bytes()] == []
