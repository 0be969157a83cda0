"""Files that a station makes available later: ordered once, looked at when their time has come, and no failure."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from rs_assets.cli.outcome import StageOutcome
from rs_assets.defs.checks import verdicts
from rs_assets.defs.metadata import metadata_of
from rs_assets.errors import StateError, StationError
from rs_assets.ingest import Platform, Step, Tally
from rs_assets.ingest.due import due_partitions
from rs_assets.items.files import FileState, Order
from rs_assets.items.times import format_time, utc_now
from rs_assets.requests.answering import Answering
from rs_assets.requests.model import AuxRequest
from rs_assets.revisions import VERSION_TABLE
from rs_assets.staging.sources.http import HttpSource
from rs_assets.staging.sources.source import Answer, Wanted
from rs_assets.staging.sources.sources import SCHEMES
from rs_assets.staging.transfer_errors import NotYetError, OrderLostError
from rs_assets.state import Orders, RequestState
from tests.platform import SimulatedStation, assert_catalogue_is_true, run

from .test_ingest import made

DAYS = count(1)
"""Of March 2010, one for each test: the simulated archive has nothing then."""
LATER = timedelta(minutes=40)


class KilledError(BaseException):
    """The end of a process."""


class Archive:
    """The orders that a station has accepted; they are ready when the test says so."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.placed = 0
        self.opened = 0
        self.ready: set[str] = set()
        """Addresses of files that can be had."""
        self.lost: set[str] = set()
        """Orders that have come to nothing, by id."""
        self.kills = False
        """Whether the process ends after it has placed an order, before it knows."""
        self.is_down = False

    def gives(self, wanted: Wanted) -> bool:
        """Whether the file can be had now; else it is ordered, or was."""
        self.opened += 1
        if self.is_down:
            raise StationError("adgs: the archive cannot be asked")
        if wanted.order is not None and wanted.order.id in self.lost:
            self.orders.pop(wanted.href, None)
            raise OrderLostError(f"adgs: the order {wanted.order.id} could not be fulfilled")
        if wanted.href in self.ready:
            return True
        if wanted.href not in self.orders:
            self.placed += 1
            now = utc_now()
            self.orders[wanted.href] = Order(id=f"order-{self.placed}", ordered_at=now, look_again_at=now + LATER)
        if self.kills:
            raise KilledError
        order = self.orders[wanted.href]
        raise NotYetError(f"ordered as {order.id}", order)

    def make_ready(self) -> None:
        self.ready |= self.orders.keys()


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Archive:
    archive = Archive()

    class ArchiveSource(HttpSource):
        @asynccontextmanager
        async def open(self, wanted: Wanted) -> AsyncIterator[Answer]:
            archive.gives(wanted)
            async with super().open(wanted) as answer:
                yield answer

    monkeypatch.setitem(SCHEMES, "http", ArchiveSource)
    return archive


@pytest.fixture
def key() -> str:
    """A partition that nobody else uses."""
    return f"2010-03-{next(DAYS):02}|S1"


@pytest.fixture
def product(station: SimulatedStation, key: str) -> str:
    """The only product of the partition."""
    date = key.partition("|")[0]
    name = f"S1A_AUX_ORDERED_{date}.EOF"
    station.add(**made(name, PublicationDate=f"{date}T10:00:00Z"))
    return name


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr("rs_assets.ingest.holdings.utc_now", lambda: moment)


def due(platform: Platform, moment: datetime) -> list[tuple[str, str]]:
    [station] = platform.settings.stations
    return [(each.partition, each.why) for each in due_partitions(platform, station, moment) if each.why == "order"]


async def test_an_ordered_file_is_staged_and_catalogued_when_its_time_has_come(
    platform: Platform, archive: Archive, key: str, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first] = await run(platform, key)
    assert first.manifest is not None
    [file] = first.manifest.files
    assert (file.asset, file.state, file.order) == (product, FileState.ORDERED, archive.orders[file.source_href])
    assert platform.outcomes.outstanding("adgs") == []
    assert list(platform.catalog.search()) == []

    now = utc_now()
    assert due(platform, now + timedelta(minutes=39)) == []
    assert due(platform, now + timedelta(minutes=41)) == [(key, "order")]

    archive.make_ready()
    at(monkeypatch, now + timedelta(minutes=41))
    [second] = await run(platform, key)

    assert second.manifest is not None
    assert second.manifest.count(FileState.STAGED) == 1
    assert assert_catalogue_is_true(platform) == 1
    assert platform.orders.outstanding("adgs") == []
    assert due(platform, now + timedelta(days=1)) == []
    assert archive.placed == 1


async def test_before_its_time_the_station_is_not_asked_and_nothing_is_ordered_twice(
    platform: Platform, archive: Archive, key: str, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(platform, key)
    await run(platform, key)
    assert (archive.opened, archive.placed) == (1, 1)

    at(monkeypatch, utc_now() + LATER)
    [report] = await run(platform, key)

    assert report.manifest is not None
    assert report.manifest.count(FileState.ORDERED) == 1
    assert (archive.opened, archive.placed) == (2, 1)


async def test_it_counts_as_no_failure_anywhere(platform: Platform, archive: Archive, key: str, product: str) -> None:
    tally = Tally(1)
    [report] = await run(platform, key)
    outcome = StageOutcome(platform, "adgs", tally)
    outcome.add(report)

    assert outcome.exit_status == 0
    assert list(outcome.complaints()) == []
    [file] = report.manifest.files if report.manifest else []
    assert file.order is not None
    when = format_time(file.order.look_again_at)
    assert str(report) == f"{key}: 1 item found; files: 1 ordered; next look at what is ordered: {when}"
    document = json.loads(json.dumps(outcome.document()))
    staging = document["partitions"][0]["staging"]
    assert (staging["files"]["ordered"], staging["files"]["failed"], staging["next_look"]) == (1, 0, when)
    [station] = platform.settings.stations
    assert all(verdict.passed for verdict in verdicts(platform, station).values())
    metadata: Any = metadata_of(platform, Step.STAGE, report)
    assert metadata["ordered"].value == 1
    assert metadata["orders"].value.records[0].data["order"] == "order-1"


async def test_an_order_that_a_killed_process_has_placed_is_found_again(
    platform: Platform, archive: Archive, key: str, product: str
) -> None:
    archive.kills = True
    with pytest.raises((KilledError, BaseExceptionGroup)):
        await run(platform, key)
    archive.kills = False

    [report] = await run(platform, key)

    assert report.manifest is not None
    assert report.manifest.count(FileState.ORDERED) == 1
    assert (archive.placed, [each.file.order for each in platform.orders.outstanding("adgs")]) == (
        1,
        list(archive.orders.values()),
    )


async def test_an_order_that_cannot_be_recorded_at_once_is_recorded_when_the_run_ends(
    platform: Platform, archive: Archive, key: str, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, failures = Orders.record, iter([StateError("the state is busy")])

    def fails_once(orders: Orders, *given: Any) -> None:
        for error in failures:
            raise error
        record(orders, *given)

    monkeypatch.setattr(Orders, "record", fails_once)
    [report] = await run(platform, key)

    assert report.error is None
    [waiting] = platform.orders.outstanding("adgs")
    assert (waiting.file.asset, waiting.file.order) == (product, *archive.orders.values())


async def test_an_order_that_came_to_nothing_is_a_failure_and_is_placed_anew(
    platform: Platform, archive: Archive, key: str, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(platform, key)
    archive.lost.add("order-1")
    at(monkeypatch, utc_now() + LATER)

    await run(platform, key)
    [failure] = platform.outcomes.outstanding("adgs")
    left = platform.orders.outstanding("adgs")
    [again] = await run(platform, key)

    assert "could not be fulfilled" in (failure.file.reason or "")
    assert left == []
    assert again.manifest is not None
    assert again.manifest.count(FileState.ORDERED) == 1
    assert platform.outcomes.outstanding("adgs") == []
    assert archive.placed == 2


async def test_a_fault_on_the_way_keeps_the_order(
    platform: Platform, archive: Archive, key: str, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(platform, key)
    at(monkeypatch, utc_now() + LATER)
    archive.is_down = True
    [failed] = await run(platform, key)
    archive.is_down = False
    archive.make_ready()

    assert failed.manifest is not None
    assert failed.manifest.count(FileState.FAILED) == 1
    assert len(platform.orders.outstanding("adgs")) == 1
    await run(platform, key)
    assert (archive.placed, assert_catalogue_is_true(platform)) == (1, 1)
    assert platform.orders.outstanding("adgs") == []


async def test_a_partition_whose_run_died_is_due_again_after_a_pause(
    platform: Platform, archive: Archive, key: str, product: str
) -> None:
    await run(platform, key)
    [station] = platform.settings.stations
    pause = timedelta(seconds=station.retries.next_run_after)
    moment = utc_now() + LATER + timedelta(minutes=1)

    keys = {
        each.reason
        for moment in (moment, moment + pause / 2, moment + pause)
        for each in due_partitions(platform, station, moment)
        if each.why == "order"
    }

    assert len(keys) == 2


async def test_a_request_with_an_ordered_file_is_partial_and_names_the_order(
    platform: Platform, archive: Archive, key: str, product: str
) -> None:
    request = AuxRequest.model_validate({"source": "adgs", "filter": f"id = '{product.removesuffix('.EOF')}'"})
    async with Answering(platform) as answering:
        result = await answering.answer("request-1", request)

    assert result.state is RequestState.PARTIAL
    assert "ordered as order-1" in result.message
    assert platform.outcomes.outstanding("on_demand") == []


def test_a_state_file_of_an_earlier_version_gets_the_table(platform: Platform, archive: Archive) -> None:
    with platform.state.transaction() as connection:
        for table in ("orders", VERSION_TABLE):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        for index in ("transfers_in_time", "searches_to_repeat"):
            connection.exec_driver_sql(f"DROP INDEX {index}")

    assert Platform.open(platform.settings).orders.outstanding("adgs") == []
