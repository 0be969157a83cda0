"""A download that breaks off is gone on with where it stopped, as long as it is the same file."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rs_assets.items.files import FileRecord, FileState
from rs_assets.settings import Retries, Timeouts
from rs_assets.store import parts
from rs_assets.store.directory_sink import DirectorySink
from tests.files import file_at

from .fault_station import FaultStation, Reply, Request
from .rig import AT_ONCE, Tokens, content, files_in, md5, stage, transfer_of

BODY = os.urandom(40_000)
OTHER = os.urandom(40_000)
STAGED, FAILED = FileState.STAGED, FileState.FAILED


def ranged(body: bytes = BODY, **headers: str) -> Callable[[Request], Reply]:
    """A reply that honours Range, and If-Range by the ETag or the Last-Modified in `headers`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def reply(request: Request) -> Reply:
        wanted = request.headers.get("range")
        condition = request.headers.get("if-range")
        if wanted is None or (condition is not None and condition not in named.values()):
            return Reply(body, headers={"Accept-Ranges": "bytes", **named})
        begin = int(wanted.removeprefix("bytes=").partition("-")[0])
        if begin >= len(body):
            return Reply(b"no", status=416, headers={"Content-Range": f"bytes */{len(body)}", **named})
        given = {"Content-Range": f"bytes {begin}-{len(body) - 1}/{len(body)}", **named}
        return Reply(body[begin:], status=206, headers=given)

    return reply


def broken(body: bytes = BODY, at: int = 25_000, **headers: str) -> Callable[[Request], Reply]:
    """A reply that breaks off after so many bytes of what it gives."""

    def reply(request: Request) -> Reply:
        whole = ranged(body, **headers)(request)
        return Reply(whole.body, whole.status, whole.headers, cut=at)

    return reply


def ranges(station: FaultStation) -> list[str | None]:
    return [request.headers.get("range") for request in station.requests]


@pytest.mark.parametrize("headers", [{"ETag": '"v1"'}, {"Last_Modified": "Wed, 25 Nov 2026 00:00:00 GMT"}, {}])
async def test_a_broken_download_goes_on_where_it_stopped(
    station: FaultStation, sink: DirectorySink, headers: dict[str, str]
) -> None:
    script = broken(BODY, 25_000, **headers), broken(BODY, 10_000, **headers), ranged(BODY, **headers)
    href = station.serve("/f", *script)
    (outcome,) = await stage(station, sink, [transfer_of(BODY, href)])
    assert (outcome.state, outcome.attempts, outcome.moved) == (STAGED, 3, len(BODY))
    assert content(outcome.href) == BODY
    assert ranges(station) == [None, "bytes=25000-", "bytes=35000-"]
    conditions = [request.headers.get("if-range") for request in station.requests]
    assert conditions == [None, *[next(iter(headers.values()), None)] * 2]


async def test_a_weak_tag_does_not_vouch_for_bytes(station: FaultStation, sink: DirectorySink) -> None:
    href = station.serve("/f", broken(ETag='W/"v1"'), ranged(ETag='W/"v1"'))
    (outcome,) = await stage(station, sink, [transfer_of(BODY, href)])
    assert outcome.state is STAGED
    assert "if-range" not in station.requests[1].headers


async def test_a_file_that_has_changed_is_begun_again(station: FaultStation, sink: DirectorySink) -> None:
    href = station.serve("/f", broken(OTHER, ETag='"v1"'), ranged(ETag='"v2"'))
    (outcome,) = await stage(station, sink, [transfer_of(BODY, href)])
    assert (outcome.state, outcome.attempts) == (STAGED, 2)
    assert content(outcome.href) == BODY


async def test_a_changed_file_of_a_station_that_ignores_if_range_is_begun_again(
    station: FaultStation, sink: DirectorySink
) -> None:
    def deaf(request: Request) -> Reply:
        headers = {name: value for name, value in request.headers.items() if name != "if-range"}
        return ranged(ETag='"v2"')(Request(request.target, headers, request.connection, request.at))

    href = station.serve("/f", broken(OTHER, ETag='"v1"'), deaf)
    (outcome,) = await stage(station, sink, [transfer_of(BODY, href)])
    assert (outcome.state, outcome.attempts) == (STAGED, 3)
    assert content(outcome.href) == BODY
    assert ranges(station) == [None, "bytes=25000-", None]


async def test_a_changed_file_that_nothing_names_is_found_by_its_checksum(
    station: FaultStation, sink: DirectorySink
) -> None:
    (outcome,) = await stage(station, sink, [transfer_of(BODY, station.serve("/f", broken(OTHER), ranged()))])
    assert (outcome.state, outcome.attempts) == (STAGED, 3)
    assert content(outcome.href) == BODY
    assert ranges(station) == [None, "bytes=25000-", None]


async def test_a_file_that_goes_on_changing_fails(station: FaultStation, sink: DirectorySink, root: Path) -> None:
    def changing(request: Request) -> Reply:
        tag = f'"v{len(station.requests)}"'
        given = {"ETag": tag, "Accept-Ranges": "bytes"}
        if "range" not in request.headers:
            return Reply(BODY, headers=given, cut=25_000)
        given["Content-Range"] = f"bytes 25000-{len(BODY) - 1}/{len(BODY)}"
        return Reply(BODY[25_000:], status=206, headers=given)

    (outcome,) = await stage(
        station, sink, [transfer_of(BODY, station.serve("/f", changing))], retries=Retries(attempts=99, first_wait=0)
    )
    assert outcome.state is FAILED
    assert "has changed while it was read" in (outcome.reason or "")
    assert len(station.requests) < 10
    assert files_in(root) == []


async def test_a_station_without_ranges_is_read_from_the_beginning(station: FaultStation, sink: DirectorySink) -> None:
    href = station.serve("/f", Reply(BODY, cut=25_000), Reply(BODY))
    (outcome,) = await stage(station, sink, [transfer_of(BODY, href)])
    assert (outcome.state, outcome.moved) == (STAGED, 25_000 + len(BODY))
    assert content(outcome.href) == BODY


async def test_an_answer_for_another_range_is_never_joined_on(station: FaultStation, sink: DirectorySink) -> None:
    def elsewhere(request: Request) -> Reply:
        if "range" not in request.headers:
            return Reply(BODY)
        return Reply(BODY[:25_000], status=206, headers={"Content-Range": f"bytes 100-25099/{len(BODY)}"})

    (outcome,) = await stage(station, sink, [transfer_of(BODY, station.serve("/f", broken(), elsewhere))])
    assert outcome.state is STAGED
    assert content(outcome.href) == BODY


async def test_a_range_behind_the_end_means_that_everything_is_there(
    station: FaultStation, sink: DirectorySink
) -> None:
    unknown = Reply(BODY, chunked=True, cut=len(BODY))
    href = station.serve("/f", unknown, ranged())
    (outcome,) = await stage(station, sink, [file_at("c/a/1/f", href, None, (md5(BODY),))])
    assert (outcome.state, outcome.moved) == (STAGED, len(BODY))
    assert content(outcome.href) == BODY
    assert ranges(station) == [None, f"bytes={len(BODY)}-"]


async def test_a_range_that_is_refused_though_something_is_missing_begins_the_file_again(
    station: FaultStation, sink: DirectorySink
) -> None:
    refused = Reply(b"no", status=416, headers={"Content-Range": "bytes */7"})
    (outcome,) = await stage(station, sink, [transfer_of(BODY, station.serve("/f", broken(), refused, ranged()))])
    assert (outcome.state, outcome.attempts) == (STAGED, 3)
    assert ranges(station) == [None, "bytes=25000-", None]


async def test_a_token_that_expires_in_mid_transfer_is_renewed_once_and_the_file_gone_on_with(
    station: FaultStation, sink: DirectorySink
) -> None:
    def guarded(request: Request) -> Reply:
        if request.headers["authorization"] != "Bearer old":
            return ranged(ETag='"v1"')(request)
        return broken(ETag='"v1"')(request) if "range" not in request.headers else Reply(status=401)

    tokens = Tokens("old", "new", "never")
    transfers = [transfer_of(BODY, station.serve(f"/{n}", guarded), f"c/{n}/1/f") for n in range(6)]
    outcomes = await stage(station, sink, transfers, credentials=tokens, concurrency=3)
    assert {(outcome.state, outcome.moved) for outcome in outcomes} == {(STAGED, len(BODY))}
    assert await tokens.headers() == {"Authorization": "Bearer new"}


async def test_an_attempt_that_brought_much_does_not_count(station: FaultStation, sink: DirectorySink) -> None:
    body = os.urandom(40_000_000)
    script = [broken(body, 12_000_000)] * 3
    (outcome,) = await stage(
        station, sink, [transfer_of(body, station.serve("/f", *script, ranged(body)))], retries=Retries(attempts=2)
    )
    assert (outcome.state, outcome.attempts) == (STAGED, 4)
    assert content(outcome.href) == body


async def test_a_download_that_trickles_is_given_up_and_tried_again(station: FaultStation, sink: DirectorySink) -> None:
    timeouts = Timeouts(min_rate=100_000, rate_period=0.1)
    href = station.serve("/f", Reply(BODY, headers={"ETag": '"v1"'}, drip=100), ranged(ETag='"v1"'))
    (outcome,) = await stage(station, sink, [transfer_of(BODY, href)], timeouts=timeouts, retries=AT_ONCE)
    assert (outcome.state, outcome.attempts, outcome.moved) == (STAGED, 2, len(BODY))


async def test_a_download_that_only_trickles_fails_and_says_so(station: FaultStation, sink: DirectorySink) -> None:
    timeouts = Timeouts(min_rate=100_000, rate_period=0.1)
    href = station.serve("/f", Reply(BODY, drip=100))
    (outcome,) = await stage(
        station, sink, [transfer_of(BODY, href)], timeouts=timeouts, retries=Retries(attempts=2, first_wait=0)
    )
    assert outcome.state is FAILED
    assert "trickles" in (outcome.reason or "")


class TestALeftPart:
    """What an earlier writer has left is used as far as its journal vouches for it."""

    BODY = os.urandom(20_000_000)
    KEY = "c/a/1/f"
    CHECKPOINTS = (8 << 20, 16 << 20)

    def resumed_at(self, moved: int) -> int:
        """The checkpoint that was gone on from; it is noted with the first batch that reaches it."""
        begin = len(self.BODY) - moved
        return next((place for place in self.CHECKPOINTS if place <= begin < place + (2 << 20)), begin)

    async def left(self, station: FaultStation, sink: DirectorySink, **headers: str) -> FileRecord:
        """Fail after 18 MB, two checkpoints behind it."""
        transfer = transfer_of(self.BODY, station.serve("/f", broken(self.BODY, 18_000_000, **headers)), self.KEY)
        (outcome,) = await stage(station, sink, [transfer], retries=Retries(attempts=1))
        assert outcome.state is FAILED
        station.requests.clear()
        station.serve("/f", ranged(self.BODY, **headers))
        return transfer

    async def test_is_gone_on_with_by_the_next_run(
        self, station: FaultStation, sink: DirectorySink, root: Path
    ) -> None:
        transfer = await self.left(station, sink, ETag='"v1"')
        (outcome,) = await stage(station, DirectorySink(root), [transfer])
        assert outcome.state is STAGED
        assert self.resumed_at(outcome.moved) == self.CHECKPOINTS[1]
        assert content(outcome.href) == self.BODY
        assert [request.headers["if-range"] for request in station.requests] == ['"v1"']
        assert files_in(root) == [self.KEY]

    @pytest.mark.parametrize(("damaged", "good"), [(100, 0), (9_000_000, CHECKPOINTS[0])])
    async def test_is_used_no_further_than_its_bytes_agree_with_its_journal(
        self, station: FaultStation, sink: DirectorySink, root: Path, damaged: int, good: int
    ) -> None:
        transfer = await self.left(station, sink, ETag='"v1"')
        (part,) = (root / ".parts").glob("*.part")
        with part.open("r+b") as file:
            file.seek(damaged)
            file.write(bytes(4))
        (outcome,) = await stage(station, sink, [transfer])
        assert self.resumed_at(outcome.moved) == good
        assert content(outcome.href) == self.BODY

    @pytest.mark.parametrize(
        "journal", [b"", b"\xff\xfe", b"{}\n", b"[]\n8388608 00\n", b'{"version": 99, "algorithm": "md5"}\n']
    )
    async def test_is_of_no_use_without_a_journal_that_can_be_read(
        self, station: FaultStation, sink: DirectorySink, root: Path, journal: bytes
    ) -> None:
        transfer = await self.left(station, sink)
        (path,) = (root / ".parts").glob("*.journal")
        path.write_bytes(journal)
        (outcome,) = await stage(station, sink, [transfer])
        assert (outcome.state, outcome.moved) == (STAGED, len(self.BODY))
        assert files_in(root) == [self.KEY]

    async def test_is_used_up_to_the_line_of_its_journal_that_was_torn(
        self, station: FaultStation, sink: DirectorySink, root: Path
    ) -> None:
        transfer = await self.left(station, sink)
        (path,) = (root / ".parts").glob("*.journal")
        path.write_bytes(path.read_bytes()[:-5])
        (outcome,) = await stage(station, sink, [transfer])
        assert self.resumed_at(outcome.moved) == self.CHECKPOINTS[0]

    async def test_is_not_joined_with_a_file_that_has_changed(self, station: FaultStation, sink: DirectorySink) -> None:
        await self.left(station, sink, ETag='"v1"')
        other = self.BODY[::-1]
        transfer = transfer_of(other, station.serve("/f", ranged(other, ETag='"v2"')), self.KEY)
        (outcome,) = await stage(station, sink, [transfer])
        assert (outcome.state, outcome.attempts) == (STAGED, 1)
        assert content(outcome.href) == other

    async def test_takes_no_more_room_than_what_is_vouched_for(
        self, station: FaultStation, sink: DirectorySink, root: Path
    ) -> None:
        await self.left(station, sink)
        (part,) = (root / ".parts").glob("*.part")
        assert self.resumed_at(len(self.BODY) - part.stat().st_size) == self.CHECKPOINTS[1]

    async def test_is_removed_when_none_has_come_back_for_it_in_a_day(
        self, station: FaultStation, sink: DirectorySink, root: Path
    ) -> None:
        await self.left(station, sink)
        (part,) = (root / ".parts").glob("*.part")
        parts.remove_stale(f"{root}/.parts", now=part.stat().st_mtime + 86_000)
        assert len(files_in(root)) == 2
        parts.remove_stale(f"{root}/.parts", now=part.stat().st_mtime + 87_000)
        assert files_in(root) == []
