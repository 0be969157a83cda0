"""A downlink station in Dagster: assets, the check of its sessions, and the sensor that follows it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from rs_assets.defs.checks import verdicts
from rs_assets.defs.following import following_sensor
from rs_assets.defs.location import code_location
from rs_assets.ingest import Platform, Step
from rs_assets.ingest.due import due_partitions
from rs_assets.items.times import utc_now
from rs_assets.settings import parse_settings
from rs_assets.state import IncompleteItem
from tests.downlink import DownlinkStation, downlink_platform
from tests.platform import NOW, PASSWORD, PASSWORD_VARIABLE, SimulatedStation, settings_text
from tests.servers import simulated_stations

SESSIONS_COMPLETE = dg.AssetCheckKey(dg.AssetKey(["sgs", "staged_files"]), "sessions_complete")


@dataclass
class Watch:
    """A Dagster instance in which the downlink station's sensor ticks, as the daemon lets it."""

    platform: Platform
    instance: dg.DagsterInstance
    cursor: str | None = None

    def tick(self) -> dg.SensorResult:
        """One tick, after which the cursor is kept."""
        result = self.tick_that_is_lost()
        self.cursor = result.cursor
        return result

    def tick_that_is_lost(self) -> dg.SensorResult:
        """One tick whose cursor is not kept, as when the daemon dies."""
        [station] = self.platform.settings.stations
        sensor = following_sensor(station)
        assert sensor is not None
        resources = {"platform": self.platform}
        result = sensor(dg.build_sensor_context(instance=self.instance, cursor=self.cursor, resources=resources))
        assert isinstance(result, dg.SensorResult)
        return result

    def materialize(self, partition: str) -> dg.ExecuteInProcessResult:
        """Run the station's assets for a partition."""
        job = code_location(self.platform.settings).resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            partition_key=partition,
            asset_selection=[dg.AssetKey(["sgs", step.value]) for step in Step],
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )

    def metadata(self, step: Step) -> Any:
        """The metadata of the newest materialisation of an asset."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey(["sgs", step.value]))
        assert event is not None
        assert event.asset_materialization is not None
        return event.asset_materialization.metadata


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """Stations without any session that a test has not acquired: here they live in today's real time."""
    with simulated_stations("--now", NOW.isoformat(), "--max-sessions", "0") as url:
        yield url


@pytest.fixture
def downlink(station: SimulatedStation) -> DownlinkStation:
    return DownlinkStation(station.url)


@pytest.fixture
def watch(downlink: DownlinkStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """A watch over the downlink station, which begins two hours ago by the clock on the wall, as the station's does."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    downlink.set_clock(utc_now())
    home = tmp_path / "dagster"
    home.mkdir()
    with dg.instance_for_test(temp_dir=str(home)) as instance:
        yield Watch(downlink_platform(downlink, tmp_path), instance)


def run_keys(result: dg.SensorResult) -> list[str | None]:
    return [request.run_key for request in result.run_requests or ()]


def acquired_now(downlink: DownlinkStation, **order: Any) -> dict[str, Any]:
    """A session that has just been acquired, alone in its partition of today."""
    return downlink.acquire(start=(utc_now() - timedelta(minutes=2)).isoformat(), **order)


def test_a_downlink_station_has_the_three_assets_of_any_station_and_a_check_of_its_sessions() -> None:
    text = settings_text("http://127.0.0.1:9", name="sgs", interface="cadip")
    definitions = code_location(parse_settings(text))

    graph = definitions.resolve_asset_graph()

    keys = {key.to_user_string() for key in graph.get_all_asset_keys() if key.path[0] == "sgs"}
    assert keys == {f"sgs/{step.value}" for step in Step}
    assert SESSIONS_COMPLETE in graph.asset_check_keys
    names = {sensor.name for sensor in definitions.sensors or ()}
    assert {"sgs_due_partitions", "sgs_downlink"} <= names


@pytest.mark.parametrize(
    "station", [{"name": "adgs"}, {"name": "sgs", "interface": "cadip", "sessions": {"follow_every": None}}]
)
def test_a_station_is_not_followed_unless_its_settings_say_so(station: dict[str, Any]) -> None:
    [settings] = parse_settings(settings_text("http://127.0.0.1:9", **station)).stations

    assert following_sensor(settings) is None


def test_a_station_of_auxiliary_files_is_followed_where_its_settings_say_so() -> None:
    [settings] = parse_settings(settings_text("http://127.0.0.1:9", name="adgs", follow_every="PT30S")).stations

    sensor = following_sensor(settings)

    assert sensor is not None
    assert (sensor.name, sensor.minimum_interval_seconds) == ("adgs_publications", 30)


def test_a_partition_materialises_with_a_table_of_its_sessions(watch: Watch, downlink: DownlinkStation) -> None:
    downlink.set_clock(datetime(2026, 11, 10, 12, tzinfo=UTC))
    session = downlink.acquire(withheld=[[2, 2]])

    assert watch.materialize(downlink.partition).success

    for step in (Step.SEARCH, Step.STAGE):
        metadata = watch.metadata(step)
        assert (metadata["sessions_complete"].value, metadata["sessions_incomplete"].value) == (0, 1)
        [row] = metadata["sessions"].value.records
        assert row.data["session"] == session["SessionId"]
        assert row.data["chunks"] == "ch1:3 ch2:2"
        assert row.data["state"] == "channel 2: 2 of 3 chunks, no block 2"
    verdict = verdicts(watch.platform, watch.platform.settings.stations[0])[SESSIONS_COMPLETE]
    assert not verdict.passed
    assert verdict.severity is dg.AssetCheckSeverity.WARN
    assert session["SessionId"] in str(verdict.description)

    downlink.order("release", session=session["Id"])
    assert watch.materialize(downlink.partition).success

    assert watch.metadata(Step.STAGE)["sessions_incomplete"].value == 0
    assert verdicts(watch.platform, watch.platform.settings.stations[0])[SESSIONS_COMPLETE].passed


def test_the_check_says_nothing_of_a_session_that_is_not_overdue(watch: Watch) -> None:
    [station] = watch.platform.settings.stations
    soon = IncompleteItem("sgs", "2026-11-01|S1", "S1A_1", "block 2", utc_now() + timedelta(hours=1), utc_now())
    watch.platform.incomplete.seen("sgs", "2026-11-01|S1", [soon])

    assert verdicts(watch.platform, station)[SESSIONS_COMPLETE].passed


def test_a_partition_with_an_incomplete_session_is_due_again_with_every_step(watch: Watch) -> None:
    [station] = watch.platform.settings.stations
    now = utc_now()
    item = IncompleteItem("sgs", "2026-11-01|S1", "S1A_1", "block 2", now, now + timedelta(minutes=5))
    watch.platform.incomplete.seen("sgs", "2026-11-01|S1", [item])

    early = list(due_partitions(watch.platform, station, now))
    [due] = due_partitions(watch.platform, station, now + timedelta(minutes=5))

    assert early == []
    assert (due.partition, due.why, due.steps) == ("2026-11-01|S1", "incomplete", frozenset(Step))


def test_a_partition_whose_look_again_failed_is_due_once_more_after_a_pause(watch: Watch) -> None:
    [station] = watch.platform.settings.stations
    now = utc_now()
    item = IncompleteItem("sgs", "2026-11-01|S1", "S1A_1", "block 2", now, now + timedelta(minutes=5))
    watch.platform.incomplete.seen("sgs", "2026-11-01|S1", [item])
    [due] = due_partitions(watch.platform, station, now + timedelta(minutes=5))
    tried = now + timedelta(minutes=6)
    end = now + timedelta(days=9)
    watch.platform.searches.failed("sgs", "2026-11-01|S1", window_end=end, at=tried, error="down")

    at_once = list(due_partitions(watch.platform, station, tried + timedelta(minutes=1)))
    [again] = due_partitions(watch.platform, station, tried + timedelta(minutes=15))

    assert at_once == []
    assert again.reason != due.reason


def test_a_session_that_is_published_starts_one_run_of_its_partition(watch: Watch, downlink: DownlinkStation) -> None:
    session = acquired_now(downlink)

    lost = watch.tick_that_is_lost()
    first = watch.tick()
    second = watch.tick()

    [request] = first.run_requests or ()
    assert str(request.partition_key) == f"{session['PublicationDate'][:10]}|S1"
    assert run_keys(lost) == run_keys(first), "two ticks on the same state start one run"
    assert run_keys(second) == []
    assert second.skip_reason


def one(partition: str) -> dict[str, str]:
    """The tags of a run of one partition."""
    return {"dagster/partition": partition}


def span(partition: str, first: int, low: str, last: int, high: str) -> dict[str, str]:
    """The tags of a run of many partitions: so many days around the partition's, and these missions."""
    day = datetime.strptime(partition.partition("|")[0], "%Y-%m-%d").replace(tzinfo=UTC)
    ends = {"start": (first, low), "end": (last, high)}
    return {
        f"dagster/asset_partition_range_{end}": f"{day + timedelta(days=days):%Y-%m-%d}|{mission}"
        for end, (days, mission) in ends.items()
    }


@pytest.mark.parametrize("tags_of", [one, lambda partition: span(partition, -1, "S1", 0, "S2")])
def test_while_a_run_of_the_partition_is_at_work_no_second_is_asked_for(
    watch: Watch, downlink: DownlinkStation, tags_of: Callable[[str], dict[str, str]]
) -> None:
    partition = f"{acquired_now(downlink)['PublicationDate'][:10]}|S1"
    run = at_work(watch, "sgs", tags_of(partition))

    busy = watch.tick()
    watch.instance.report_run_failed(run)
    free = watch.tick()

    assert run_keys(busy) == []
    assert partition in str(busy.skip_reason)
    [request] = free.run_requests or ()
    assert str(request.partition_key) == partition


@pytest.mark.parametrize(
    ("group", "tags_of"),
    [
        ("sgs", lambda _partition: one("2020-01-01|S1")),
        ("sgs", lambda partition: span(partition, -2, "S1", -1, "S2")),
        ("sgs", lambda partition: span(partition, -1, "S2", 0, "S2")),
        ("on_demand", one),
    ],
)
def test_a_run_of_something_else_holds_nothing_up(
    watch: Watch, downlink: DownlinkStation, group: str, tags_of: Callable[[str], dict[str, str]]
) -> None:
    partition = f"{acquired_now(downlink)['PublicationDate'][:10]}|S1"
    run = at_work(watch, group, tags_of(partition))

    result = watch.tick()

    watch.instance.report_run_failed(run)  # the instance waits for its runs
    assert len(run_keys(result)) == 1


def at_work(watch: Watch, group: str, tags: dict[str, str]) -> dg.DagsterRun:
    """A run of a group's assets that does not end by itself."""
    return watch.instance.create_run_for_job(
        code_location(watch.platform.settings).resolve_implicit_global_asset_job_def(),
        status=dg.DagsterRunStatus.STARTED,
        tags=tags,
        asset_selection=frozenset(dg.AssetKey([group, step.value]) for step in Step),
    )


def test_a_station_that_is_down_makes_a_skipped_tick_with_the_reason_and_loses_nothing(
    watch: Watch, downlink: DownlinkStation
) -> None:
    acquired_now(downlink)
    downlink.fault(path_contains="/cadip/", status=503)

    down = watch.tick()
    downlink.mend()
    up = watch.tick()

    assert run_keys(down) == []
    assert "sgs" in str(down.skip_reason)
    assert "503" in str(down.skip_reason)
    assert len(run_keys(up)) == 1
