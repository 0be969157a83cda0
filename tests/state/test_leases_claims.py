import multiprocessing
from multiprocessing.connection import Connection

import pytest

from rs_assets.state import TTL, Claims, Holder, StateDatabase
from rs_assets.state.processes import Process

from .leases import World

TTL_S = TTL.total_seconds()


@pytest.fixture
def world(database: StateDatabase) -> World:
    return World(database)


@pytest.fixture
def claims(database: StateDatabase, world: World) -> Claims:
    return Claims(database, world.holders)


def test_a_key_belongs_to_one_until_it_is_released(world: World, claims: Claims) -> None:
    first, second = world.holder(), world.holder()

    assert claims.claim(["a", "b"], first) == {"a", "b"}
    assert claims.claim(["b", "c"], second) == {"c"}
    claims.release(["b"], first)
    assert claims.claim(["b"], second) == {"b"}


def test_what_is_anothers_cannot_be_released(world: World, claims: Claims) -> None:
    first, second = world.holder(), world.holder()
    claims.claim(["a"], first)

    claims.release(["a", "unheard of"], second)

    assert claims.claim(["a"], second) == set()


def test_claims_last_while_they_are_renewed(world: World, claims: Claims) -> None:
    first, second = world.holder(), world.holder()
    claims.claim(["a"], first)
    for _ in range(3):
        world.wait(TTL_S - 1)
        assert claims.renew(first) == {"a"}
        assert claims.claim(["a"], second) == set()

    world.wait(TTL_S)
    assert claims.claim(["a"], second) == {"a"}
    assert claims.renew(first) == set()


def test_claims_of_a_process_that_has_ended_are_free_at_once(world: World, claims: Claims) -> None:
    dead, heir = world.holder(), world.holder()
    claims.claim(["a", "b"], dead)

    world.kill(dead)

    assert claims.claim(["a"], heir) == {"a"}
    assert claims.renew(dead) == set()


def test_thousands_of_keys_are_one_transaction(world: World, claims: Claims) -> None:
    keys = [f"collection/item/{number}/file" for number in range(2500)]

    assert claims.claim(keys, world.holder()) == set(keys)
    assert claims.claim(keys, world.holder()) == set()


def test_no_keys_are_no_error(world: World, claims: Claims) -> None:
    assert claims.claim([], world.holder()) == set()
    claims.release([], world.holder())


def test_one_that_leaves_ends_all_its_claims(world: World, claims: Claims) -> None:
    first, second = world.holder(), world.holder()
    claims.claim(["a", "b"], first)

    claims.leave(first)

    assert claims.claim(["a", "b"], second) == {"a", "b"}


def _claim_and_hang(url: str, told: Connection) -> None:
    Claims(StateDatabase(url)).claim(["a"], Holder())
    told.send("claimed")
    told.recv()


def test_a_killed_process_is_known_to_have_ended_before_its_lease_has(url: str) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ours, theirs = context.Pipe()
    process = context.Process(target=_claim_and_hang, args=(url, theirs))
    process.start()
    try:
        assert ours.poll(30)
        assert ours.recv() == "claimed"
        claims, heir = Claims(StateDatabase(url)), Holder()
        assert claims.claim(["a"], heir) == set()
    finally:
        process.kill()
        process.join(30)

    assert claims.claim(["a"], heir) == {"a"}


def test_a_process_is_told_from_a_later_one_of_the_same_number() -> None:
    ours = Process.current()

    assert not ours.has_ended()
    assert ours.lives_here()
    assert Process(ours.host, ours.pid, "1").has_ended()


@pytest.mark.parametrize("process", [Process("elsewhere", 1, "1"), Process(None, 1, None)])
def test_of_a_process_that_cannot_be_seen_nothing_is_said(process: Process) -> None:
    assert not process.has_ended()
    assert not process.lives_here()
