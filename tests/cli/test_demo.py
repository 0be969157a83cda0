"""`rs-assets demo`, as a user runs it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from rs_assets.ingest import Platform
from rs_assets.settings import load_settings
from tests.platform import assert_catalogue_is_true

HOME = Path(__file__).parents[2] / "dagster_home"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A fresh DAGSTER_HOME, as a clone has it."""
    directory = tmp_path / "dagster_home"
    directory.mkdir()
    shutil.copy(HOME / "dagster.yaml", directory)
    return directory


def demo(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the demo."""
    command = [sys.executable, "-c", "from rs_assets.cli import main; main()", "demo", "--home", str(home), *options]
    env = {**os.environ, "COLUMNS": "120"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=180)


def rows(output: str, first: str) -> list[list[str]]:
    """The cells of the rows that begin so."""
    lines = [line for line in output.splitlines() if line.startswith(f"│ {first}")]
    return [re.split(r"\s*│\s*", line.strip("│ ")) for line in lines]


class SessionRow(NamedTuple):
    """The cells of a row of the downlink stations' table."""

    station: str
    mission: str
    complete: str
    chunks: str
    megabytes: str
    staged: str
    failed: str
    catalogued: str


def session_rows(output: str) -> list[SessionRow]:
    """The rows of the downlink stations' table."""
    return [SessionRow(*cells) for cells in [*rows(output, "mps"), *rows(output, "sgs")]]


def test_the_demo_fills_the_catalogue_and_a_second_one_stages_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = demo(home)
    second = demo(home)

    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    table = rows(first.stdout, "20")
    assert len(table) == 18
    for _day, _mission, found, staged, _verified, failed, catalogued in table:
        assert int(found) == int(staged) == int(catalogued) >= 8
        assert failed == "0"
    downlink = session_rows(first.stdout)
    assert [row[:2] for row in downlink] == [
        (name, mission) for name in ("mps", "sgs") for mission in ("S1", "S2", "S3")
    ]
    for row in downlink:
        assert int(row.catalogued) >= 9
        assert row.complete == f"{row.catalogued} of {row.catalogued}"
        assert int(row.chunks) == int(row.staged) >= 9 * 16
        assert 0 < float(row.megabytes) < 100
        assert row.failed == "0"
    assert [row[3] for row in rows(second.stdout, "20")] == ["0"] * 18
    assert session_rows(second.stdout) == [row._replace(staged="0") for row in downlink]
    assert "Nothing was staged" in second.stdout
    assert re.search(r"^\[ +\d+ s\] \d+/36 partitions", first.stderr, re.MULTILINE)
    assert not [process for process in psutil.process_iter(["cmdline"]) if str(home) in str(process.info["cmdline"])]
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    assert assert_catalogue_is_true(Platform.open(load_settings())) == sum(int(row[-1]) for row in [*table, *downlink])

    # What it says about reading the catalogue works as it stands there.
    script = first.stdout[first.stdout.index(sys.executable) :]
    read = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert [line.split()[1][:8] for line in read.stdout.splitlines()] == ["file:///"] * 3, read.stderr


@pytest.mark.slow
def test_large_chunks_come_with_fewer_sessions_which_is_said(home: Path) -> None:
    first = demo(home, "--chunk-size", "3MB")
    second = demo(home)
    third = demo(home, "--chunk-size", "4MB")

    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("Chunks of 3 MB: the last whole day instead of three, about 2.3 GB in all.")
    table = session_rows(first.stdout)
    assert sum(float(row.megabytes) for row in table) > 1000
    assert all(row.complete == f"{row.catalogued} of {row.catalogued}" and int(row.catalogued) > 0 for row in table)
    assert len(rows(first.stdout, "20")) == 6
    assert second.returncode == 0, second.stderr
    assert session_rows(second.stdout) == [row._replace(staged="0") for row in table]
    assert third.returncode == 1
    assert "filled from stations whose chunks have 3000000 bytes" in third.stderr


def test_a_demo_that_cannot_use_its_state_fails_with_a_readable_error(home: Path) -> None:
    broken = home / "demo"
    broken.mkdir()
    (broken / "state.sqlite").write_text("this is not a database")

    result = demo(home)

    assert result.returncode == 1
    assert "state.sqlite" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_directory_without_dagster_settings_is_refused(tmp_path: Path) -> None:
    result = demo(tmp_path)

    assert result.returncode == 1
    assert "has no dagster.yaml" in result.stderr
