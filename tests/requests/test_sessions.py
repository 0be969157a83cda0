"""On-demand requests for downlink sessions, over HTTP against the simulated station."""

from pathlib import Path

import pytest

from rs_assets.requests.answering import Answering, RequestResult
from rs_assets.requests.model import parse_request
from rs_assets.state.requests import RequestState
from tests.downlink import DownlinkStation, downlink_platform
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation


async def answered(home: Path, station: DownlinkStation, session_id: str) -> RequestResult:
    """The result of a request for one session."""
    async with Answering(downlink_platform(station, home)) as answering:
        request = parse_request({"source": "sgs", "filter": f"id = '{session_id}'"})
        return await answering.answer("a-request", request)


async def test_a_session_is_answered_by_its_id_once_it_is_complete(
    station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    downlink = DownlinkStation(station.url)
    session = downlink.acquire(withheld=[[1, 2]])

    held = await answered(tmp_path, downlink, session["SessionId"])
    downlink.order("release", session=session["Id"])
    whole = await answered(tmp_path, downlink, session["SessionId"])

    assert held.state is RequestState.FAILED
    assert "it is not complete: channel 1: 2 of 3 chunks, no block 2" in held.message
    assert whole.state is RequestState.ANSWERED
    [item] = whole.items
    assert (item.id, item.collection_id, len(item.assets)) == (session["SessionId"], "s1_chunk", 6)
