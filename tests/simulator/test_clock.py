"""The stations' clock: fixed, real, or running at a speed of its own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rs_assets.simulator import SimulatorOptions, clock
from rs_assets.simulator.clock import Clock

from .station import NOW, Station


class Elapsed:
    """A real time that passes when it is told."""

    seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Elapsed:
    elapsed = Elapsed()
    monkeypatch.setattr(clock, "time", elapsed)
    return elapsed


def test_a_clock_that_is_set_stands_still(real: Elapsed) -> None:
    fixed = Clock(NOW)
    real.seconds += 1000
    assert (fixed.now(), fixed.speed) == (NOW, 0)


def test_a_clock_runs_on_at_its_speed_from_where_it_was_set(real: Elapsed) -> None:
    fast = Clock(NOW, 60)
    real.seconds += 2.5
    assert fast.now() == NOW + timedelta(seconds=150)
    fast.set(fast.now(), 1)
    real.seconds += 10
    assert fast.now() == NOW + timedelta(seconds=160)


def test_a_clock_without_a_moment_tells_the_real_time() -> None:
    before = datetime.now(UTC)
    now = Clock().now()
    assert before <= now <= datetime.now(UTC)
    assert Clock().speed == 1


def test_the_real_time_can_be_speeded_up(real: Elapsed) -> None:
    before = datetime.now(UTC)
    fast = Clock(None, 3600)
    real.seconds += 24
    assert before + timedelta(days=1) <= fast.now() <= datetime.now(UTC) + timedelta(days=1)


def test_a_clock_stops_at_the_end_of_time(real: Elapsed) -> None:
    fast = Clock(NOW, 1e18)
    real.seconds += 1e6
    assert fast.now().year == 9999


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf")])
def test_a_speed_that_cannot_be_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="zero or more"):
        Clock(NOW, speed)
    with pytest.raises(ValueError, match="zero or more"):
        SimulatorOptions(speed=speed)


async def test_the_clock_is_set_and_told_over_http(station: Station, real: Elapsed) -> None:
    assert (await station.http.get("/control/clock")).json() == {"now": NOW.isoformat(), "speed": 0}
    assert await station.control("clock", now="2024-05-05", speed=10) == {
        "now": "2024-05-05T00:00:00+00:00",
        "speed": 10,
    }
    real.seconds += 6
    assert (await station.http.get("/control/health")).json()["now"] == "2024-05-05T00:01:00+00:00"
    assert (await station.control("clock", speed=0))["now"] == "2024-05-05T00:01:00+00:00"
    real.seconds += 6
    assert (await station.control("clock", speed=1))["now"] == "2024-05-05T00:01:00+00:00"


@pytest.mark.parametrize("order", [{}, {"now": None}])
async def test_the_clock_is_given_back_the_real_time(station: Station, order: dict[str, Any]) -> None:
    before = datetime.now(UTC)
    told = await station.control("clock", **order)
    assert datetime.fromisoformat(told["now"]) >= before
    assert told["speed"] == 1


@pytest.mark.parametrize("order", [{"speed": -1}, {"speed": "fast"}, {"speed": True}, {"now": "soon"}])
async def test_a_clock_order_that_cannot_be_is_refused(station: Station, order: dict[str, Any]) -> None:
    assert (await station.http.post("/control/clock", json=order)).status_code == 400
    assert (await station.http.get("/control/clock")).json() == {"now": NOW.isoformat(), "speed": 0}


async def test_sessions_appear_as_a_fast_clock_runs(real: Elapsed) -> None:
    station = Station.started(speed=60)
    made = await station.cadip("sessions", downlink_seconds=600, lag_seconds=30, chunks=10)
    assert await station.files(made) == []
    real.seconds += 6
    some = len(await station.files(made))
    real.seconds += 6
    assert 0 < some < len(await station.files(made)) == 20


async def test_the_log_keeps_real_time(station: Station) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    await station.get(top=1)
    (entry,) = await station.log()
    assert before <= datetime.fromisoformat(entry["started"]) <= datetime.fromisoformat(entry["ended"])
