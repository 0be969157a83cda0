from collections.abc import AsyncIterator

import pytest

from .station import Station


@pytest.fixture
async def station() -> AsyncIterator[Station]:
    """A station that asks for no credentials."""
    started = Station.started()
    async with started.http:
        yield started
