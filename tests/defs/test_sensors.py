"""The sensor asks for the partitions whose time has come, and for each only once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from rs_assets.defs.heartbeats import fail_dead_runs
from rs_assets.defs.sensors import due_partitions, due_sensor
from rs_assets.ingest import Platform, Step
from rs_assets.items.files import FileState
from rs_assets.items.times import utc_now
from rs_assets.settings import parse_settings
from rs_assets.state import FileFailure, Heartbeats
from tests.files import file_at
from tests.platform import settings_text

WINDOW_END = datetime(2026, 11, 2, tzinfo=UTC)
LAG = timedelta(hours=2)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance without runs."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def searched(platform: Platform, at: datetime, *, closed: bool = False) -> None:
    """Record a search of 2026-11-01|S1."""
    platform.searches.succeeded("adgs", "2026-11-01|S1", window_end=WINDOW_END, at=at, closed=closed)


def test_a_window_searched_while_it_was_open_is_due_once_it_has_closed(platform: Platform) -> None:
    [station] = platform.settings.stations
    searched(platform, WINDOW_END - timedelta(hours=5))

    before = list(due_partitions(platform, station, WINDOW_END + LAG - timedelta(seconds=1)))
    [due] = due_partitions(platform, station, WINDOW_END + LAG)

    assert before == []
    assert due.partition == "2026-11-01|S1"
    assert due.steps == frozenset(Step)


def test_a_window_searched_after_it_closed_is_not_due(platform: Platform) -> None:
    [station] = platform.settings.stations
    searched(platform, WINDOW_END + LAG, closed=True)

    assert list(due_partitions(platform, station, WINDOW_END + timedelta(days=3))) == []


def test_a_search_that_failed_after_the_window_closed_is_due_again_after_a_pause(platform: Platform) -> None:
    [station] = platform.settings.stations
    searched(platform, WINDOW_END - timedelta(hours=5))
    tried = WINDOW_END + timedelta(hours=3)
    platform.searches.failed("adgs", "2026-11-01|S1", window_end=WINDOW_END, at=tried, error="down")

    at_once = list(due_partitions(platform, station, tried + timedelta(minutes=1)))
    [later] = due_partitions(platform, station, tried + timedelta(minutes=16))

    assert at_once == []
    assert later.since == tried


def test_a_failed_file_makes_its_partition_due_for_staging_alone(platform: Platform) -> None:
    [station] = platform.settings.stations
    at = datetime(2026, 11, 5, tzinfo=UTC)
    file = replace(file_at("s1_aux/A/id/A.EOF"), state=FileState.FAILED, reason="reset", attempts=2)
    failure = FileFailure(file, "adgs", "2026-11-01|S1", at, at, next_try=at)
    platform.outcomes.record(failed=[failure], resolved=[], at=at, pause=timedelta(minutes=15))

    at_once = list(due_partitions(platform, station, at + timedelta(minutes=14)))
    [due] = due_partitions(platform, station, at + timedelta(minutes=15))

    assert at_once == []
    assert due.steps == {Step.STAGE, Step.PUBLISH}


def test_open_windows_are_polled_where_the_settings_say_so(platform: Platform) -> None:
    settings = parse_settings(settings_text("http://127.0.0.1:9", poll_every="PT1H", missions=["S1", "S2"]))
    [station] = settings.stations
    now = datetime(2026, 11, 2, 1, tzinfo=UTC)
    platform.searches.succeeded("adgs", "2026-11-02|S1", window_end=now, at=now - timedelta(minutes=5), closed=False)

    due = [entry.partition for entry in due_partitions(platform, station, now)]

    assert due == ["2026-11-02|S2", "2026-11-01|S1", "2026-11-01|S2"]


def test_two_ticks_on_the_same_state_ask_for_the_same_run(platform: Platform, instance: dg.DagsterInstance) -> None:
    [station] = platform.settings.stations
    searched(platform, datetime(2026, 11, 1, 12, tzinfo=UTC))

    keys = []
    for _ in range(2):
        context = dg.build_sensor_context(instance=instance, resources={"platform": platform})
        result = due_sensor(station)(context)
        assert isinstance(result, dg.SensorResult)
        [request] = result.run_requests or []
        assert request.partition_key == "2026-11-01|S1"
        keys.append(request.run_key)

    assert keys[0] == keys[1]


def test_with_nothing_due_the_tick_says_so(platform: Platform, instance: dg.DagsterInstance) -> None:
    [station] = platform.settings.stations

    result = due_sensor(station)(dg.build_sensor_context(instance=instance, resources={"platform": platform}))

    assert isinstance(result, dg.SkipReason)


@pytest.mark.parametrize("mission", ["S1", "other"])
def test_a_partition_that_the_settings_no_longer_have_is_not_asked_for(
    platform: Platform, instance: dg.DagsterInstance, mission: str
) -> None:
    settings = parse_settings(settings_text("http://127.0.0.1:9", missions=["S2"]))
    [station] = settings.stations
    platform.searches.succeeded(
        "adgs", f"2026-11-01|{mission}", window_end=WINDOW_END, at=WINDOW_END - timedelta(hours=1), closed=False
    )

    result = due_sensor(station)(dg.build_sensor_context(instance=instance, resources={"platform": platform}))

    assert isinstance(result, dg.SkipReason)


def test_a_run_that_has_fallen_silent_is_reported_as_failed_and_one_at_work_is_left_alone(
    platform: Platform, instance: dg.DagsterInstance
) -> None:
    @dg.job
    def a_job() -> None: ...

    now = utc_now()
    runs = {name: instance.create_run_for_job(a_job, status=dg.DagsterRunStatus.STARTED) for name in ("dead", "alive")}
    Heartbeats(platform.state).beat(runs["dead"].run_id, now - timedelta(seconds=50))
    Heartbeats(platform.state).beat(runs["alive"].run_id, now - timedelta(seconds=40))

    killed = fail_dead_runs(instance, platform, now)

    assert killed == [runs["dead"].run_id]
    statuses = {name: instance.get_run_by_id(run.run_id) for name, run in runs.items()}
    assert [run.status for run in statuses.values() if run] == [
        dg.DagsterRunStatus.FAILURE,
        dg.DagsterRunStatus.STARTED,
    ]
    assert fail_dead_runs(instance, platform, now) == []
