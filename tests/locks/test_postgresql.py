"""Locks in PostgreSQL: what becomes of them when a session breaks, and errors that say what to do."""

import sys
import time

import pytest

from rs_assets.errors import LockError
from rs_assets.locks import Locks, open_locks, postgresql
from rs_assets.settings import StateSettings
from tests.postgresql import PostgresqlServer, connected


@pytest.fixture
def state(postgresql: PostgresqlServer) -> StateSettings:
    return postgresql.state()


@pytest.fixture
def locks(state: StateSettings, monkeypatch: pytest.MonkeyPatch) -> Locks:
    monkeypatch.setattr(postgresql, "_TRUSTED_S", 0.0)
    return open_locks(state)


def break_session(locks: Locks, state: StateSettings) -> None:
    assert isinstance(locks, postgresql.PostgresqlLocks)
    session = locks._session
    assert session is not None
    with connected(state) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 10000)", (session.info.backend_pid,))


def test_what_was_held_is_held_again_after_the_session_broke(state: StateSettings, locks: Locks) -> None:
    held = locks.try_lock("adgs/line")
    break_session(locks, state)

    assert locks.try_lock("adgs/line") is None
    assert open_locks(state).try_lock("adgs/line") is None
    assert held is not None
    held.release()
    assert open_locks(state).try_lock("adgs/line") is not None


def test_what_another_took_meanwhile_is_lost_and_it_is_said(
    state: StateSettings, locks: Locks, caplog: pytest.LogCaptureFixture
) -> None:
    held = locks.try_lock("adgs/line")
    break_session(locks, state)
    other = open_locks(state).try_lock("adgs/line")
    assert other is not None

    assert locks.try_lock("adgs/line") is None
    assert "the lock adgs/line was lost: the connection broke, and another process has taken it" in caplog.text
    assert held is not None
    held.release()
    assert locks.is_locked("adgs/line")


def test_the_clock_is_the_servers_whatever_the_hosts_is(state: StateSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    right, wrong = open_locks(state), open_locks(state)
    host = time.monotonic
    before = right.clock()
    monkeypatch.setattr(time, "monotonic", lambda: host() + 1e6)

    assert before <= wrong.clock() < before + 600


def test_a_server_that_is_not_there_is_named_with_what_is_needed(unused_port: int) -> None:
    url = f"postgresql+psycopg://tests@127.0.0.1:{unused_port}/state"

    with pytest.raises(LockError, match=f"the locks in {url.replace('+', '.')} cannot be used: .*session mode"):
        open_locks(StateSettings(url=url)).try_lock("adgs/line")


def test_without_its_driver_it_is_said_what_to_install(state: StateSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(LockError, match=r"install rs-assets\[postgres\]"):
        open_locks(state).try_lock("adgs/line")
