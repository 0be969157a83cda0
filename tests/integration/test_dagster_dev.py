"""`rs-assets dev` with the real web server and daemon, on ports of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from rs_assets.cli.processes import SIMULATOR_VARIABLE
from tests.platform import SimulatedStation

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Dev:
    """A running `rs-assets dev`."""

    process: subprocess.Popen[str]
    url: str
    station: SimulatedStation

    def query(self, query: str, **variables: object) -> dict[str, Any]:
        """Ask Dagster's GraphQL."""
        answer = httpx.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
        assert answer.get("errors") is None, answer
        data = answer["data"]
        assert isinstance(data, dict)
        return data


@pytest.fixture
def dev(tmp_path: Path, unused_port: int) -> Iterator[Dev]:
    """`rs-assets dev` on a fresh home; ended by SIGTERM, after which nothing of it may be left."""
    home = tmp_path / "dagster_home"
    home.mkdir()
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home)
    shutil.copy(ROOT / "workspace.yaml", tmp_path)
    command = [sys.executable, "-c", "from rs_assets.cli import main; main()"]
    environment = {name: value for name, value in os.environ.items() if name != SIMULATOR_VARIABLE}
    log = (tmp_path / "dev.log").open("w")
    process = subprocess.Popen(
        [*command, "dev", "--home", str(home), "--port", str(unused_port)],
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=tmp_path,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{unused_port}"
    try:
        until(lambda: answers(f"{url}/server_info"), "the Dagster UI answers")
        printed = (tmp_path / "dev.log").read_text()
        simulator = next(line.split()[-1] for line in printed.splitlines() if line.endswith("/auxip"))
        with SimulatedStation(simulator.removesuffix("/auxip")) as station:
            yield Dev(process, url, station)
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.close()
        assert [child for child in family if lives(child)] == [], (tmp_path / "dev.log").read_text()


def lives(process: psutil.Process) -> bool:
    """Whether the process runs; one that has ended and that nobody has asked for yet does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def answers(url: str) -> bool:
    """Whether something answers there."""
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.5)


def test_a_backfill_with_a_failing_day_fails_that_day_alone_and_the_sensor_runs(dev: Dev) -> None:
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
    sensor = dev.query(
        """query { sensorOrError(sensorSelector: {repositoryLocationName: "rs_assets", repositoryName: "__repository__",
             sensorName: "adgs_due_partitions"}) { ... on Sensor { sensorState { status ticks(limit: 1) { status } } } }
           }"""
    )["sensorOrError"]["sensorState"]
    assert sensor["status"] == "RUNNING"
    assert sensor["ticks"][0]["status"] in {"SKIPPED", "SUCCESS"}


def test_terminating_a_run_ends_its_transfers_within_seconds(dev: Dev) -> None:
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
