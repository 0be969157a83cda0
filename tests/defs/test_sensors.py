"""The sensor asks for the partitions whose time has come, and for each only once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from rs_assets.defs import sensors
from rs_assets.defs.heartbeats import fail_dead_runs
from rs_assets.defs.location import code_location
from rs_assets.defs.sensors import due_sensor
from rs_assets.ingest import Platform, Step
from rs_assets.ingest.due import Due, due_partitions
from rs_assets.items.files import FileState
from rs_assets.items.times import utc_now
from rs_assets.settings import CatchUp, Station, parse_settings
from rs_assets.state import AskedRun, AskedRuns, FileFailure, Heartbeats
from tests.files import file_at
from tests.platform import settings_text

WINDOW_END = datetime(2026, 11, 2, tzinfo=UTC)
LAG = timedelta(hours=2)


class Clock:
    """A time that the test moves."""

    def __init__(self) -> None:
        self._now = utc_now()

    def __call__(self) -> datetime:
        return self._now

    def forward(self, span: timedelta) -> None:
        self._now += span


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance without runs."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def live(platform: Platform, station: Station, now: datetime) -> list[Due]:
    """What is due but for what is caught up with."""
    return [due for due in due_partitions(platform, station, now) if due.is_live]


def tick(platform: Platform, instance: dg.DagsterInstance, **catch_up: object) -> list[dg.RunRequest]:
    """The runs that the sensor asks for, without what is caught up with unless it says so."""
    [station] = platform.settings.stations
    station = station.model_copy(update={"catch_up": CatchUp.model_validate({"per_tick": 0} | catch_up)})
    result = due_sensor(station)(dg.build_sensor_context(instance=instance, resources={"platform": platform}))
    if isinstance(result, dg.SkipReason):
        return []
    assert isinstance(result, dg.SensorResult)
    return list(result.run_requests or [])


def searched(platform: Platform, at: datetime, *, closed: bool = False) -> None:
    """Record a search of 2026-11-01|S1."""
    platform.searches.succeeded("adgs", "2026-11-01|S1", window_end=WINDOW_END, at=at, closed=closed)


def test_a_window_searched_while_it_was_open_is_due_once_it_has_closed(platform: Platform) -> None:
    [station] = platform.settings.stations
    searched(platform, WINDOW_END - timedelta(hours=5))

    before = live(platform, station, WINDOW_END + LAG - timedelta(seconds=1))
    [due] = live(platform, station, WINDOW_END + LAG)

    assert before == []
    assert due.partition == "2026-11-01|S1"
    assert due.steps == frozenset(Step)


def test_a_window_searched_after_it_closed_is_not_due(platform: Platform) -> None:
    [station] = platform.settings.stations
    searched(platform, WINDOW_END + LAG, closed=True)

    assert live(platform, station, WINDOW_END + timedelta(days=3)) == []


def test_a_search_that_failed_after_the_window_closed_is_due_again_after_a_pause(platform: Platform) -> None:
    [station] = platform.settings.stations
    searched(platform, WINDOW_END - timedelta(hours=5))
    tried = WINDOW_END + timedelta(hours=3)
    platform.searches.failed("adgs", "2026-11-01|S1", window_end=WINDOW_END, at=tried, error="down")

    at_once = live(platform, station, tried + timedelta(minutes=1))
    [later] = live(platform, station, tried + timedelta(minutes=16))

    assert at_once == []
    assert later.since == tried


def test_a_failed_file_makes_its_partition_due_for_staging_alone(platform: Platform) -> None:
    [station] = platform.settings.stations
    at = datetime(2026, 11, 5, tzinfo=UTC)
    file = replace(file_at("s1_aux/A/id/A.EOF"), state=FileState.FAILED, reason="reset", attempts=2)
    failure = FileFailure(file, "adgs", "2026-11-01|S1", at, at, next_try=at)
    platform.outcomes.record(failed=[failure], resolved=[], at=at, pause=timedelta(minutes=15))

    at_once = live(platform, station, at + timedelta(minutes=14))
    [due] = live(platform, station, at + timedelta(minutes=15))

    assert at_once == []
    assert due.steps == {Step.STAGE, Step.PUBLISH}


def test_open_windows_are_polled_where_the_settings_say_so(platform: Platform) -> None:
    settings = parse_settings(settings_text("http://127.0.0.1:9", poll_every="PT1H", missions=["S1", "S2"]))
    [station] = settings.stations
    now = datetime(2026, 11, 2, 1, tzinfo=UTC)
    platform.searches.succeeded("adgs", "2026-11-02|S1", window_end=now, at=now - timedelta(minutes=5), closed=False)

    due = [entry.partition for entry in live(platform, station, now)]

    assert due == ["2026-11-02|S2", "2026-11-01|S1", "2026-11-01|S2"]


def test_two_ticks_on_the_same_state_ask_for_the_same_run(platform: Platform, instance: dg.DagsterInstance) -> None:
    searched(platform, datetime(2026, 11, 1, 12, tzinfo=UTC))

    keys = []
    for _ in range(2):
        [request] = tick(platform, instance)
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
    settings = parse_settings(settings_text("http://127.0.0.1:9", missions=["S2"], catch_up={"per_tick": 0}))
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


KEY = "2026-11-01|S1"


def run_of(
    platform: Platform,
    instance: dg.DagsterInstance,
    request: dg.RunRequest,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTING,
) -> dg.DagsterRun:
    """The run that the daemon launches for a request."""
    job = code_location(platform.settings).resolve_implicit_global_asset_job_def()
    tags = {**request.tags, "dagster/run_key": str(request.run_key), "dagster/partition": str(request.partition_key)}
    return instance.create_run_for_job(
        job, tags=tags, status=status, asset_selection=frozenset(request.asset_selection or ())
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(sensors, "utc_now", moved)
    return moved


def test_a_run_that_is_queued_or_running_is_not_asked_for_again(
    platform: Platform, instance: dg.DagsterInstance, clock: Clock
) -> None:
    searched(platform, WINDOW_END - LAG)
    [request] = tick(platform, instance)
    run_of(platform, instance, request)
    clock.forward(timedelta(days=2))

    assert tick(platform, instance) == []


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE])
def test_a_run_that_ended_before_it_did_its_work_is_asked_for_again_after_a_pause(
    platform: Platform, instance: dg.DagsterInstance, clock: Clock, status: dg.DagsterRunStatus
) -> None:
    searched(platform, WINDOW_END - LAG)
    [request] = tick(platform, instance)
    run_of(platform, instance, request, status)

    at_once = tick(platform, instance)
    clock.forward(timedelta(minutes=16))
    [again] = tick(platform, instance)
    [lost] = tick(platform, instance)
    run_of(platform, instance, again, dg.DagsterRunStatus.FAILURE)
    clock.forward(timedelta(minutes=1))
    soon = tick(platform, instance)
    clock.forward(timedelta(minutes=16))
    [third] = tick(platform, instance)

    assert (at_once, soon) == ([], [])
    assert again.run_key != request.run_key
    assert lost.run_key == again.run_key, "a tick that died before its run was launched is made up for"
    assert len({request.run_key, again.run_key, third.run_key}) == 3


def test_many_runs_that_are_cancelled_at_once_cost_no_partition(
    platform: Platform, instance: dg.DagsterInstance, clock: Clock
) -> None:
    for day in range(1, 29):
        end = datetime(2026, 10, day, tzinfo=UTC)
        key = f"{end - timedelta(days=1):%Y-%m-%d}|S1"
        platform.searches.succeeded("adgs", key, window_end=end, at=end - LAG, closed=False)
    first = tick(platform, instance)
    for request in first:
        run_of(platform, instance, request, dg.DagsterRunStatus.CANCELED)
    second = tick(platform, instance)
    clock.forward(timedelta(minutes=16))
    third = tick(platform, instance)

    keys = [str(request.partition_key) for request in (*first, *second)]
    assert (len(first), len(second)) == (25, 3)
    assert len(set(keys)) == 28
    assert {str(request.partition_key) for request in third} >= {str(request.partition_key) for request in first[:22]}


def test_a_partition_whose_runs_are_cancelled_three_times_is_left_alone_until_somebody_resumes_it(
    platform: Platform, instance: dg.DagsterInstance, clock: Clock
) -> None:
    searched(platform, WINDOW_END - LAG)
    asked = []
    for _ in range(5):
        requests = tick(platform, instance)
        asked += requests
        for request in requests:
            run_of(platform, instance, request, dg.DagsterRunStatus.CANCELED)
        tick(platform, instance)
        clock.forward(timedelta(hours=1))
    [station] = platform.settings.stations
    quiet = station.model_copy(update={"catch_up": CatchUp(per_tick=0)})
    said = due_sensor(quiet)(dg.build_sensor_context(instance=instance, resources={"platform": platform}))
    AskedRuns(platform.state).resume("adgs")
    [resumed] = tick(platform, instance)

    assert len(asked) == 3
    assert isinstance(said, dg.SkipReason)
    assert f"left alone since their runs were cancelled: {KEY} (`rs-assets due resume adgs`)" in str(said.skip_message)
    assert resumed.partition_key == KEY


def test_a_run_by_hand_ends_that_a_partition_is_left_alone(
    platform: Platform, instance: dg.DagsterInstance, clock: Clock
) -> None:
    left = clock()
    AskedRuns(platform.state).record([AskedRun("adgs", KEY, "window closed", left, 4, cancelled=3, left_at=left)])
    searched(platform, left + timedelta(minutes=1))
    clock.forward(timedelta(days=1))

    [request] = tick(platform, instance)

    assert request.partition_key == KEY


def test_what_is_caught_up_with_waits_for_live_work(
    platform: Platform, instance: dg.DagsterInstance, clock: Clock
) -> None:
    searched(platform, clock() - timedelta(days=3))
    first, *others = tick(platform, instance, per_tick=4)

    assert first.partition_key == KEY
    assert "dagster/priority" not in first.tags
    assert [request.tags["dagster/priority"] for request in others] == ["-1"] * 4
