"""The tests of this folder run on a clock of their own: the rates that they measure are exact on every machine."""

from asyncio import AbstractEventLoop
from collections.abc import Callable

from tests.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    return {"virtual time": VirtualTimeLoop}
