"""A running `rs-assets dev`, with the real web server and daemon, on a port and a home of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from rs_assets.cli.processes import SIMULATOR_VARIABLE

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240


@dataclass(frozen=True)
class Dev:
    """A running `rs-assets dev`."""

    url: str
    home: Path
    log: Path

    def query(self, query: str, **variables: object) -> dict[str, Any]:
        """Ask Dagster's GraphQL."""
        answer = httpx.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
        assert answer.get("errors") is None, answer
        data = answer["data"]
        assert isinstance(data, dict)
        return data

    def sensor(self, name: str) -> dict[str, Any]:
        """The state of a sensor, with its last ticks, the newest first."""
        answer = self.query(
            """query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { ... on Sensor { sensorState {
                 status ticks(limit: 100) { status skipReason timestamp runIds error { message } } } } } }""",
            s={"repositoryLocationName": "rs_assets", "repositoryName": "__repository__", "sensorName": name},
        )
        state = answer["sensorOrError"]["sensorState"]
        assert isinstance(state, dict)
        return state

    def ended_ticks(self, name: str) -> list[dict[str, Any]]:
        """The ticks of a sensor that have ended, the newest first."""
        return [tick for tick in self.sensor(name)["ticks"] if tick["status"] != "STARTED"]


@contextmanager
def running_dev(
    directory: Path, port: int, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[Dev]:
    """`rs-assets dev` on a fresh home below `directory`; ended by SIGTERM, after which nothing of it may be left."""
    home = directory / "dagster_home"
    home.mkdir()
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home)
    shutil.copy(ROOT / "workspace.yaml", directory)
    command = [sys.executable, "-c", "from rs_assets.cli import main; main()"]
    inherited = {name: value for name, value in os.environ.items() if name != SIMULATOR_VARIABLE}
    log = directory / "dev.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*command, "dev", "--home", str(home), "--port", str(port), *options],
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
            env={**inherited, **(environment or {})},
            cwd=directory,
            start_new_session=True,
        )
    dev = Dev(f"http://127.0.0.1:{port}", home, log)
    try:
        until(lambda: answers(f"{dev.url}/server_info"), "the Dagster UI answers")
        yield dev
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        assert [child for child in family if lives(child)] == [], log.read_text()


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
