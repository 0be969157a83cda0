"""The sensor that files what a session needs, together with the sensor and the run that answer it."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from rs_assets.defs.location import code_location
from rs_assets.defs.on_demand.for_sessions import session_request_sensor
from rs_assets.ingest import Platform
from rs_assets.requests import Inbox
from rs_assets.settings import parse_settings
from rs_assets.state import RequestState
from tests.defs.runs import STEPS, Runs
from tests.defs.test_on_demand import launch, states, tick
from tests.downlink import DownlinkStation, downlink_platform_with_needs
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, settings_text


@pytest.fixture
def platform(station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    return downlink_platform_with_needs(station, tmp_path)


@pytest.fixture
def runs(platform: Platform, tmp_path: Path) -> Iterator[Runs]:
    home = tmp_path / "dagster"
    home.mkdir()
    with dg.instance_for_test(temp_dir=str(home)) as instance:
        yield Runs(code_location(platform.settings), instance)


def file_tick(runs: Runs, platform: Platform) -> str:
    """One tick of the sensor; what it says."""
    sensor = session_request_sensor(platform.settings)
    assert sensor is not None
    result = sensor(dg.build_sensor_context(instance=runs.instance, resources={"platform": platform}))
    assert isinstance(result, dg.SkipReason)
    return str(result.skip_message)


def test_a_session_is_staged_its_request_filed_and_answered_with_no_hand_and_only_once(
    runs: Runs, platform: Platform, station: SimulatedStation
) -> None:
    downlink = DownlinkStation(station.url)
    session = downlink.acquire(Satellite="S3A", start="2026-11-08T09:00:00Z", downlink_seconds=200)
    request_id = f"session-{session['SessionId']}"
    job = runs.defs.resolve_implicit_global_asset_job_def()
    staged = job.execute_in_process(
        instance=runs.instance,
        partition_key="2026-11-08|S3",
        asset_selection=[dg.AssetKey(["sgs", step]) for step in STEPS],
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )

    said = [file_tick(runs, platform) for _ in range(2)]
    [run] = tick(runs, platform)
    answered = launch(runs, run)
    said.append(file_tick(runs, platform))

    assert staged.success
    assert answered.success
    assert request_id in said[0]
    assert all("no new session" in text for text in said[1:])
    assert states(platform)[request_id] is RequestState.ANSWERED
    assert Inbox(platform.documents).ids() == []
    assert tick(runs, platform) == []


def test_there_is_such_a_sensor_only_where_the_settings_name_needs(platform: Platform) -> None:
    names = {sensor.name for sensor in code_location(platform.settings).sensors or ()}
    without = code_location(parse_settings(settings_text("http://127.0.0.1:9")))

    assert "session_requests" in names
    assert "session_requests" not in {sensor.name for sensor in without.sensors or ()}
