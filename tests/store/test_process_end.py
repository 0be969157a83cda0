"""The end of a process that has just used an object store."""

import _thread
import threading

from rs_assets.store.bucket import wait_for_foreign_threads


def test_the_end_waits_for_a_foreign_thread_that_is_in_python() -> None:
    entered, go_on, left = threading.Event(), threading.Event(), threading.Event()

    def foreign() -> None:
        entered.set()
        go_on.wait(10)

    # Unlike those of the threading module, such a thread is unknown to Python, as one of obstore is.
    _thread.start_new_thread(foreign, ())
    assert entered.wait(10)

    def end() -> None:
        wait_for_foreign_threads(10)
        left.set()

    waiting = threading.Thread(target=end)
    waiting.start()

    assert not left.wait(0.1)
    go_on.set()
    assert left.wait(9)
    waiting.join()


def test_the_end_does_not_wait_for_ever() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def foreign() -> None:
        entered.set()
        go_on.wait(10)

    _thread.start_new_thread(foreign, ())
    assert entered.wait(10)
    wait_for_foreign_threads(0.05)
    go_on.set()
