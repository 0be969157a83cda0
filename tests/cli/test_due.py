"""What is due, what is left alone, and how that is undone."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from rs_assets.cli.due import due
from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.settings import CONFIG_VARIABLE, load_settings
from rs_assets.state import AskedRun, AskedRuns
from tests.platform import settings_text

KEY = "2026-11-01|S1"


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    path = tmp_path / "settings.yaml"
    path.write_text(settings_text("http://127.0.0.1:9", catch_up={"per_tick": 0}))
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return Platform.open(load_settings())


def test_what_is_due_is_listed_with_its_reason(platform: Platform) -> None:
    wanted = utc_now() - timedelta(hours=1)
    empty = CliRunner().invoke(due, ["list"])
    platform.unfinished.want("adgs", [KEY], ["staged_files"], at=wanted)

    listed = CliRunner().invoke(due, ["list", "adgs"])

    assert empty.output == "Nothing is due.\n"
    assert listed.output.startswith(f"adgs {KEY}  unfinished, since {wanted:%Y-%m-%dT%H:%M:%S}")


def test_what_is_left_alone_is_listed_and_taken_up_again(platform: Platform) -> None:
    wanted = utc_now() - timedelta(hours=1)
    platform.unfinished.want("adgs", [KEY], ["staged_files"], at=wanted)
    asked = AskedRuns(platform.state)
    asked.record([AskedRun("adgs", KEY, "unfinished", wanted, 4, cancelled=3, left_at=wanted)])

    listed = CliRunner().invoke(due, ["list"])
    wrong = CliRunner().invoke(due, ["resume", "adgs", "2026-11-02|S1"])
    resumed = CliRunner().invoke(due, ["resume", "adgs", KEY])
    after = CliRunner().invoke(due, ["list"])

    assert f"adgs {KEY}  left alone since" in listed.output
    assert "3 runs were cancelled" in listed.output
    assert "unfinished, since" not in listed.output
    assert wrong.exit_code == 1
    assert f"2026-11-02|S1 is not left alone; those are {KEY}" in wrong.output
    assert resumed.output == "1 taken up again.\n"
    assert "unfinished, since" in after.output
