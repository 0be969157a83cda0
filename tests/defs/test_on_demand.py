"""On-demand requests in Dagster: the sensor, the runs it asks for, the assets, the job that files one."""

from typing import Any

import dagster as dg
import pytest

from rs_assets.defs.on_demand import BATCH_TAG, PARTITIONS
from rs_assets.defs.on_demand.sensor import request_sensor
from rs_assets.ingest import Platform
from rs_assets.requests import Inbox, parse_request
from rs_assets.state import Requests, RequestState
from tests.defs.runs import STEPS, Runs
from tests.platform import SimulatedStation

ASKED = {
    "source": "adgs",
    "product_types": ["AUX_RESORB"],
    "start": "2026-10-01T10:00:00Z",
    "end": "2026-10-01T10:30:00Z",
    "policy": "LatestValIntersect",
}


def file(platform: Platform, request_id: str, **more: Any) -> None:
    """Put a request into the inbox."""
    Inbox(platform.documents).file(parse_request(ASKED | more), request_id)


def tick(runs: Runs, platform: Platform, *, per_run: int = 10) -> list[dg.RunRequest]:
    """One tick of the sensor, as the daemon makes it: the partitions are added, and the runs asked for returned."""
    context = dg.build_sensor_context(instance=runs.instance, resources={"platform": platform})
    result = request_sensor(per_run)(context)
    if not isinstance(result, dg.SensorResult):
        return []
    for change in result.dynamic_partitions_requests or []:
        assert isinstance(change, dg.AddDynamicPartitionsRequest)
        runs.instance.add_dynamic_partitions(PARTITIONS, list(change.partition_keys))
    return list(result.run_requests or [])


def launch(runs: Runs, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """Execute a run that the sensor has asked for."""
    job = runs.defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=runs.instance,
        tags=dict(request.tags),
        asset_selection=[dg.AssetKey(["on_demand", step]) for step in STEPS],
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )


def lose(runs: Runs, request: dg.RunRequest) -> None:
    """A run that the sensor has asked for, and that was killed before it could answer anything."""
    selection = {dg.AssetKey(["on_demand", step]) for step in STEPS}
    job = runs.defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection=selection)
    run = runs.instance.create_run_for_job(job, tags=dict(request.tags), status=dg.DagsterRunStatus.FAILURE)
    assert run.is_finished


def states(platform: Platform) -> dict[str, RequestState]:
    """How far each request has come."""
    return {record.id: record.state for record in Requests(platform.state).listed()}


def test_the_requests_of_the_inbox_are_answered_by_one_run_and_leave_it_only_then(
    runs: Runs, platform: Platform
) -> None:
    for request_id in ("one", "two", "three"):
        file(platform, request_id)

    [request] = tick(runs, platform)
    waiting = Inbox(platform.documents).ids()
    result = launch(runs, request)

    assert waiting == ["one", "three", "two"]
    assert result.success
    assert set(states(platform).values()) == {RequestState.ANSWERED}
    assert Inbox(platform.documents).ids() == []
    records = runs.instance.fetch_materializations(dg.AssetKey(["on_demand", "catalog_items"]), limit=10).records
    materialized = [record.asset_materialization for record in records]
    assert {entry.partition for entry in materialized if entry} == {"one", "two", "three"}
    assert all(entry and "timeline" in entry.metadata and "answer" in entry.metadata for entry in materialized)
    assert tick(runs, platform) == []


def test_the_urgent_requests_come_first_and_a_run_takes_no_more_than_it_may(runs: Runs, platform: Platform) -> None:
    for number in range(5):
        file(platform, f"calm-{number}")
    file(platform, "urgent", priority=50)

    requests = tick(runs, platform, per_run=4)

    assert [request.tags["dagster/asset_partition_range_start"] for request in requests] == ["urgent", "calm-3"]
    assert requests[0].tags["dagster/priority"] == "50"


def test_two_ticks_before_the_run_has_begun_ask_for_it_with_one_key(runs: Runs, platform: Platform) -> None:
    file(platform, "one")

    [first] = tick(runs, platform)
    [second] = tick(runs, platform)

    assert first.run_key == second.run_key


def test_a_request_whose_run_was_killed_is_tried_again_and_given_up_after_three(runs: Runs, platform: Platform) -> None:
    file(platform, "unlucky")
    keys = set()
    for _ in range(3):
        [request] = tick(runs, platform)
        keys.add(request.run_key)
        lose(runs, request)

    assert tick(runs, platform) == []
    assert len(keys) == 3
    assert states(platform) == {"unlucky": RequestState.FAILED}
    assert Inbox(platform.documents).ids() == []


def test_what_a_killed_run_had_answered_is_not_answered_again(
    runs: Runs, platform: Platform, station: SimulatedStation
) -> None:
    for request_id in ("done", "lost"):
        file(platform, request_id)
    [request] = tick(runs, platform)
    launch(runs, dg.RunRequest(tags={**request.tags, "dagster/asset_partition_range_end": "done"}))

    [again] = tick(runs, platform)

    assert again.tags["dagster/asset_partition_range_start"] == "lost"
    assert again.tags["dagster/asset_partition_range_end"] == "lost"
    assert again.tags[BATCH_TAG] != request.tags[BATCH_TAG]
    assert launch(runs, again).success
    assert states(platform) == {"done": RequestState.ANSWERED, "lost": RequestState.ANSWERED}


def test_a_malformed_request_is_rejected_with_its_reason_and_the_others_go_on(runs: Runs, platform: Platform) -> None:
    platform.documents.write_bytes("inbox/bad.json", b'{"source": "nowhere"}')
    file(platform, "good")

    [request] = tick(runs, platform)

    assert request.tags["dagster/asset_partition_range_start"] == "good"
    assert platform.documents.read_bytes("inbox/bad.json") is None
    assert platform.documents.read_bytes("rejected/bad.json") == b'{"source": "nowhere"}'
    reason = platform.documents.read_bytes("rejected/bad.json.reason.txt")
    assert reason is not None
    assert b"product_types" in reason


def test_only_a_failed_request_is_red(runs: Runs, platform: Platform) -> None:
    file(platform, "good")
    file(platform, "nothing", product_types=["AUX_NONE"])
    file(platform, "error", product_types=["AUX_NONE"], error_if_empty=True)
    [request] = tick(runs, platform)

    result = launch(runs, request)

    assert not result.success
    [failure] = result.get_step_failure_events()
    assert failure.step_failure_data.user_failure_data is not None
    assert failure.step_failure_data.user_failure_data.description == (
        "1 of 3 partitions failed.\nerror: error: nothing was found"
    )
    records = runs.instance.fetch_materializations(dg.AssetKey(["on_demand", "catalog_items"]), limit=10).records
    assert {record.partition_key for record in records} == {"good", "nothing"}


def test_the_check_names_the_gap_with_its_bounds(runs: Runs, platform: Platform) -> None:
    file(platform, "gap", product_types=["AUX_NONE"])
    [request] = tick(runs, platform)

    result = launch(runs, request)

    [check] = [event for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]
    evaluation = check.event_specific_data
    assert isinstance(evaluation, dg.AssetCheckEvaluation)
    assert not evaluation.passed
    assert evaluation.description == "gap: AUX_NONE lacks 2026-10-01T10:00:00Z to 2026-10-01T10:30:00Z"


@pytest.mark.parametrize(
    ("change", "success"), [({}, True), ({"start": "2026-10-01T10:00:00"}, False), ({"source": "nowhere"}, False)]
)
def test_the_job_files_what_its_form_says_or_says_what_is_wrong(
    runs: Runs, platform: Platform, change: dict[str, str], success: bool
) -> None:
    job = runs.defs.resolve_job_def("file_aux_request")

    result = job.execute_in_process(
        instance=runs.instance,
        run_config={
            "ops": {"file_request": {"config": ASKED | change}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        raise_on_error=False,
    )

    assert result.success == success
    assert len(Inbox(platform.documents).ids()) == int(success)
