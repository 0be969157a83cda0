"""`rs-assets config` and `rs-assets failures`."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rs_assets.cli import cli
from rs_assets.ingest import Platform
from rs_assets.items.files import FileState
from rs_assets.items.times import utc_now
from rs_assets.settings import CONFIG_VARIABLE, interface_names, load_interface, parse_settings
from rs_assets.state import FileFailure
from tests.files import file_at
from tests.platform import settings_text


def invoke(*arguments: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(cli, arguments)


def test_the_packaged_settings_are_right() -> None:
    result = invoke("config", "check")

    assert result.exit_code == 0
    assert "adgs (auxip at http://127.0.0.1:" in result.output


def test_every_problem_is_told_with_its_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    text = settings_text("http://127.0.0.1:9").replace("concurrency: 8", "concurrency: 0\n  concurency: 8")
    path.write_text(text)
    line = 1 + text.splitlines().index("  concurrency: 0")

    result = invoke("config", "check", str(path))

    assert result.exit_code == 1
    assert "2 problems" in result.output
    assert f"line {line}, stations.0.concurrency: Input should be greater than or equal to 1" in result.output
    assert f"line {line + 1}, stations.0.concurency: 'concurency' is not a key here" in result.output


@pytest.mark.parametrize("interface", interface_names())
def test_the_schema_is_json_and_describes_every_key_of_a_station_of_any_interface(interface: str) -> None:
    schema = json.loads(invoke("config", "schema").output)

    model = load_interface(interface).settings.__name__
    assert {"$ref": f"#/$defs/{model}"} in schema["properties"]["stations"]["items"]["oneOf"]
    properties = schema["$defs"][model]["properties"]
    assert properties["interface"]["const"] == interface
    undescribed = [
        name for name, entry in properties.items() if "description" not in entry and "$ref" not in json.dumps(entry)
    ]
    assert undescribed == []


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """An installation that the environment names, with one failure outstanding."""
    path = tmp_path / "settings.yaml"
    path.write_text(settings_text("http://127.0.0.1:9"))
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    platform = Platform.open(parse_settings(path.read_text(), base=tmp_path))
    now = utc_now()
    file = replace(file_at("s1_aux/A/id/A.EOF"), state=FileState.EVICTED, reason="gone", attempts=1)
    failure = FileFailure(file, "adgs", "2026-11-01|S1", now, now, None)
    platform.outcomes.record(failed=[failure], resolved=[], at=now, pause=timedelta(minutes=15))
    return platform


def test_failures_are_listed_with_reason_and_next_try(installed: Platform) -> None:
    result = invoke("failures", "list")

    assert result.exit_code == 1
    assert "adgs 2026-11-01|S1 A.EOF" in result.output
    assert "evicted: gone" in result.output
    assert "none, since a retry cannot help" in result.output


def test_an_accepted_failure_is_no_longer_outstanding(installed: Platform) -> None:
    assert invoke("failures", "accept", "adgs", "A.EOF", "--why", "too late").exit_code == 0

    assert installed.outcomes.outstanding("adgs") == []
    assert invoke("failures", "list").output == "Nothing is outstanding.\n"


def test_accepting_what_is_not_outstanding_says_so(installed: Platform) -> None:
    result = invoke("failures", "accept", "adgs", "B.EOF", "--why", "typo")

    assert result.exit_code == 1
    assert "no outstanding failure of 'B.EOF'" in result.output
