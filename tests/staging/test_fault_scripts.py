"""Whatever a station does: staged means the exact bytes, failed means nothing."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from rs_assets.settings import Retries
from rs_assets.store.directory_sink import DirectorySink

from .fault_station import FaultStation, Reply
from .rig import content, files_in, stage, transfer_of

BODY = bytes(range(256)) * 40

replies = st.one_of(
    st.just(Reply(BODY)),
    st.just(Reply(BODY, chunked=True)),
    st.builds(
        Reply,
        st.just(BODY),
        cut=st.integers(0, len(BODY)),
        chunked=st.booleans(),
        reset=st.booleans(),
    ),
    st.builds(Reply, st.binary(max_size=64), chunked=st.booleans()),
    st.builds(Reply, st.just(BODY[::-1]), chunked=st.booleans()),
    st.builds(Reply, st.just(BODY + b"more"), chunked=st.booleans()),
    st.builds(Reply, st.just(BODY), announced=st.integers(1, len(BODY) - 1), cut=st.just(len(BODY))),
    st.builds(Reply, st.just(b"no"), status=st.sampled_from([400, 401, 403, 404, 410, 416, 500, 503])),
    st.builds(Reply, st.just(b"no"), status=st.sampled_from([429, 503]), headers=st.just({"Retry-After": "0"})),
    st.builds(Reply, status=st.just(302), headers=st.just({"Location": "/0"})),
    st.just(Reply(BODY, headers={"Content-Encoding": "gzip"})),
)
scripts = st.lists(st.lists(replies, min_size=1, max_size=4), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(scripts=scripts, attempts=st.integers(1, 4), concurrency=st.integers(1, 3))
def test_what_is_staged_is_exact_and_what_failed_is_invisible(
    scripts: list[list[Reply]], attempts: int, concurrency: int
) -> None:
    with TemporaryDirectory() as directory:
        asyncio.run(_held(Path(directory), scripts, _retries(attempts), concurrency))


async def _held(root: Path, scripts: list[list[Reply]], retries: Retries, concurrency: int) -> None:
    async with FaultStation() as station:
        hrefs = [station.serve(f"/{number}", *script) for number, script in enumerate(scripts)]
        transfers = [transfer_of(BODY, href, f"c/{number}/1/f") for number, href in enumerate(hrefs)]
        outcomes = await stage(station, DirectorySink(root), transfers, retries=retries, concurrency=concurrency)
    for outcome in outcomes:
        if outcome.state.in_store:
            assert content(outcome.href) == BODY
        else:
            assert outcome.reason
            assert outcome.href is None
    assert files_in(root) == sorted(outcome.object_key for outcome in outcomes if outcome.state.in_store)


def _retries(attempts: int) -> Retries:
    return Retries(attempts=attempts, first_wait=0, max_wait=0, busy_timeout=0.01)
