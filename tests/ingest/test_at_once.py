"""Several processes at once on one installation: one transfer of each file, and no more load than a station allows."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.campaigns.installation import Installation
from tests.campaigns.truth import Truth, downloaded, sources_of
from tests.campaigns.workers import PATIENCE_S, Order, Worker, work
from tests.downlink import DownlinkStation
from tests.platform import SimulatedStation
from tests.postgresql import PostgresqlServer
from tests.servers import S3Server

_days = count()


@pytest.fixture
def truth(station: SimulatedStation) -> Iterator[Truth]:
    truth = Truth(station)
    yield truth
    truth.close()


@pytest.fixture(params=["directory", "s3", "directory and state in PostgreSQL"])
def installation(
    request: pytest.FixtureRequest, station: SimulatedStation, s3_server: S3Server, prefix: str, tmp_path: Path
) -> Installation:
    if request.param == "directory":
        return Installation(tmp_path, station.url)
    if request.param != "s3":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        return Installation(tmp_path, station.url, state=server.state())
    return Installation(tmp_path, station.url, s3=(s3_server.store(prefix), lambda: s3_server.files(prefix)))


class Day:
    """A day of its own at the station."""

    def __init__(self, station: SimulatedStation) -> None:
        self._station = station
        self._morning = datetime(2008, 1, 1, 8, tzinfo=UTC) + timedelta(days=next(_days))
        self.key = f"{self._morning:%Y-%m-%d}|S1"

    def add(self, *sizes: int) -> list[str]:
        """Put products of these sizes into the archive; their keys there."""
        attributes = {"platformShortName": "SENTINEL-1", "platformSerialIdentifier": "A", "productType": "AUX_ONCE"}
        return [
            str(
                self._station.add(
                    Name=f"S1A_AUX_{self._morning:%Y%m%d}_{number}.EOF",
                    size=size,
                    PublicationDate=self._morning.isoformat(),
                    ContentDate={"Start": self._morning.isoformat(), "End": self._morning.isoformat()},
                    Attributes=attributes,
                )["Id"]
            )
            for number, size in enumerate(sizes)
        ]

    @property
    def request(self) -> dict[str, Any]:
        """An on-demand request for its products."""
        start = self._morning.isoformat()
        return {"source": "adgs", "product_types": ["AUX_ONCE"], "start": start, "end": start}


def test_what_two_processes_stage_at_once_is_fetched_once(
    station: SimulatedStation, installation: Installation, truth: Truth
) -> None:
    day = Day(station)
    files = day.add(*range(1000, 21_000, 1000), 7_000_000, 12_000_000)
    for source_id in files:
        truth.learn(source_id)
    station.reset()

    one, other = work(installation.order(day.key), installation.order(day.key))

    assert one.errors == other.errors == {day.key: None}
    log = station.log()
    assert Counter(downloaded(log)) == Counter(files)
    assert sum(entry["bytes_sent"] for entry in log if entry["path"].endswith("$value")) == sum(map(truth.size, files))
    statuses = [Counter(file["state"] for file in done.files) for done in (one, other)]
    assert sum(found["staged"] for found in statuses) == len(files)
    assert not sum(found["failed"] for found in statuses)
    truth.assert_right(installation.objects())
    assert sources_of(installation.objects()) == set(files)
    assert len(installation.catalogued()) == len(files)
    assert installation.parts() == []


@pytest.mark.parametrize("fault", [{"status": 403}, {"corrupt": True}, {"truncate_bytes": 500_000}])
def test_the_loser_s_failure_does_not_touch_the_winner_s_object(
    station: SimulatedStation, installation: Installation, truth: Truth, fault: dict[str, Any]
) -> None:
    day = Day(station)
    [source_id] = day.add(1_000_000)
    truth.learn(source_id)
    station.reset()
    # Whoever is first fails for good: with the attempts of the settings, which are two.
    station.fault(path_contains="$value", times=1 if "status" in fault else 2, **fault)

    one, other = work(installation.order(day.key), installation.order(day.key))

    assert one.errors == other.errors == {day.key: None}
    truth.assert_right(installation.objects())
    statuses = {file["state"] for done in (one, other) for file in done.files}
    assert "staged" in statuses
    assert sources_of(installation.objects()) == {source_id}
    assert list(installation.catalogued().values()) == [{source_id}]
    assert installation.parts() == []


def test_a_writer_that_is_killed_hands_over_to_the_one_that_waits(
    station: SimulatedStation, installation: Installation, truth: Truth
) -> None:
    day = Day(station)
    [source_id] = day.add(6_000_000)
    truth.learn(source_id)
    station.reset()
    station.fault(path_contains="$value", stall_seconds=30, after_bytes=3_000_000, times=1)
    doomed, heir = Worker(installation.order(day.key)), Worker(installation.order(day.key))
    for worker in (doomed, heir):
        worker.ready()
    doomed.go()
    _until(station.downloads)
    heir.go()
    _until(lambda: sum(entry["path"].endswith("/Products") for entry in station.log()) > 1)

    doomed.kill()

    assert doomed.wait().code == -signal.SIGKILL
    assert heir.wait().errors == {day.key: None}
    assert downloaded(station.log()) == [source_id] * 2
    truth.assert_right(installation.objects())
    assert list(installation.catalogued().values()) == [{source_id}]
    assert installation.parts() == []


def _until(holds: Callable[[], object]) -> None:
    end = monotonic() + PATIENCE_S
    while not holds():
        assert monotonic() < end


def _all_at_once(station: DownlinkStation, tmp_path: Path, **settings: Any) -> tuple[Installation, list[Order]]:
    """Two partitions of one station, an on-demand request of it, and two runs of another station."""
    installation = Installation(tmp_path, station.url, downlink=True, concurrency=4, **settings)
    one, other, wanted = Day(station), Day(station), Day(station)
    for day in (one, other, wanted):
        day.add(*[50_000] * 12)
    station.acquire(chunks=8, chunk_size=50_000)
    orders = [
        installation.order(one.key),
        installation.order(other.key),
        installation.order(requests=(wanted.request,)),
        *[installation.order(station.partition, station="sgs")] * 2,
    ]
    return installation, orders


def test_no_station_has_more_connections_than_its_settings_allow_whatever_runs_at_once(
    station: SimulatedStation, tmp_path: Path
) -> None:
    downlink = DownlinkStation(station.url)
    installation, orders = _all_at_once(downlink, tmp_path)
    station.reset()
    station.fault(path_contains="/auxip/Products", delay_seconds=0.05)
    station.fault(path_contains="/cadip/sgs", delay_seconds=0.05)

    done = work(*orders)

    assert [dict.fromkeys(one.errors) for one in done] == [one.errors for one in done]
    assert done[2].answers == ("answered",)
    # Each file once, of three days and of a session of two channels.
    assert Counter(Counter(downloaded(station.log())).values()) == {1: 3 * 12 + 2 * 8}
    load = station.load()
    assert 1 < load["/auxip"]["peak"] <= 4
    assert 1 < load["/cadip/sgs"]["peak"] <= 4
    assert len(installation.catalogued()) == 3 * 12 + 1


@pytest.mark.slow
def test_requests_a_minute_are_counted_over_whatever_runs_at_once(station: SimulatedStation, tmp_path: Path) -> None:
    downlink = DownlinkStation(station.url)
    _, orders = _all_at_once(downlink, tmp_path, requests_per_minute=600)
    station.reset()

    done = work(*orders)

    assert [dict.fromkeys(one.errors) for one in done] == [one.errors for one in done]
    for path in ("/auxip/Products", "/cadip/sgs/"):
        times = [datetime.fromisoformat(entry["started"]) for entry in station.log() if path in entry["path"]]
        assert len(times) > 16
        # A turn each 100 ms; a moment of grace for the way from the turn to the station.
        assert max(times) - min(times) >= timedelta(seconds=0.1 * (len(times) - 1) - 0.2)
        for first, later in zip(times, times[10:], strict=False):
            assert later - first >= timedelta(seconds=0.7)
