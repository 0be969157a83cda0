from datetime import timedelta

import pytest

from rs_assets.state import TTL, Demand, Holder, Holders, Slots, StateDatabase
from rs_assets.state.holders import GRACE
from rs_assets.state.shares import TURN

from .leases import STATION, World

TTL_S = TTL.total_seconds()


@pytest.fixture
def world(database: StateDatabase) -> World:
    return World(database)


def test_one_alone_has_what_it_wants_up_to_the_limit(world: World) -> None:
    assert world.ask(world.holder(), 9).held == {1, 2, 3, 4}


def test_the_last_slots_go_to_whoever_asks_and_no_further_one_is_leased(world: World) -> None:
    first, second = world.holder(), world.holder()

    assert world.ask(first, 3).held == {1, 2, 3}
    assert world.ask(second, 3).held == {4}
    assert sorted(world.held()) == [1, 2, 3, 4]


def test_a_slot_keeps_its_number_while_it_is_leased(world: World) -> None:
    holder = world.holder()
    world.ask(holder, 4)
    world.ask(holder, 4, given=frozenset({1, 3}))

    assert world.ask(holder, 2, given=frozenset({1, 3})).held == {2, 4}
    assert world.ask(holder, 2).held == {2, 4}


def test_whoever_has_more_than_a_fair_share_owes_what_the_other_lacks(world: World) -> None:
    first, second = world.holder(), world.holder()
    world.ask(first, 4)

    assert world.ask(second, 4).held == set()
    assert (world.ask(first, 4).owed, world.ask(first, 4).contested) == (2, True)
    assert world.ask(first, 4, given=frozenset({2})).owed == 1
    assert world.ask(first, 4, given=frozenset({3})).owed == 0
    assert world.ask(second, 4).held == {2, 3}


def test_a_share_that_is_not_wanted_is_nobodys_debt(world: World) -> None:
    first, second = world.holder(), world.holder()
    world.ask(first, 4)
    world.ask(second, 1)

    assert world.ask(first, 4).owed == 1
    world.ask(second, 0)
    assert (world.ask(first, 4).owed, world.ask(first, 4).contested) == (0, False)


def test_where_there_are_more_claimants_than_slots_they_take_turns_in_the_order_of_their_waiting(world: World) -> None:
    holders = [world.holder() for _ in range(3)]
    served: list[int] = []

    def settle() -> None:
        for number, holder in enumerate(holders):
            had = world.ask(holder, 1, limit=1)
            if had.held and had.owed:
                world.ask(holder, 1, limit=1, given=had.held)
            elif had.held and served[-1:] != [number]:
                served.append(number)

    for _ in range(20):
        settle()
        world.wait(TURN.total_seconds() / 2)

    assert served[:6] == [0, 1, 2, 0, 1, 2]


def test_a_slot_that_was_just_given_is_kept_for_a_turn_though_others_have_none(world: World) -> None:
    first, second = world.holder(), world.holder()
    world.ask(first, 1, limit=1)
    world.ask(second, 1, limit=1)

    assert world.ask(first, 1, limit=1).owed == 0
    world.wait(TURN.total_seconds())
    assert world.ask(first, 1, limit=1).owed == 1


def test_a_lease_that_is_renewed_lasts_and_one_that_is_not_runs_out(world: World) -> None:
    renewing, silent, heir = world.holder(), world.holder(), world.holder()
    world.ask(renewing, 2)
    world.ask(silent, 2)
    for _ in range(2):
        world.wait(TTL_S / 2 - 0.001)
        assert world.ask(heir, 4).held == set()
        world.ask(renewing, 2)

    world.wait(0.002)
    assert world.ask(heir, 4).held == {3, 4}
    assert set(world.held().values()) == {renewing.id, heir.id}


def test_slots_of_a_process_that_has_certainly_ended_are_free_at_once(world: World) -> None:
    killed, heir = world.holder(), world.holder()
    world.ask(killed, 4)
    assert world.ask(heir, 4).held == set()

    world.kill(killed)

    assert world.held() == {}
    assert world.ask(heir, 4).held == {1, 2, 3, 4}


def test_one_that_comes_back_too_late_has_lost_what_others_took(world: World) -> None:
    late, heir = world.holder(), world.holder()
    world.ask(late, 4)
    world.wait(TTL_S)
    world.ask(heir, 2)

    standing = world.ask(late, 4, in_use=frozenset({1, 4}))

    assert world.ask(heir, 2).held == {1, 2}
    assert standing.held == {3, 4}


def test_one_that_comes_back_late_has_all_again_that_nobody_took(world: World) -> None:
    late = world.holder()
    world.ask(late, 4)
    world.wait(100 * TTL_S)

    assert world.ask(late, 2, in_use=frozenset({3})).held == {1, 2, 3, 4}


def test_a_process_of_this_host_that_lives_keeps_its_leases_for_longer(world: World) -> None:
    stopped, heir = Holder(), world.holder()
    world.ask(stopped, 4)

    world.wait(TTL_S + GRACE.total_seconds() - 1)
    assert world.ask(heir, 4).held == set()
    world.wait(1)
    assert world.ask(heir, 4).held == {1, 2, 3, 4}


def test_one_that_leaves_gives_everything_back(world: World) -> None:
    first, second = world.holder(), world.holder()
    world.ask(first, 4)
    world.ask(second, 4)

    world.slots.leave(first)

    assert world.ask(second, 4) == world.ask(second, 4)
    assert set(world.held().values()) == {second.id}
    assert not world.ask(second, 4).contested


def test_of_two_opinions_on_the_limit_the_lower_holds_and_neither_starves(world: World) -> None:
    many, few = world.holder(), world.holder()
    world.ask(many, 8, limit=8)
    assert world.ask(few, 8, limit=2).held == set()

    standing = world.ask(many, 8, limit=8)
    assert standing.owed == 7
    world.ask(many, 8, limit=8, given=frozenset(sorted(standing.held)[:7]))

    assert world.ask(few, 8, limit=2).held == {1}
    assert len(world.held()) == 2


def test_stations_do_not_share_their_slots(world: World, database: StateDatabase) -> None:
    world.ask(world.holder(), 4)

    assert world.slots.settle("other", world.holder(), Demand(4, 1)).held == {1}


def test_a_spare_slot_is_only_what_nobody_else_wants(world: World) -> None:
    first, second = world.holder(), world.holder()
    assert world.ask(first, 1, hoped=1).held == {1, 2}
    world.ask(second, 3)

    assert world.ask(first, 2, hoped=1).held == {1, 2}
    world.ask(second, 0, given=frozenset({3, 4}))
    assert world.ask(first, 2, hoped=1).held == {1, 2, 3}


def test_a_busy_station_is_paused_for_all_and_its_slots_halve_once_for_a_burst(world: World) -> None:
    first, second = world.holder(), world.holder()
    world.ask(first, 2, busy=5.0)
    world.ask(second, 2, busy=7.0)

    pause = world.ask(first, 2).pause

    assert (pause.remaining, pause.allowed) == (7.0, 2.0)
    world.wait(7)
    assert world.ask(second, 2).pause.remaining == 0
    world.ask(second, 2, busy=0.0)
    assert world.ask(first, 2).pause.allowed == 1.0


def test_slots_beyond_what_a_busy_station_stands_are_owed_and_not_leased(world: World) -> None:
    first, second = world.holder(), world.holder()
    world.ask(first, 4)
    world.ask(second, 1)

    standing = world.ask(first, 4, busy=5.0)

    assert (standing.owed, standing.free) == (3, 0)
    world.ask(first, 4, given=frozenset({1, 2}))
    assert world.ask(second, 1).held == set()
    world.ask(first, 4, given=frozenset({3}))
    assert world.ask(second, 1).held == {1}


def test_a_station_recovers_by_one_after_as_many_answers_as_it_stands(world: World) -> None:
    holder = world.holder()
    for _ in range(3):
        world.ask(holder, 4, busy=0.0)
        world.wait(2)

    allowed = [world.ask(holder, 4, served=1).pause.allowed for _ in range(12)]

    assert [int(number) for number in allowed] == [2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]


def test_nothing_is_written_while_nothing_changes(database: StateDatabase, url: str, world: World) -> None:
    holder = world.holder()
    slots = Slots(StateDatabase(url), world.holders)
    known = slots.settle(STATION, holder, Demand(4, 2))

    with database.brief_transaction():  # whoever wants to write now is told in the end that he cannot
        assert slots.settle(STATION, holder, Demand(4, 2), renew=False) == known


def test_real_clocks_are_aware() -> None:
    assert Holders().now().utcoffset() == timedelta(0)
