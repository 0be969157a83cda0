"""The short forms of the drills."""

from pathlib import Path

import pytest

from rs_assets.state import RequestState
from tests.drills.many_requests import drill


@pytest.mark.slow
def test_no_request_is_lost_or_doubled_when_everything_is_killed_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))

    figures = drill(30, tmp_path)

    assert figures.states == {RequestState.ANSWERED: 30}
    assert figures.items > 0
