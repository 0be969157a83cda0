"""What is due follows from the state, whatever became of the runs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from rs_assets.ingest import IngestOptions, Platform, Step, ingest
from rs_assets.ingest.due import Due, due_partitions
from rs_assets.ingest.work import at_work
from rs_assets.items.times import utc_now
from rs_assets.settings import CatchUp, Station
from rs_assets.stations.window import Partition
from tests.platform import SimulatedStation

FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PAUSE = timedelta(minutes=15)
KEY = "2026-11-05|S1"


def station_of(platform: Platform, **changes: Any) -> Station:
    [station] = platform.settings.stations
    return station.model_copy(update={"missions": ("S1", "S2"), **changes})


def searched(platform: Platform, key: str, at: datetime, *, closed: bool = True) -> None:
    end = datetime.fromisoformat(f"{key.partition('|')[0]}T00:00Z") + DAY
    platform.searches.succeeded("adgs", key, window_end=end, at=at, closed=closed)


def unseen(platform: Platform, station: Station, now: datetime) -> list[str]:
    return [due.partition for due in due_partitions(platform, station, now) if due.why == "never searched"]


def unfinished(platform: Platform, now: datetime) -> list[Due]:
    [station] = platform.settings.stations
    return [due for due in due_partitions(platform, station, now) if due.why == "unfinished"]


def test_before_the_first_search_nothing_is_caught_up_with(platform: Platform) -> None:
    assert unseen(platform, station_of(platform), FIRST + 300 * DAY) == []


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("oldest", ["2026-11-01|S2", "2026-11-02|S1", "2026-11-02|S2", "2026-11-03|S1", "2026-11-03|S2"]),
        ("newest", ["2027-08-27|S1", "2027-08-27|S2", "2027-08-26|S1", "2027-08-26|S2", "2027-08-25|S1"]),
    ],
)
def test_every_window_that_closed_since_the_first_search_is_due_however_long_nothing_ran(
    platform: Platform, order: str, expected: list[str]
) -> None:
    searched(platform, "2026-11-01|S1", FIRST, closed=False)
    station = station_of(platform, catch_up=CatchUp.model_validate({"order": order}))

    assert unseen(platform, station, FIRST + 300 * DAY) == expected


def test_what_is_caught_up_with_ends_when_all_is_searched(platform: Platform) -> None:
    searched(platform, "2026-11-01|S1", FIRST)
    station = station_of(platform, catch_up=CatchUp(per_tick=100))
    now = FIRST + 20 * DAY

    found = unseen(platform, station, now)
    for key in found:
        searched(platform, key, now)

    assert len(found) == len(set(found)) == 2 * 20 - 1
    assert unseen(platform, station, now) == []
    assert unseen(platform, station, now + DAY) == ["2026-11-21|S1", "2026-11-21|S2"]


def test_a_mission_that_is_added_is_caught_up_with(platform: Platform) -> None:
    for number in range(1, 4):
        for mission in ("S1", "S2"):
            searched(platform, f"2026-11-0{number}|{mission}", FIRST + number * DAY)
    station = station_of(platform, missions=("S1", "S3", "S2"))

    assert unseen(platform, station, FIRST + 3 * DAY) == ["2026-11-02|S3", "2026-11-03|S3"]


def test_from_the_start_on_if_the_settings_say_so(platform: Platform) -> None:
    station = station_of(platform, start=date(2026, 10, 30), catch_up=CatchUp.model_validate({"since": "start"}))

    assert unseen(platform, station, FIRST) == ["2026-10-30|S1", "2026-10-30|S2", "2026-10-31|S1", "2026-10-31|S2"]


def test_what_is_caught_up_with_comes_last_and_is_not_live(platform: Platform) -> None:
    searched(platform, "2026-11-01|S1", FIRST, closed=False)
    due = list(due_partitions(platform, station_of(platform), FIRST + 4 * DAY))

    assert (due[0].partition, due[0].why, due[0].is_live) == ("2026-11-01|S1", "window closed", True)
    assert {one.is_live for one in due[1:]} == {False}


def test_a_window_that_may_still_change_is_not_caught_up_with(platform: Platform) -> None:
    searched(platform, "2026-11-01|S1", FIRST)
    station = station_of(platform, missions=("S1",))
    end = datetime(2026, 11, 3, tzinfo=UTC)

    assert unseen(platform, station, end + station.lag - timedelta(microseconds=1)) == []
    assert unseen(platform, station, end + station.lag) == ["2026-11-02|S1"]


async def test_what_a_run_has_begun_is_due_once_it_died_and_not_before(platform: Platform) -> None:
    async with at_work(platform, "adgs", [KEY, "2026-11-06|S1"], frozenset({Step.SEARCH})) as work:
        await work.done("2026-11-06|S1")
        at_it = unfinished(platform, utc_now() + DAY)
    now = utc_now()

    [left] = unfinished(platform, now + PAUSE)
    assert at_it == []
    assert unfinished(platform, now + PAUSE - timedelta(minutes=1)) == []
    assert left.partition == KEY


async def test_a_partition_that_fails_is_due_again_after_pauses_that_double_until_it_succeeds(
    platform: Platform, station: SimulatedStation
) -> None:
    partition = Partition.parse(f"{utc_now():%Y-%m-%d}|S1", platform.settings.station("adgs").window)

    async def run() -> str | None:
        [report] = [report async for report in ingest(platform, "adgs", [partition])]
        return report.error

    station.fault(path_contains="/auxip/Products", status=500)
    errors, pauses = [], []
    for _ in range(2):
        errors.append(await run())
        now = utc_now()
        pauses.append(
            [minutes for minutes in (14, 16, 29, 31) if unfinished(platform, now + timedelta(minutes=minutes))]
        )
    station.mend()
    last = await run()

    assert all(errors)
    assert pauses == [[16, 29, 31], [31]]
    assert last is None
    assert unfinished(platform, utc_now() + 2 * DAY) == []


async def test_what_is_asked_for_while_a_run_is_at_work_is_due_after_it(platform: Platform) -> None:
    async with at_work(platform, "adgs", [KEY], frozenset(Step)) as work:
        platform.unfinished.want("adgs", [KEY], frozenset(Step), at=utc_now())
        await work.done(KEY)

    assert [due.partition for due in unfinished(platform, utc_now() + PAUSE)] == [KEY]


async def test_a_run_of_some_steps_leaves_the_others_that_were_wanted(platform: Platform) -> None:
    searched(platform, KEY, utc_now())
    platform.unfinished.want("adgs", [KEY], frozenset(Step), at=utc_now())
    async with at_work(platform, "adgs", [KEY], frozenset({Step.SEARCH})) as work:
        await work.done(KEY)

    [left] = unfinished(platform, utc_now() + DAY)
    assert left.steps == {Step.STAGE, Step.PUBLISH}


async def test_staging_that_was_wanted_of_a_partition_that_was_never_searched_is_due_with_a_search(
    platform: Platform,
) -> None:
    partition = Partition.parse(KEY, platform.settings.station("adgs").window)
    options = IngestOptions(steps=frozenset({Step.STAGE}))
    [report] = [report async for report in ingest(platform, "adgs", [partition], options)]

    [left] = unfinished(platform, utc_now() + PAUSE)
    assert report.error
    assert left.steps == frozenset(Step)
