"""`rs-assets dev` with the real web server and daemon, on ports of its own."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.dev import Dev, running_dev, until
from tests.platform import SimulatedStation

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Demo:
    """A running `rs-assets dev`, and the levers of the station that it plays."""

    dev: Dev
    station: SimulatedStation

    def query(self, query: str, **variables: object) -> dict[str, Any]:
        """Ask Dagster's GraphQL."""
        return self.dev.query(query, **variables)


@pytest.fixture
def dev(tmp_path: Path, unused_port: int) -> Iterator[Demo]:
    """`rs-assets dev` with the demo's settings, on a fresh home."""
    with running_dev(tmp_path, unused_port) as running:
        printed = running.log.read_text().splitlines()
        simulator = next(line.split()[-1] for line in printed if line.endswith("/auxip"))
        with SimulatedStation(simulator.removesuffix("/auxip")) as station:
            yield Demo(running, station)


def test_a_backfill_with_a_failing_day_fails_that_day_alone_and_the_sensor_runs(dev: Demo) -> None:
    dev.station.fault(path_contains="Products", query_contains="PublicationDate gt 2026-06-04", status=500)
    days = [f"2026-06-{number:02d}" for number in range(1, 11)]
    keys = [f"{day}|{mission}" for day in days for mission in ("S1", "S2", "S3")]
    launched = dev.query(
        """mutation($p: LaunchBackfillParams!) {
             launchPartitionBackfill(backfillParams: $p) { ... on LaunchBackfillSuccess { backfillId } } }""",
        p={
            "assetSelection": [
                {"path": ["adgs", step]} for step in ("search_results", "staged_files", "catalog_items")
            ],
            "partitionNames": keys,
        },
    )
    backfill = launched["launchPartitionBackfill"]["backfillId"]

    def status() -> str:
        answer = dev.query(
            "query($b: String!) { partitionBackfillOrError(backfillId: $b) { ... on PartitionBackfill { status } } }",
            b=backfill,
        )
        return str(answer["partitionBackfillOrError"]["status"])

    until(lambda: status() not in {"REQUESTED", "FAILING"}, "the backfill ends")

    assert status() == "COMPLETED_FAILED"
    for step in ("search_results", "staged_files", "catalog_items"):
        nodes = dev.query(
            """query($k: [AssetKeyInput!]) { assetNodes(assetKeys: $k) {
                 partitionStats { numMaterialized numFailed }
                 assetMaterializations(limit: 100) { partition metadataEntries { label } } } }""",
            k=[{"path": ["adgs", step]}],
        )["assetNodes"]
        assert nodes[0]["partitionStats"] == {"numMaterialized": 27, "numFailed": 3}
        good = {entry["partition"] for entry in nodes[0]["assetMaterializations"]}
        assert good == {key for key in keys if not key.startswith("2026-06-05")}
        assert all(len(entry["metadataEntries"]) > 5 for entry in nodes[0]["assetMaterializations"])
    sensor = dev.dev.sensor("adgs_due_partitions")
    assert sensor["status"] == "RUNNING"
    assert sensor["ticks"][0]["status"] in {"SKIPPED", "SUCCESS"}


def test_terminating_a_run_ends_its_transfers_within_seconds(dev: Demo) -> None:
    dev.station.fault(path_contains="$value", delay_seconds=120)
    launched = dev.query(
        """mutation($e: ExecutionParams!) {
             launchPipelineExecution(executionParams: $e) { ... on LaunchRunSuccess { run { runId } } } }""",
        e={
            "selector": {
                "repositoryLocationName": "rs_assets",
                "repositoryName": "__repository__",
                "pipelineName": "__ASSET_JOB",
                "assetSelection": [{"path": ["adgs", "search_results"]}, {"path": ["adgs", "staged_files"]}],
            },
            "mode": "default",
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "2026-06-01|S1"}]},
        },
    )
    run_id = launched["launchPipelineExecution"]["run"]["runId"]

    def status() -> str:
        answer = dev.query("query($r: ID!) { runOrError(runId: $r) { ... on Run { status } } }", r=run_id)
        return str(answer["runOrError"]["status"])

    until(lambda: any(entry["path"].endswith("Products") for entry in dev.station.log()), "the run searches")
    until(lambda: status() == "STARTED", "the run starts")

    dev.query("mutation($r: String!) { terminateRun(runId: $r) { __typename } }", r=run_id)
    asked = time.monotonic()
    until(lambda: status() == "CANCELED", "the run is cancelled")

    assert time.monotonic() - asked < 15
