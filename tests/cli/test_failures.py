"""What is outstanding, and what is accepted as it is."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from rs_assets.cli.failures import failures
from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.settings import CONFIG_VARIABLE, load_settings
from rs_assets.state import IncompleteItem
from tests.platform import settings_text


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """An installation with one downlink station."""
    path = tmp_path / "settings.yaml"
    path.write_text(settings_text("http://127.0.0.1:9", name="sgs", interface="cadip"))
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return Platform.open(load_settings())


def test_a_session_that_should_be_complete_is_listed_until_it_is_accepted(platform: Platform) -> None:
    now = utc_now()
    overdue = IncompleteItem("sgs", "2026-11-01|S1", "S1A_1", "channel 1: block 2", now - timedelta(hours=1), None)
    running = IncompleteItem("sgs", "2026-11-01|S1", "S1A_2", "block 9", now + timedelta(hours=1), now)
    platform.incomplete.seen("sgs", "2026-11-01|S1", [overdue, running])

    listed = CliRunner().invoke(failures, ["list"])
    accepted = CliRunner().invoke(failures, ["accept", "sgs", "S1A_1", "--why", "lost"])
    after = CliRunner().invoke(failures, ["list"])

    assert listed.exit_code == 1
    assert "sgs 2026-11-01|S1 S1A_1" in listed.output
    assert "channel 1: block 2" in listed.output
    assert "S1A_2" not in listed.output
    assert (accepted.exit_code, accepted.output) == (0, "1 accepted.\n")
    assert (after.exit_code, after.output) == (0, "Nothing is outstanding.\n")


def test_what_is_not_outstanding_cannot_be_accepted(platform: Platform) -> None:
    result = CliRunner().invoke(failures, ["accept", "sgs", "S1A_1", "--why", "lost"])

    assert result.exit_code != 0
    assert "no outstanding failure of 'S1A_1'" in result.output
