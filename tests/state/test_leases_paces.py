from datetime import timedelta

import pytest

from rs_assets.state import Paces, StateDatabase

from .leases import World

INTERVAL = timedelta(seconds=2)


@pytest.fixture
def world(database: StateDatabase) -> World:
    return World(database)


def paces(url: str, world: World) -> Paces:
    return Paces(StateDatabase(url), clock=lambda: world.now)


def test_turns_are_spaced_evenly_whoever_takes_them(url: str, world: World) -> None:
    first, second = paces(url, world), paces(url, world)

    waits = [each.book("adgs", INTERVAL) for each in (first, second, second, first)]

    assert waits == [0, 2, 4, 6]


def test_time_that_was_not_used_is_no_credit_for_a_burst(url: str, world: World) -> None:
    turns = paces(url, world)
    turns.book("adgs", INTERVAL)
    world.wait(600)

    assert [turns.book("adgs", INTERVAL) for _ in range(3)] == [0, 2, 4]


def test_stations_do_not_share_their_turns(url: str, world: World) -> None:
    turns = paces(url, world)
    turns.book("adgs", INTERVAL)

    assert turns.book("other", INTERVAL) == 0


def test_a_clock_that_is_set_back_stops_nothing(url: str, world: World) -> None:
    turns = paces(url, world)
    turns.book("adgs", INTERVAL)
    world.wait(-3600)

    assert [turns.book("adgs", INTERVAL) for _ in range(2)] == [0, 2]
