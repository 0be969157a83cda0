"""A downlink that is followed by the real daemon while the station's clock runs fast: no hand stages anything."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from rs_assets.cli.processes import start_simulator
from rs_assets.ingest import Platform
from rs_assets.items.times import parse_time
from rs_assets.requests.for_sessions import session_request_id
from rs_assets.settings import CONFIG_VARIABLE, load_settings
from rs_assets.state import Requests, RequestState
from tests.downlink import downlink_settings_with_needs
from tests.integration.dev import Dev, running_dev, until
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, assert_catalogue_is_true

pytestmark = pytest.mark.slow

SPEED = 15
DOWNLINK_S = 600
"""Seconds at the station, 40 in real time."""
LONGEST_S = 60
"""From the publication of the last chunk to the catalogue, in real time."""


class FastStation(SimulatedStation):
    """A station whose clock runs fast from an hour ago on, so that nothing of it lies in our future."""

    def clock(self) -> dict[str, Any]:
        """What its clock says, and its speed."""
        found: dict[str, Any] = httpx.get(f"{self.url}/control/clock", trust_env=False).raise_for_status().json()
        return found

    def acquire(self, **order: Any) -> dict[str, Any]:
        """A session whose downlink begins now; its entity as it will be in the end."""
        return self._post("/cadip/sgs/sessions", order)


@dataclass(frozen=True)
class RealTime:
    """Tells when, in real time, something was published by the station's clock."""

    station: datetime
    here: datetime
    speed: float

    @classmethod
    def of(cls, station: FastStation) -> "RealTime":
        """Compare the clocks now; the answer is the station's time at some moment of the request."""
        before = datetime.now(UTC)
        clock = station.clock()
        after = datetime.now(UTC)
        return cls(parse_time(clock["now"]), before + (after - before) / 2, float(clock["speed"]))

    def when(self, moment: datetime) -> datetime:
        """The real time at which the station's clock shows, or showed, a moment."""
        return self.here + (moment - self.station) / self.speed


@pytest.fixture
def station(monkeypatch: pytest.MonkeyPatch) -> Iterator[FastStation]:
    """The stations, without any session that was not asked for."""
    monkeypatch.setenv("RS_ASSETS_SIMULATOR_PASSWORD", PASSWORD)
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    begin = datetime.now(UTC) - timedelta(hours=1)
    process, url = start_simulator("--now", begin.isoformat(), "--speed", str(SPEED), "--max-sessions", "0")
    with process, FastStation(url) as station:
        yield station


@pytest.fixture
def config(station: FastStation, tmp_path: Path) -> Path:
    """Settings of ``adgs`` and ``sgs``, and of what S3 needs for a session."""
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(downlink_settings_with_needs(station)))
    return path


@pytest.fixture
def dev(config: Path, tmp_path: Path, unused_port: int) -> Iterator[Dev]:
    with running_dev(tmp_path, unused_port, "--no-simulator", environment={CONFIG_VARIABLE: str(config)}) as dev:
        yield dev


def test_a_downlink_is_staged_catalogued_and_provided_for_while_nobody_looks(
    dev: Dev, station: FastStation, config: Path
) -> None:
    platform = Platform.open(load_settings(config))
    until(lambda: skipped(dev, "nothing new"), "the sensor looks at a station that shows nothing")

    fault = station.fault(path_contains="/cadip/sgs/", reset=True)
    until(lambda: skipped(dev, "sgs: "), f"a tick is skipped while {fault} keeps the station down")
    station.mend()

    session = station.acquire(Satellite="S3A", channels=2, chunks=6, downlink_seconds=DOWNLINK_S, lag_seconds=30)
    session_id, files = session["SessionId"], session["Files"]
    clock = RealTime.of(station)
    last = clock.when(max(parse_time(file["PublicationDate"]) for file in files))
    first_download = appears(lambda: bool(station.downloads()), "the first chunk is asked for")
    catalogued = appears(lambda: platform.catalog.get("s3_chunk", session_id) is not None, "the session is catalogued")

    assert first_download < last, "no chunk was staged while the downlink lasted"
    assert last < catalogued < last + timedelta(seconds=LONGEST_S), (
        f"catalogued {catalogued - last} after the last chunk"
    )
    item = platform.catalog.get("s3_chunk", session_id)
    assert item is not None
    assert set(item.assets) == {file["Name"] for file in files}
    downloads = Counter(path for path in station.downloads() if path.startswith("/cadip/sgs/"))
    assert downloads == {f"/cadip/sgs/Files({file['Id']})/$value": 1 for file in files}

    # What came while a run was at work is asked for once more after it.
    until(lambda: newest_is_idle(dev, catalogued), "a tick sees nothing new after all runs")
    runs = downlink_runs(dev)
    ticks = len(dev.ended_ticks("sgs_downlink"))
    until(lambda: len(dev.ended_ticks("sgs_downlink")) >= ticks + 2, "two more ticks see the same state")
    assert downlink_runs(dev) == runs
    assert len(set(runs)) == len(runs) > 1
    assert {tick["status"] for tick in dev.ended_ticks("sgs_downlink")} == {"SKIPPED", "SUCCESS"}

    requests = Requests(platform.state)
    until(lambda: any(record.state.is_ended for record in requests.listed(limit=10)), "the request has ended")
    [record] = requests.listed(limit=10)
    assert (record.id, record.state) == (session_request_id(session_id), RequestState.ANSWERED), record.message
    assert record.counts.catalogued == record.counts.selected >= 2
    assert assert_catalogue_is_true(platform) == 1 + record.counts.catalogued
    assert record.ended_at is not None
    print(
        f"\nthe first chunk was asked for {(last - first_download).total_seconds():.1f} s before the last one was "
        f"published; the session was catalogued {(catalogued - last).total_seconds():.1f} s after that, by "
        f"{len(runs)} runs, and its request answered {(record.ended_at - catalogued).total_seconds():.1f} s later"
    )


def skipped(dev: Dev, why: str) -> bool:
    """Whether a tick was skipped for a reason that begins so; none may have failed."""
    ticks = dev.ended_ticks("sgs_downlink")
    assert [tick["error"] for tick in ticks if tick["status"] == "FAILURE"] == []
    return any(tick["status"] == "SKIPPED" and (tick["skipReason"] or "").startswith(why) for tick in ticks)


def newest_is_idle(dev: Dev, since: datetime) -> bool:
    """Whether the newest tick began after a moment, and found neither anything new nor anything that still waits."""
    tick = dev.ended_ticks("sgs_downlink")[0]
    return tick["timestamp"] > since.timestamp() and (tick["skipReason"] or "").startswith("nothing new")


def appears(condition: Callable[[], bool], what: str) -> datetime:
    """When the condition holds for the first time."""
    until(condition, what)
    return datetime.now(UTC)


def downlink_runs(dev: Dev) -> list[str]:
    """The run keys of the runs that the sensor has asked for."""
    answer = dev.query(
        """query { runsOrError(filter: {tags: [{key: "due", value: "downlink"}]}) { ... on Runs { results {
             tags { key value } } } } }"""
    )
    tags = [{tag["key"]: tag["value"] for tag in run["tags"]} for run in answer["runsOrError"]["results"]]
    return sorted(each["dagster/run_key"] for each in tags)
