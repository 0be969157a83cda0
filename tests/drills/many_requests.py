"""Many requests in the inbox at once, with everything killed half-way: none may be lost, none doubled.

python -m tests.drills.many_requests --count 1000
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from rs_assets.ingest import Platform
from rs_assets.requests import Inbox, parse_request
from rs_assets.requests.for_sessions import session_request_id
from rs_assets.settings import DEMO_SETTINGS, load_settings
from rs_assets.state import RequestRecord, Requests, RequestState
from tests.platform import assert_catalogue_is_true
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
_FIRST = datetime(2026, 3, 1, tzinfo=UTC)
_TYPES = ("AUX_RESORB", "AUX_PREORB", "AUX_POEORB", "AX___OSF_AX", "AX___FRO_AX", "AUX_UT1UTC")
_OF_SESSIONS = session_request_id("")
"""How the ids begin of requests that are filed by themselves for the simulator's sessions of today, meanwhile."""

_PATIENCE_S = 1800


@dataclass(frozen=True)
class Figures:
    """What a drill has measured, in seconds."""

    requests: int
    filing: float
    until_killed: float
    until_all_ended: float
    answering: float
    """Sum over all requests of the time between the begin of their answer and its end."""
    runs: int
    states: Counter[RequestState]
    items: int


def drill(count: int, home: Path) -> Figures:
    """File `count` requests, kill everything when some have ended, start again, and wait until all have ended.

    Raises:
        AssertionError: a request was lost or doubled, or the catalogue is not true.
    """
    os.environ["DAGSTER_HOME"] = str(home)
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home)
    platform = Platform.open(load_settings(DEMO_SETTINGS))
    requests = Requests(platform.state)
    begun = time.monotonic()
    ids = {_file(platform, number) for number in range(count)}
    filed = time.monotonic()

    def ended() -> list[RequestRecord]:
        return [
            record
            for record in requests.listed(limit=3 * count)
            if record.state.is_ended and not record.id.startswith(_OF_SESSIONS)
        ]

    def all_ended() -> bool:
        return len(ended()) >= count and ids.isdisjoint(Inbox(platform.documents).ids())

    with _everything(home):
        _until(lambda: len(ended()) >= count // 10, "the first requests have ended")
        half_way = len(ended())
    killed = time.monotonic()
    assert half_way < count, "the drill was too slow to kill anything"
    with _everything(home):
        _until(all_ended, "all have ended")
    done = time.monotonic()

    records = ended()
    assert {record.id for record in records} == ids
    assert len(records) == count
    assert all(platform.documents.read(f"requests/{request_id}/items.json") for request_id in ids)
    return Figures(
        requests=count,
        filing=filed - begun,
        until_killed=killed - filed,
        until_all_ended=done - filed,
        answering=sum(
            (record.ended_at - record.started_at).total_seconds()
            for record in records
            if record.ended_at and record.started_at
        ),
        runs=len({record.run_id for record in records}),
        states=Counter(record.state for record in records),
        items=assert_catalogue_is_true(platform),
    )


def _file(platform: Platform, number: int) -> str:
    start = _FIRST + timedelta(hours=number % 480)
    request = parse_request(
        {
            "source": "adgs",
            "product_types": [_TYPES[number % len(_TYPES)]],
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
            "policy": "LatestValIntersect",
        }
    )
    return Inbox(platform.documents).file(request, f"drill-{number:05d}")


@contextmanager
def _everything(home: Path) -> Iterator[None]:
    """Simulator, web server and daemon; killed, with all that they have started, in the end."""
    command = [sys.executable, "-c", "from rs_assets.cli import main; main()", "dev"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RS_ASSETS_")}
    log = (home / "dev.log").open("a")
    process = subprocess.Popen(
        [*command, "--home", str(home), "--port", str(free_port())],
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environment,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        yield
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGKILL)
        process.wait()
        psutil.wait_procs(family, timeout=10)
        log.close()


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.5)


def main() -> None:
    """Run the drill and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    with tempfile.TemporaryDirectory() as directory:
        figures = drill(parser.parse_args().count, Path(directory))
    states = ", ".join(f"{count} {state.value}" for state, count in figures.states.items())
    print(f"{figures.requests} requests, all ended: {states}; {figures.items} items in the catalogue")
    print(f"  filing them                       {figures.filing:8.1f} s")
    print(f"  until everything was killed       {figures.until_killed:8.1f} s")
    print(
        f"  from filed to all ended           {figures.until_all_ended:8.1f} s, in {figures.runs} runs that ended some"
    )
    print(f"  answering, summed over requests   {figures.answering:8.1f} s, several side by side")


if __name__ == "__main__":
    main()
