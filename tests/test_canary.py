"""A station's password appears nowhere: not in output, tracebacks, events, store, state or dumps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rs_assets.settings import parse_settings
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, settings_text

_MATERIALIZE = """
import logging, sys
import dagster as dg
from pathlib import Path
from rs_assets.defs.location import code_location
from rs_assets.settings import load_settings
logging.basicConfig(level=logging.DEBUG)
assets = [dg.AssetKey(["adgs", step]) for step in ("search_results", "staged_files", "catalog_items")]
job = code_location(load_settings(Path(sys.argv[1]))).resolve_implicit_global_asset_job_def()
with dg.DagsterInstance.get() as instance:
    for key in sys.argv[2:]:
        result = job.execute_in_process(
            instance=instance, partition_key=key, asset_selection=assets, raise_on_error=False
        )
        print(key, result.success, *(event.event_specific_data for event in result.get_step_failure_events()))
    job.execute_in_process(instance=instance, partition_key=key, asset_selection=assets)
"""


def everything(directory: Path) -> bytes:
    """The content of every file below a directory."""
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def materialized(station: SimulatedStation, work: Path, *keys: str) -> tuple[str, bytes]:
    """What a process prints that materialises partitions, the last one until it raises; and all that it keeps."""
    (work / "settings.yaml").write_text(settings_text(station.url))
    (work / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environment = {**os.environ, PASSWORD_VARIABLE: PASSWORD, "DAGSTER_HOME": str(work)}
    command = [sys.executable, "-c", _MATERIALIZE, str(work / "settings.yaml"), *keys]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return result.stdout + result.stderr, everything(work)


def test_a_password_appears_nowhere(station: SimulatedStation, tmp_path: Path) -> None:
    station.fault(path_contains="Products", query_contains="PublicationDate gt 2026-10-01", status=503)
    station.fault(path_contains="Products", query_contains="PublicationDate gt 2026-10-02", status=200, body="<p>?")

    printed, kept = materialized(station, tmp_path, "2026-10-01|S2", "2026-10-02|S2", "2026-10-03|S2")

    assert "2026-10-01|S2 True" in printed
    assert "2026-10-02|S2 False" in printed
    assert "Traceback" in printed
    assert b"search_results" in kept
    for place in (printed.encode(), kept):
        assert PASSWORD.encode() not in place
        assert b"Bearer " not in place


def test_a_password_that_the_station_echoes_appears_nowhere(station: SimulatedStation, tmp_path: Path) -> None:
    echo = f'{{"error": "invalid_grant", "error_description": "no user simulator/{PASSWORD}"}}'
    station.fault(path_contains="token", status=401, body=echo)

    printed, kept = materialized(station, tmp_path, "2026-10-01|S2")

    assert "refuses the credentials" in printed
    assert PASSWORD.encode() not in printed.encode() + kept


def test_settings_never_show_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)

    settings = parse_settings(settings_text("http://127.0.0.1:9"))

    shown = [
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        yaml.safe_dump(settings.model_dump(mode="json")),
    ]
    assert not [text for text in shown if PASSWORD in text]
