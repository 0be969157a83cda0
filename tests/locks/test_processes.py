"""Locks between processes, and across their deaths, on every kind of database."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rs_assets.locks import open_locks
from rs_assets.settings import StateSettings

PATIENCE_S = 30


def eventually(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@contextmanager
def holding(state: StateSettings, name: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.locks.holding", state.model_dump_json(exclude_defaults=True), name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_another_process_is_excluded_and_says_who_it_is(state_settings: StateSettings) -> None:
    locks = open_locks(state_settings)
    with holding(state_settings, "adgs/slot/1") as process:
        assert locks.try_lock("adgs/slot/1") is None
        holder = locks.locked("adgs/slot")["1"]
        assert holder is not None
        assert holder.pid == process.pid
        assert str(holder).startswith(f"process {process.pid} on {os.uname().nodename} since 20")
        assert locks.holder("adgs/slot/1") == holder


def test_what_a_killed_process_held_is_free_at_once(state_settings: StateSettings) -> None:
    locks = open_locks(state_settings)
    with holding(state_settings, "adgs/slot/1") as process:
        process.kill()
        process.wait()

        assert eventually(lambda: locks.try_lock("adgs/slot/1"))


def _take(state: StateSettings) -> None:
    held = [open_locks(state).try_lock(name) is not None for name in ("adgs/held", "adgs/free")]
    assert held == [False, True]


def test_a_forked_process_holds_nothing_of_its_parent_and_breaks_nothing(state_settings: StateSettings) -> None:
    locks = open_locks(state_settings)
    held = locks.try_lock("adgs/held")
    child = multiprocessing.get_context("fork").Process(target=_take, args=(state_settings,))
    child.start()
    child.join(30)

    assert child.exitcode == 0
    assert locks.is_locked("adgs/held")
    assert eventually(lambda: not locks.is_locked("adgs/free"))
    assert held is not None


def test_one_that_has_done_nothing_before_waits_for_its_turn_to_change_a_value(state_settings: StateSettings) -> None:
    first, second = open_locks(state_settings), open_locks(state_settings)
    assert first.read("adgs/load") is None
    order: list[str] = []

    def slow(_: object) -> Mapping[str, Any]:
        other.start()
        other.join(0.5)  # it is to wait for this one's end
        order.append("first")
        return {"count": 1}

    def after(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
        order.append("second")
        return {"count": (value or {}).get("count", 0) + 1}

    other = threading.Thread(target=second.update, args=("adgs/load", after))
    first.update("adgs/load", slow)
    other.join(30)

    assert order == ["first", "second"]
    assert first.read("adgs/load") == {"count": 2}
