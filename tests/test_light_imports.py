"""What a command or a code location does not need is not imported: it costs every process that starts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_SAY_WHAT_IS_IMPORTED = """
import json, sys
{action}
print(json.dumps(sorted(sys.modules)))
"""

_RUN_THE_COMMAND = """
sys.argv = ["rs-assets", *{arguments!r}]
from rs_assets.cli import main
try:
    main()
except SystemExit:
    pass
"""


def imported_by(action: str, home: Path) -> set[str]:
    """The modules that a fresh interpreter has after it has done this."""
    done = subprocess.run(
        [sys.executable, "-c", _SAY_WHAT_IS_IMPORTED.format(action=action)],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
        env={"DAGSTER_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin"},
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_staging_needs_neither_dagster_nor_a_simulator_nor_pictures(tmp_path: Path, unused_port: int) -> None:
    config = f'import os; os.environ["RS_ASSETS_SIMULATOR_URL"] = "http://127.0.0.1:{unused_port}"\n'
    command = _RUN_THE_COMMAND.format(arguments=["stage", "adgs", "2026-11-01|S1", "--retries", "0"])

    modules = imported_by(config + command, tmp_path)

    assert "rs_assets.ingest.pipeline" in modules, "the command has not come to its work"
    heavy = {
        "rs_assets.simulator",
        "rs_assets.reports",
        "matplotlib",
        "PIL",
        "numpy",
        "dagster",
        "starlette",
        "uvicorn",
        "aiohttp",
        "jsonschema",
    }
    assert heavy & modules == set()


@pytest.mark.parametrize("arguments", [["stage", "--help"], ["config", "check"]])
def test_help_and_settings_need_no_database_no_client_and_no_stac(tmp_path: Path, arguments: list[str]) -> None:
    modules = imported_by(_RUN_THE_COMMAND.format(arguments=arguments), tmp_path)

    heavy = {"aiohttp", "obstore", "pystac", "dagster", "rs_assets.simulator"}
    assert heavy & modules == set()


def test_a_code_location_needs_neither_a_simulator_nor_pictures(tmp_path: Path) -> None:
    modules = imported_by("import rs_assets.definitions", tmp_path)

    assert {"rs_assets.simulator", "rs_assets.cli", "matplotlib", "PIL"} & modules == set()
