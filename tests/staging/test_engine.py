import asyncio
import errno
import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from rs_assets.items.files import FileState
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.settings import Retries
from rs_assets.staging.messages import Finished, Message, Moved, Paused, Placed, Retried, Started
from rs_assets.store.directory_sink import DirectorySink
from tests.files import file_at

from .fault_station import FaultStation, Reply, Request
from .rig import BEARING, LAX, SECRET, Tokens, content, files_in, md5, stage, transfer_of

BODY = b"bytes of a product" * 1000
KEY = "s1_aux/A/uuid-1/A.zip"
STAGED, PRESENT = FileState.STAGED, FileState.PRESENT
FAILED, EVICTED = FileState.FAILED, FileState.EVICTED


async def test_a_file_is_staged_under_its_key(station: FaultStation, sink: DirectorySink, root: Path) -> None:
    transfer = transfer_of(BODY, station.serve("/f", Reply(BODY)))
    (outcome,) = await stage(station, sink, [transfer])
    assert outcome.state is STAGED
    assert (outcome.key, outcome.size, outcome.digest, outcome.attempts) == (KEY, len(BODY), md5(BODY), 1)
    assert outcome.moved == len(BODY)
    assert content(outcome.href) == BODY
    assert files_in(root) == [KEY]


async def test_a_file_larger_than_a_batch_arrives_whole(station: FaultStation, sink: DirectorySink) -> None:
    body = os.urandom(3_500_001)
    (outcome,) = await stage(station, sink, [transfer_of(body, station.serve("/f", Reply(body)))])
    assert content(outcome.href) == body


async def test_an_empty_file_is_a_file(station: FaultStation, sink: DirectorySink) -> None:
    (outcome,) = await stage(station, sink, [transfer_of(b"", station.serve("/f", Reply()))])
    assert outcome.state is STAGED
    assert content(outcome.href) == b""


async def test_a_second_run_moves_nothing(station: FaultStation, sink: DirectorySink) -> None:
    transfer = transfer_of(BODY, station.serve("/f", Reply(BODY)))
    (first,) = await stage(station, sink, [transfer])
    (second,) = await stage(station, sink, [transfer])
    assert second.state is PRESENT
    assert (second.href, second.digest, second.moved, second.attempts) == (first.href, first.digest, 0, 0)
    assert len(station.requests) == 1


async def test_the_cheapest_digest_that_the_station_vouches_for_is_compared(
    station: FaultStation, sink: DirectorySink
) -> None:
    blake3 = Algorithm.BLAKE3.hasher()
    blake3.update(BODY)
    digests = (md5(b"never computed"), Digest(Algorithm.BLAKE3, blake3.hexdigest()))
    transfer = file_at(KEY, station.serve("/f", Reply(BODY)), len(BODY), digests)
    (outcome,) = await stage(station, sink, [transfer])
    assert (outcome.state, outcome.digest) == (STAGED, digests[1])


async def test_a_file_without_a_stated_digest_gets_one_of_our_own(station: FaultStation, sink: DirectorySink) -> None:
    (outcome,) = await stage(station, sink, [file_at(KEY, station.serve("/f", Reply(BODY)))])
    assert outcome.digest == await sink.digest(KEY, Algorithm.BLAKE3)


@pytest.mark.parametrize("reply", [Reply(BODY, cut=5000), Reply(BODY, cut=5000, reset=True), Reply(status=500)])
async def test_a_passing_fault_is_tried_again(station: FaultStation, sink: DirectorySink, reply: Reply) -> None:
    transfer = transfer_of(BODY, station.serve("/f", reply, reply, Reply(BODY)))
    (outcome,) = await stage(station, sink, [transfer])
    assert (outcome.state, outcome.attempts) == (STAGED, 3)
    assert content(outcome.href) == BODY


async def test_a_fault_that_stays_fails_after_the_last_attempt(
    station: FaultStation, sink: DirectorySink, root: Path
) -> None:
    transfer = transfer_of(BODY, station.serve("/f", Reply(BODY, cut=5000)))
    (outcome,) = await stage(station, sink, [transfer], retries=Retries(attempts=3, first_wait=0))
    assert (outcome.state, outcome.attempts, outcome.href) == (FAILED, 3, None)
    assert outcome.reason is not None
    assert "broke off" in outcome.reason
    assert files_in(root) == []


async def test_a_retry_after_of_zero_replaces_the_wait_of_the_settings(
    station: FaultStation, sink: DirectorySink
) -> None:
    busy = Reply(status=503, headers={"Retry-After": "0"})
    transfer = transfer_of(BODY, station.serve("/f", busy, Reply(BODY)))
    (outcome,) = await stage(station, sink, [transfer], retries=Retries(first_wait=1e6, max_wait=1e6))
    assert (outcome.state, outcome.attempts) == (STAGED, 2)


async def test_a_retry_after_is_waited_for_and_costs_no_attempt(station: FaultStation, sink: DirectorySink) -> None:
    busy = Reply(status=429, headers={"Retry-After": "0.1"})
    transfer = transfer_of(BODY, station.serve("/f", busy, busy, busy, Reply(BODY)))
    (outcome,) = await stage(station, sink, [transfer], retries=Retries(attempts=1))
    assert (outcome.state, outcome.attempts) == (STAGED, 4)
    times = [request.at for request in station.requests]
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(times))


async def test_a_station_that_stays_busy_is_given_up_when_patience_ends(
    station: FaultStation, sink: DirectorySink
) -> None:
    busy = Reply(status=429, headers={"Retry-After": "0.1"})
    (outcome,) = await stage(
        station, sink, [transfer_of(BODY, station.serve("/f", busy))], retries=Retries(busy_timeout=0.3)
    )
    assert outcome.state is FAILED
    assert "answers 429" in (outcome.reason or "")
    assert 1 < len(station.requests) <= 5


async def test_wrong_bytes_are_fetched_once_more_over_a_fresh_connection(
    station: FaultStation, sink: DirectorySink
) -> None:
    transfer = transfer_of(BODY, station.serve("/f", Reply(BODY[::-1]), Reply(BODY)))
    (outcome,) = await stage(station, sink, [transfer])
    assert (outcome.state, outcome.attempts) == (STAGED, 2)
    assert content(outcome.href) == BODY
    assert [request.connection for request in station.requests] == [1, 2]


async def test_bytes_that_stay_wrong_fail_with_both_checksums(
    station: FaultStation, sink: DirectorySink, root: Path
) -> None:
    transfer = transfer_of(BODY, station.serve("/f", Reply(BODY[::-1])))
    (outcome,) = await stage(station, sink, [transfer])
    assert (outcome.state, outcome.attempts) == (FAILED, 2)
    assert outcome.reason is not None
    assert md5(BODY).hex in outcome.reason
    assert md5(BODY[::-1]).hex in outcome.reason
    assert files_in(root) == []


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("sent", [b"short", b"much too long"])
async def test_a_wrong_size_fails_with_both_sizes(
    station: FaultStation, sink: DirectorySink, root: Path, sent: bytes, chunked: bool
) -> None:
    transfer = file_at(KEY, station.serve("/f", Reply(sent, chunked=chunked)), 7)
    (outcome,) = await stage(station, sink, [transfer])
    assert (outcome.state, outcome.attempts) == (FAILED, 2)
    assert outcome.reason is not None
    assert f"{len(sent)} bytes" in outcome.reason
    assert "states 7" in outcome.reason
    assert files_in(root) == []


async def test_a_content_length_that_is_already_wrong_moves_no_byte(station: FaultStation, sink: DirectorySink) -> None:
    (outcome,) = await stage(station, sink, [file_at(KEY, station.serve("/f", Reply(BODY)), 7)])
    assert (outcome.state, outcome.moved) == (FAILED, 0)


async def test_an_endless_body_ends_at_the_stated_size(station: FaultStation, sink: DirectorySink) -> None:
    endless = Reply(bytes(3_000_000), chunked=True, hold_at=2_500_000)
    (outcome,) = await stage(station, sink, [file_at(KEY, station.serve("/f", endless), 7)])
    assert outcome.state is FAILED
    assert "states 7" in (outcome.reason or "")


async def test_differences_may_be_borne_with_a_warning_and_a_second_run_still_moves_nothing(
    station: FaultStation, sink: DirectorySink
) -> None:
    transfer = file_at(KEY, station.serve("/f", Reply(BODY)), 7, (md5(b"other"),))
    for expected in (STAGED, PRESENT):
        (outcome,) = await stage(station, sink, [transfer], verification=BEARING)
        assert (outcome.state, outcome.key, outcome.digest) == (expected, KEY, md5(BODY))
        size_warning, checksum_warning = outcome.warnings
        assert "states 7" in size_warning
        assert md5(b"other").hex in checksum_warning
        assert content(outcome.href) == BODY
    assert len(station.requests) == 1


async def test_without_verification_the_digest_is_our_own_and_nothing_is_said(
    station: FaultStation, sink: DirectorySink
) -> None:
    transfer = file_at(KEY, station.serve("/f", Reply(BODY)), 7, (md5(b"other"),))
    (outcome,) = await stage(station, sink, [transfer], verification=LAX)
    assert (outcome.state, outcome.warnings) == (STAGED, ())
    assert outcome.digest is not None
    assert outcome.digest.algorithm is Algorithm.BLAKE3


@pytest.mark.parametrize("status", [404, 410])
async def test_what_the_station_has_no_more_is_evicted_and_not_asked_for_again(
    station: FaultStation, sink: DirectorySink, status: int
) -> None:
    (outcome,) = await stage(station, sink, [transfer_of(BODY, station.serve("/f", Reply(status=status)))])
    assert (outcome.state, outcome.attempts) == (EVICTED, 1)


async def test_one_bad_file_holds_no_good_one_back(station: FaultStation, sink: DirectorySink) -> None:
    bad = transfer_of(BODY, station.serve("/bad", Reply(status=403)), "c/bad/1/f")
    good = [transfer_of(BODY, station.serve(f"/{n}", Reply(BODY)), f"c/{n}/1/f") for n in range(5)]
    outcomes = await stage(station, sink, [*good[:2], bad, *good[2:]], concurrency=2)
    assert [outcome.state for outcome in outcomes] == [STAGED, STAGED, FAILED, STAGED, STAGED, STAGED]
    assert [outcome.source_href for outcome in outcomes] == [file.source_href for file in (*good[:2], bad, *good[2:])]


async def test_a_key_that_comes_twice_is_moved_once(station: FaultStation, sink: DirectorySink) -> None:
    transfer = transfer_of(BODY, station.serve("/f", Reply(BODY)))
    outcomes = await stage(station, sink, [transfer, transfer])
    assert [(outcome.state, outcome.moved) for outcome in outcomes] == [(STAGED, len(BODY)), (PRESENT, 0)]
    assert len(station.requests) == 1


async def test_other_content_under_a_taken_key_goes_beside_it(station: FaultStation, sink: DirectorySink) -> None:
    old = transfer_of(b"old", station.serve("/f", Reply(b"old"), Reply(BODY)))
    new = transfer_of(BODY, old.source_href)
    (first,) = await stage(station, sink, [old])
    beside = f"s1_aux/A/uuid-1~{md5(BODY).hex[:12]}/A.zip"
    for expected in (STAGED, PRESENT):
        (second,) = await stage(station, sink, [new])
        assert (second.state, second.key) == (expected, beside)
        assert content(second.href) == BODY
    assert content(first.href) == b"old"
    assert len(station.requests) == 2


async def test_without_a_digest_the_size_tells_the_new_content_from_the_old(
    station: FaultStation, sink: DirectorySink
) -> None:
    href = station.serve("/f", Reply(b"old"), Reply(BODY))
    await stage(station, sink, [file_at(KEY, href, 3)])
    (outcome,) = await stage(station, sink, [file_at(KEY, href, len(BODY))])
    assert outcome.key == f"s1_aux/A/uuid-1~{len(BODY)}/A.zip"


async def test_two_contents_of_one_key_in_one_run_are_both_kept(station: FaultStation, sink: DirectorySink) -> None:
    one = transfer_of(b"one", station.serve("/1", Reply(b"one")))
    two = transfer_of(b"two", station.serve("/2", Reply(b"two")))
    outcomes = await stage(station, sink, [one, two])
    assert [content(outcome.href) for outcome in outcomes] == [b"one", b"two"]


async def test_a_key_that_another_process_takes_meanwhile_is_kept_and_compared(
    station: FaultStation, sink: DirectorySink, root: Path
) -> None:
    def overtaken(request: Request) -> Reply:
        path = root / KEY
        path.parent.mkdir(parents=True)
        path.write_bytes(BODY)
        return Reply(BODY)

    (outcome,) = await stage(station, sink, [transfer_of(BODY, station.serve("/f", overtaken))])
    assert (outcome.state, outcome.moved) == (PRESENT, len(BODY))
    assert files_in(root) == [KEY]


async def test_a_key_that_another_process_takes_for_other_content_is_not_overwritten(
    station: FaultStation, sink: DirectorySink, root: Path
) -> None:
    def overtaken(request: Request) -> Reply:
        path = root / KEY
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"theirs")
        return Reply(BODY)

    (outcome,) = await stage(station, sink, [transfer_of(BODY, station.serve("/f", overtaken))])
    assert (root / KEY).read_bytes() == b"theirs"
    assert outcome.key != KEY
    assert content(outcome.href) == BODY


@pytest.mark.parametrize(
    "key", ["../a/1/f", "c/../../f", "/etc/1/f", "c//1/f", "c/a\\b/1/f", ".parts/a/1/f", "c/a/\0/f", "c/a/1/"]
)
async def test_a_key_that_could_leave_the_store_is_refused_before_the_station_is_asked(
    station: FaultStation, sink: DirectorySink, tmp_path: Path, key: str
) -> None:
    bad = transfer_of(BODY, station.serve("/f", Reply(BODY)), key)
    good = transfer_of(BODY, bad.source_href)
    outcomes = await stage(station, sink, [bad, good])
    assert [outcome.state for outcome in outcomes] == [FAILED, STAGED]
    assert len(station.requests) == 1
    assert files_in(tmp_path) == [f"store/{KEY}"]


async def test_no_more_files_are_moved_at_once_than_allowed(station: FaultStation, sink: DirectorySink) -> None:
    transfers = [transfer_of(BODY, station.serve(f"/{n}", Reply(BODY, hold_at=9)), f"c/{n}/1/f") for n in range(8)]
    station.crowd = 3
    running = asyncio.create_task(stage(station, sink, transfers, concurrency=3))
    await asyncio.wait_for(station.crowded.wait(), 5)
    station.release.set()
    assert {outcome.state for outcome in await running} == {STAGED}
    assert station.most_in_flight == 3


async def test_a_token_that_expires_is_renewed_without_losing_a_file(
    station: FaultStation, sink: DirectorySink
) -> None:
    def guarded(request: Request) -> Reply:
        return Reply(BODY) if request.headers["authorization"] == "Bearer new" else Reply(status=401)

    transfers = [transfer_of(BODY, station.serve(f"/{n}", guarded), f"c/{n}/1/f") for n in range(3)]
    outcomes = await stage(station, sink, transfers, credentials=Tokens("old", "new"), concurrency=1)
    assert {outcome.state for outcome in outcomes} == {STAGED}


async def test_after_refused_credentials_no_further_file_is_asked_for(
    station: FaultStation, sink: DirectorySink
) -> None:
    transfers = [transfer_of(BODY, station.serve(f"/{n}", Reply(status=401)), f"c/{n}/1/f") for n in range(50)]
    outcomes = await stage(station, sink, transfers, credentials=Tokens(SECRET), concurrency=2)
    assert {outcome.state for outcome in outcomes} == {FAILED}
    assert len(station.requests) <= 4
    assert all("credentials are refused" in (outcome.reason or "") for outcome in outcomes)
    assert SECRET not in repr(outcomes)


async def test_files_that_are_present_are_found_even_when_the_credentials_are_refused(
    station: FaultStation, sink: DirectorySink
) -> None:
    present = transfer_of(BODY, station.serve("/0", Reply(BODY)), "c/0/1/f")
    await stage(station, sink, [present])
    refused = transfer_of(BODY, station.serve("/1", Reply(status=401)), "c/1/1/f")
    outcomes = await stage(station, sink, [refused, present], concurrency=1)
    assert [outcome.state for outcome in outcomes] == [FAILED, PRESENT]


async def test_a_station_that_is_down_is_not_asked_for_every_file(station: FaultStation, sink: DirectorySink) -> None:
    transfers = [transfer_of(BODY, station.serve(f"/{n}", Reply(status=503)), f"c/{n}/1/f") for n in range(100)]
    outcomes = await stage(station, sink, transfers, concurrency=2, retries=Retries(attempts=2, first_wait=0))
    assert {outcome.state for outcome in outcomes} == {FAILED}
    assert len(station.requests) < 30
    assert "503" in (outcomes[-1].reason or "")


async def test_a_few_unavailable_files_do_not_close_a_station_that_serves_others(
    station: FaultStation, sink: DirectorySink
) -> None:
    busy, fine = Reply(status=503), Reply(BODY)
    replies = [busy, busy, fine] * 4
    transfers = [transfer_of(BODY, station.serve(f"/{n}", reply), f"c/{n}/1/f") for n, reply in enumerate(replies)]
    outcomes = await stage(station, sink, transfers, concurrency=1, retries=Retries(attempts=1))
    assert [outcome.state.in_store for outcome in outcomes] == [reply is fine for reply in replies]


async def test_a_wait_for_the_next_attempt_ends_when_the_station_is_closed(
    station: FaultStation, sink: DirectorySink
) -> None:
    busy = Reply(status=503, headers={"Retry-After": "3600"}, late=True)
    waiting = transfer_of(BODY, station.serve("/busy", busy), "c/a/1/f")
    refused = transfer_of(BODY, station.serve("/refused", Reply(status=401, late=True)), "c/b/1/f")
    station.crowd = 2
    running = asyncio.create_task(stage(station, sink, [waiting, refused]))
    await asyncio.wait_for(station.crowded.wait(), 5)
    station.release.set()
    assert [outcome.state for outcome in await running] == [FAILED, FAILED]
    assert len(station.asked("/busy")) == 1


async def test_products_that_always_fail_do_not_close_the_station(station: FaultStation, sink: DirectorySink) -> None:
    broken = [transfer_of(BODY, station.serve(f"/{n}", Reply(status=500)), f"c/{n}/1/f") for n in range(20)]
    good = transfer_of(BODY, station.serve("/good", Reply(BODY)))
    outcomes = await stage(station, sink, [*broken, good], concurrency=1, retries=Retries(attempts=1))
    assert outcomes[-1].state is STAGED


async def test_a_full_store_fails_the_rest_without_asking_the_station(
    station: FaultStation, sink: DirectorySink, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    body = BODY * 100
    transfers = [transfer_of(body, station.serve(f"/{n}", Reply(body)), f"c/{n}/1/f") for n in range(20)]
    outcomes = await stage(station, sink, transfers, concurrency=1)
    assert {outcome.state for outcome in outcomes} == {FAILED}
    assert all("No space left on device" in (outcome.reason or "") for outcome in outcomes)
    assert len(station.requests) == 1
    assert files_in(root) == []


async def test_a_cancellation_ends_within_a_second_and_removes_the_parts(
    station: FaultStation, sink: DirectorySink, root: Path
) -> None:
    body = bytes(4_000_000)
    held = Reply(body, hold_at=3_000_000)
    transfers = [transfer_of(body, station.serve(f"/{n}", held), f"c/{n}/1/f") for n in range(3)]
    moving: set[str] = set()
    all_moving = asyncio.Event()

    def note(message: Message) -> None:
        if isinstance(message, Moved):
            moving.add(message.key)
        if len(moving) == 3:
            all_moving.set()

    running = asyncio.create_task(stage(station, sink, transfers, progress=note))
    await asyncio.wait_for(all_moving.wait(), 5)
    assert len(files_in(root)) == 3
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 1)
    assert files_in(root) == []
    await asyncio.wait_for(station.hung_up.wait(), 1)


async def test_a_cancellation_ends_a_wait_for_the_next_attempt(station: FaultStation, sink: DirectorySink) -> None:
    asked = asyncio.Event()

    def busy(request: Request) -> Reply:
        asked.set()
        return Reply(status=503, headers={"Retry-After": "3600"})

    transfer = transfer_of(BODY, station.serve("/f", busy))
    running = asyncio.create_task(stage(station, sink, [transfer], retries=Retries(max_wait=3600)))
    await asyncio.wait_for(asked.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 1)


async def test_a_fault_that_nobody_foresaw_fails_one_file_only(
    station: FaultStation, sink: DirectorySink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Tokens):
        async def headers(self) -> Mapping[str, str]:
            if not station.requests:
                station.requests.append(Request("/", {}, 0, 0))
                raise RuntimeError("a bug")
            return await super().headers()

    transfers = [transfer_of(BODY, station.serve(f"/{n}", Reply(BODY)), f"c/{n}/1/f") for n in range(2)]
    outcomes = await stage(station, sink, transfers, credentials=Broken(SECRET), concurrency=1)
    failed, staged = sorted(outcomes, key=lambda outcome: outcome.state)
    assert (failed.state, staged.state) == (FAILED, STAGED)
    assert "RuntimeError" in (failed.reason or "")
    assert "a bug" in caplog.text


async def test_progress_tells_the_beginning_every_byte_and_every_outcome(
    station: FaultStation, sink: DirectorySink
) -> None:
    body = bytes(2_500_000)
    transfers = [transfer_of(body, station.serve(f"/{n}", Reply(body)), f"c/{n}/1/f") for n in range(2)]
    messages: list[Message] = []
    outcomes = await stage(station, sink, transfers, progress=messages.append)
    assert messages[0] == Started(2, 5_000_000)
    assert sum(message.bytes for message in messages if isinstance(message, Moved)) == 5_000_000
    finished = [message.file for message in messages if isinstance(message, Finished)]
    assert sorted(finished, key=lambda outcome: outcome.object_key) == outcomes


@pytest.mark.parametrize(
    "replies",
    [
        [Reply(BODY, cut=7), Reply(BODY)],
        [Reply(BODY[::-1]), Reply(BODY)],
        [Reply(BODY, cut=7, headers={"ETag": '"old"'}), Reply(BODY, headers={"ETag": '"new"'})],
    ],
    ids=["cut", "wrong", "changed"],
)
async def test_progress_tells_what_came_in_vain(
    station: FaultStation, sink: DirectorySink, replies: list[Reply]
) -> None:
    messages: list[Message] = []
    await stage(station, sink, [transfer_of(BODY, station.serve("/f", *replies))], progress=messages.append)

    there = 0
    for message in messages:
        if isinstance(message, Placed):
            there = message.bytes
        elif isinstance(message, Moved):
            there += message.bytes
        assert there <= len(BODY)
    assert there == len(BODY)
    assert len([message for message in messages if isinstance(message, Retried)]) == 1


async def test_progress_tells_how_long_a_busy_station_is_left_alone(station: FaultStation, sink: DirectorySink) -> None:
    href = station.serve("/f", Reply(status=429, headers={"Retry-After": "0.1"}), Reply(BODY))
    messages: list[Message] = []
    await stage(station, sink, [transfer_of(BODY, href)], progress=messages.append)

    assert [type(message) for message in messages] == [Started, Placed, Paused, Moved, Finished]


async def test_nothing_to_stage_is_no_fault(station: FaultStation, sink: DirectorySink) -> None:
    assert await stage(station, sink, []) == []
