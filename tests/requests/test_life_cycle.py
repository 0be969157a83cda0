"""From the inbox into batches and to an end, with crashes on the way."""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from rs_assets.errors import StateError, StoreError
from rs_assets.ingest import Platform
from rs_assets.requests import Inbox, RequestError, begin, end, give_back, plan, retry, take_in
from rs_assets.requests.life_cycle import MOST_ATTEMPTS
from rs_assets.state import RequestCounts, Requests, RequestState, SubmittedRequest
from rs_assets.store import Documents
from tests.requests.samples import NOW, asked, content_of, crashes, quiet_platform

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    """An installation that asks no station."""
    return quiet_platform(tmp_path)


@pytest.fixture
def platforms(tmp_path: Path) -> Callable[[], Platform]:
    """Makes a new installation with each call."""
    numbers = count()

    def make() -> Platform:
        return quiet_platform(tmp_path / f"installation_{next(numbers)}")

    return make


def store_of(platform: Platform) -> Path:
    """The directory of the store."""
    return Path(platform.settings.store.place)


def drop(platform: Platform, name: str, content: bytes = b"junk") -> Path:
    """Put a file into the inbox by hand."""
    path = store_of(platform) / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def accepted(platform: Platform, *ids: str, **more: object) -> None:
    """File requests and take them in, one after the other."""
    for request_id in ids:
        Inbox(platform.documents).file(asked(**more), request_id)
        assert request_id in take_in(platform, NOW).accepted


def ended(platform: Platform, request_id: str, state: RequestState = RequestState.ANSWERED) -> None:
    """End a request."""
    request = Inbox(platform.documents).read(request_id)
    end(platform, request_id, request, state, "told", RequestCounts(found=2), LATER)


def state_of(platform: Platform, request_id: str) -> RequestState:
    """How far a request has come."""
    return Requests(platform.state).known([request_id])[request_id].state


def test_a_request_in_the_inbox_is_accepted_once_and_stays_there(platform: Platform) -> None:
    request = asked(priority=7, requester="L0 chain")
    Inbox(platform.documents).file(request, "a")

    assert take_in(platform, NOW).accepted == ("a",)
    assert take_in(platform, LATER).accepted == ()

    [record] = Requests(platform.state).pending(10)
    assert (record.id, record.state, record.attempt) == ("a", RequestState.PENDING, 1)
    assert (record.priority, record.source, record.requester) == (7, "adgs", "L0 chain")
    assert (record.digest, record.submitted_at) == (request.digest, NOW)
    assert Inbox(platform.documents).ids() == ["a"]


def test_a_request_dropped_by_hand_is_accepted(platform: Platform) -> None:
    drop(
        platform,
        "by-hand.json",
        b'\xef\xbb\xbf{"source": "catalog", "filter": "id = \'x\'"}\r\n',
    )

    assert take_in(platform, NOW).accepted == ("by-hand",)


def test_what_is_no_request_is_rejected_with_every_reason(platform: Platform) -> None:
    drop(platform, "junk.json", b"\x00\xff")
    drop(platform, "notes.txt", b"buy milk")
    drop(platform, "two problems.json", b"{}")
    drop(platform, "wrong.json", b'{"source": "agds", "product_types": ["X"], "limit": 0}')
    drop(platform, "strange.json", b'{"source": "elsewhere", "filter": "a = 1", "mission": "S9"}')
    with drop(platform, "huge.json").open("wb") as file:
        file.truncate(2_000_000)

    taken = take_in(platform, NOW)

    reasons = {rejection.name: " | ".join(rejection.reasons) for rejection in taken.rejected}
    assert sorted(reasons) == sorted(
        ["huge.json", "junk.json", "notes.txt", "strange.json", "two problems.json", "wrong.json"]
    )
    assert "not JSON" in reasons["junk.json"] or "not text" in reasons["junk.json"]
    assert "expected <id>.json" in reasons["notes.txt"]
    assert "limit: " in reasons["wrong.json"]
    assert "start: missing" in reasons["wrong.json"]
    assert "source: 'elsewhere' is not known; known are adgs, catalog | mission: 'S9'" in reasons["strange.json"]
    assert "2000000 bytes" in reasons["huge.json"]
    assert (taken.accepted, taken.waiting, taken.cleaned) == ((), (), ())
    assert Inbox(platform.documents).names() == []
    assert (store_of(platform) / "rejected" / "notes.txt").read_bytes() == b"buy milk"
    assert Requests(platform.state).listed() == []


def test_a_name_that_cannot_be_printed_is_told_in_a_way_that_can(platform: Platform) -> None:
    drop(platform, os.fsdecode(b"\xff\n.json"))

    [rejection] = take_in(platform, NOW).rejected

    assert rejection.name == "\\udcff\\n.json"


@pytest.mark.parametrize("content", [b"", b'{"source": "ad'])
def test_a_file_that_is_still_being_written_is_left_until_it_is_whole_or_stays_broken(
    platform: Platform, content: bytes
) -> None:
    path = drop(platform, "a.json", content)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)

    assert take_in(platform, written + timedelta(seconds=4)).waiting == ("a.json",)
    assert path.read_bytes() == content
    assert [rejection.name for rejection in take_in(platform, written + timedelta(seconds=6)).rejected] == ["a.json"]


def test_folders_and_hidden_files_are_left_alone(platform: Platform) -> None:
    (store_of(platform) / "inbox" / "folder.json").mkdir(parents=True)
    hidden = drop(platform, ".a.json.swp")

    taken = take_in(platform, NOW)

    assert (taken.accepted, taken.rejected, taken.waiting) == ((), (), ())
    assert hidden.exists()


def test_a_file_that_cannot_be_read_holds_no_other_back(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for request_id in "abc":
        Inbox(platform.documents).file(asked(), request_id)
    read_bytes = Documents.read_bytes

    def unreadable(documents: Documents, path: str) -> bytes | None:
        if path == "inbox/b.json":
            raise StoreError(f"{path} cannot be read: Permission denied")
        return read_bytes(documents, path)

    monkeypatch.setattr(Documents, "read_bytes", unreadable)
    with caplog.at_level(logging.WARNING):
        taken = take_in(platform, NOW)

    assert (taken.accepted, taken.waiting) == (("a", "c"), ("b.json",))
    assert "inbox/b.json cannot be read: Permission denied" in caplog.text


def test_a_file_that_is_taken_away_meanwhile_is_no_error(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(platform, "a.json").unlink()
    monkeypatch.setattr(Documents, "names", lambda *_: ["a.json"])

    taken = take_in(platform, NOW)

    assert (taken.accepted, taken.rejected, taken.waiting) == ((), (), ())


def test_files_that_are_known_are_not_read_again(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted(platform, "a", "b")
    plan(platform, batch_size=1, max_batches=1)
    monkeypatch.delattr(Documents, "read_bytes")

    assert take_in(platform, LATER).accepted == ()


def test_an_ended_request_leaves_the_inbox_and_stays_beside_its_result(platform: Platform) -> None:
    accepted(platform, "a")

    ended(platform, "a", RequestState.PARTIAL)

    assert Inbox(platform.documents).ids() == []
    assert Inbox(platform.documents).is_archived("a")
    record = Requests(platform.state).known(["a"])["a"]
    assert (record.state, record.message, record.ended_at) == (RequestState.PARTIAL, "told", LATER)
    assert record.counts == RequestCounts(found=2)


def test_the_same_request_dropped_again_after_its_end_is_cleaned_away(platform: Platform) -> None:
    accepted(platform, "a")
    ended(platform, "a")
    drop(platform, "a.json", (store_of(platform) / "requests" / "a" / "request.json").read_bytes())

    assert take_in(platform, LATER).cleaned == ("a",)
    assert Inbox(platform.documents).ids() == []
    assert state_of(platform, "a") is RequestState.ANSWERED


def test_a_request_that_ended_without_its_document_is_kept_when_it_is_cleaned_away(platform: Platform) -> None:
    accepted(platform, "a")
    end(platform, "a", None, RequestState.FAILED, "unreadable", RequestCounts(), LATER)

    assert take_in(platform, LATER).cleaned == ("a",)
    assert Inbox(platform.documents).read("a") == asked()


def test_another_request_under_an_id_that_is_used_is_rejected(platform: Platform) -> None:
    accepted(platform, "a")
    ended(platform, "a")
    drop(platform, "a.json", b'{"source": "catalog", "filter": "id = \'x\'"}')

    [rejection] = take_in(platform, LATER).rejected

    assert rejection.reasons[0].startswith("the id 'a' is used by another request, answered since 2026-11-10T12:01:00Z")
    assert Inbox(platform.documents).read("a") == asked()


def test_what_took_the_place_of_a_request_while_it_was_answered_is_not_lost(platform: Platform) -> None:
    accepted(platform, "a")
    request = Inbox(platform.documents).read("a")
    other = b'{"source": "catalog", "filter": "id = \'x\'"}'
    drop(platform, "a.json", other)

    end(platform, "a", request, RequestState.ANSWERED, "told", RequestCounts(), LATER)
    take_in(platform, LATER)

    assert (store_of(platform) / "rejected" / "a.json").read_bytes() == other
    assert Inbox(platform.documents).read("a") == request


def test_only_a_known_request_can_end(platform: Platform) -> None:
    with pytest.raises(StateError, match="no request 'a'"):
        end(platform, "a", None, RequestState.FAILED, "", RequestCounts(), NOW)


def test_batches_are_filled_by_priority_then_in_the_order_of_submission(platform: Platform) -> None:
    accepted(platform, "c", "a", "b")
    accepted(platform, "urgent", priority=10)
    accepted(platform, "patient", priority=-10)

    first, second, third = plan(platform, batch_size=2, max_batches=5)

    assert first.request_ids == ("urgent", "a")
    assert second.request_ids == ("b", "c")
    assert third.request_ids == ("patient",)
    assert (first.priority, second.priority, first.attempt) == (10, 0, 1)
    assert len({first.id, second.id, third.id}) == 3
    assert Requests(platform.state).pending(10) == []


def test_no_more_batches_are_open_than_allowed_so_that_urgent_ones_overtake(platform: Platform) -> None:
    accepted(platform, "a", "b", "c")
    [first, second] = plan(platform, batch_size=1, max_batches=2)
    accepted(platform, "urgent", priority=10)

    assert plan(platform, batch_size=1, max_batches=2) == [first, second]
    ended(platform, "a")
    assert [batch.request_ids for batch in plan(platform, batch_size=1, max_batches=2)] == [("b",), ("urgent",)]
    assert plan(platform, batch_size=1, max_batches=0) == plan(platform, batch_size=1, max_batches=1)


def test_a_batch_is_told_until_its_last_request_has_ended(platform: Platform) -> None:
    accepted(platform, "a", "b")
    [batch] = plan(platform, batch_size=2, max_batches=1)

    ended(platform, "a")
    [left] = plan(platform, batch_size=2, max_batches=1)
    ended(platform, "b")

    assert (left.id, left.request_ids) == (batch.id, ("b",))
    assert plan(platform, batch_size=2, max_batches=1) == []


def test_what_a_run_left_unanswered_is_tried_again_in_another_batch(platform: Platform) -> None:
    accepted(platform, "a", "b")
    [batch] = plan(platform, batch_size=2, max_batches=1)
    ended(platform, "a", RequestState.FAILED)

    give_back(platform, batch.id, reason="the run died", at=LATER)
    accepted(platform, "c", priority=-1)
    [again, new] = plan(platform, batch_size=2, max_batches=2)

    assert state_of(platform, "a") is RequestState.FAILED
    assert (again.request_ids, again.attempt) == (("b",), 2)
    assert again.id != batch.id
    assert (new.request_ids, new.attempt) == (("c",), 1)


def test_a_request_has_its_last_attempt_alone_and_then_fails(platform: Platform) -> None:
    accepted(platform, "a", "b")
    for attempt in range(1, MOST_ATTEMPTS):
        [batch] = plan(platform, batch_size=10, max_batches=5)
        assert (batch.request_ids, batch.attempt) == (("a", "b"), attempt)
        give_back(platform, batch.id, reason="the run died", at=LATER)

    first, second = plan(platform, batch_size=10, max_batches=5)
    assert (first.request_ids, second.request_ids) == (("a",), ("b",))
    give_back(platform, first.id, reason="the run died", at=LATER)

    record = Requests(platform.state).known(["a"])["a"]
    assert (record.state, record.message) == (RequestState.FAILED, "given up at attempt 3: the run died")
    assert plan(platform, batch_size=10, max_batches=5) == [second]
    assert Inbox(platform.documents).ids() == ["b"]


def test_a_request_that_can_be_read_no_more_can_still_be_given_up(platform: Platform) -> None:
    accepted(platform, "a")
    drop(platform, "a.json", b"junk")
    for _ in range(MOST_ATTEMPTS):
        [batch] = plan(platform, batch_size=1, max_batches=1)
        give_back(platform, batch.id, reason="the run died", at=LATER)

    assert state_of(platform, "a") is RequestState.FAILED
    assert [rejection.name for rejection in take_in(platform, LATER).rejected] == ["a.json"]


def test_a_run_that_begins_is_noted_and_reads_the_request(platform: Platform) -> None:
    accepted(platform, "a", priority=3)

    assert begin(platform, "a", run_id="run-1", at=LATER) == asked(priority=3)

    record = Requests(platform.state).known(["a"])["a"]
    assert (record.run_id, record.started_at) == ("run-1", LATER)


def test_a_request_that_is_gone_or_broken_when_its_run_begins_has_failed(platform: Platform) -> None:
    accepted(platform, "gone", "broken")
    (store_of(platform) / "inbox" / "gone.json").unlink()
    drop(platform, "broken.json", b"{}")

    for request_id, problem in (("gone", "there is no request 'gone'"), ("broken", "source: missing")):
        with pytest.raises(RequestError, match=problem):
            begin(platform, request_id, run_id="run-1", at=LATER)
        record = Requests(platform.state).known([request_id])[request_id]
        assert record.state is RequestState.FAILED
        assert problem in record.message


def test_a_request_whose_source_the_settings_have_lost_fails_when_its_run_begins(platform: Platform) -> None:
    Inbox(platform.documents).file(asked(source="lost"), "a")
    Requests(platform.state).accept([SubmittedRequest("a", "", 0, "lost", "")], at=NOW)

    with pytest.raises(RequestError, match="'lost' is not known"):
        begin(platform, "a", run_id="run-1", at=LATER)

    assert state_of(platform, "a") is RequestState.FAILED
    assert Inbox(platform.documents).is_archived("a")


def test_a_run_cannot_begin_what_was_never_accepted(platform: Platform) -> None:
    with pytest.raises(RequestError, match="no request 'a'"):
        begin(platform, "a", run_id="run-1", at=LATER)


def test_a_failed_request_is_sent_back_with_its_document(platform: Platform) -> None:
    accepted(platform, "a", priority=4)
    ended(platform, "a", RequestState.FAILED)

    retry(platform, "a")

    assert Inbox(platform.documents).ids() == ["a"]
    assert take_in(platform, LATER).cleaned == ()
    [batch] = plan(platform, batch_size=1, max_batches=1)
    assert (batch.request_ids, batch.attempt) == (("a",), 2)


def test_only_a_failed_request_is_sent_back(platform: Platform) -> None:
    accepted(platform, "a")

    with pytest.raises(RequestError, match="'a' is pending; only a failed one"):
        retry(platform, "a")
    ended(platform, "a")
    with pytest.raises(RequestError, match="'a' is answered; only a failed one"):
        retry(platform, "a")
    with pytest.raises(RequestError, match="no request 'b'"):
        retry(platform, "b")


def full_inbox(platform: Platform) -> None:
    """An inbox with a file for each thing that can become of one."""
    accepted(platform, "same", "other", "broken")
    for request_id in ("same", "other", "broken"):
        ended(platform, request_id)
    Inbox(platform.documents).restore("same")
    drop(platform, "other.json", b'{"source": "catalog", "filter": "id = \'x\'"}')
    drop(platform, "broken.json", b"{}")
    drop(platform, "new.json", b'{"source": "catalog", "filter": "id = \'y\'"}')
    drop(platform, "notes.txt", b"buy milk")


def outcome(platform: Platform) -> object:
    """All that is in the store and in the state."""
    return content_of(store_of(platform)), Requests(platform.state).listed()


def test_taking_in_ends_the_same_wherever_it_was_interrupted(platforms: Callable[[], Platform]) -> None:
    def prepared() -> Platform:
        platform = platforms()
        full_inbox(platform)
        return platform

    undisturbed = prepared()
    take_in(undisturbed, NOW)
    interruptions = 0
    for platform in crashes(lambda platform: take_in(platform, NOW), prepared):
        take_in(platform, NOW)
        assert outcome(platform) == outcome(undisturbed)
        interruptions += 1

    assert interruptions == 2 * (3 * 3 + 1 + 1)


def test_an_end_is_the_same_wherever_it_was_interrupted(platforms: Callable[[], Platform]) -> None:
    def prepared() -> Platform:
        platform = platforms()
        accepted(platform, "a")
        return platform

    undisturbed = prepared()
    ended(undisturbed, "a")
    interruptions = 0
    for platform in crashes(lambda platform: ended(platform, "a"), prepared):
        assert Inbox(platform.documents).read("a") == asked()
        if not state_of(platform, "a").is_ended:
            assert Inbox(platform.documents).ids() == ["a"]
            ended(platform, "a")
        take_in(platform, LATER)
        assert outcome(platform) == outcome(undisturbed)
        interruptions += 1

    assert interruptions == 2 * 3


def test_no_request_is_in_two_batches_or_in_none_wherever_planning_was_interrupted(
    platforms: Callable[[], Platform],
) -> None:
    def prepared() -> Platform:
        platform = platforms()
        accepted(platform, *"abcde")
        return platform

    def planned(platform: Platform) -> list[tuple[str, ...]]:
        return [batch.request_ids for batch in plan(platform, batch_size=2, max_batches=9)]

    for platform in crashes(planned, prepared):
        assert planned(platform) == [("a", "b"), ("c", "d"), ("e",)]


def test_a_request_is_not_lost_wherever_sending_it_back_was_interrupted(platforms: Callable[[], Platform]) -> None:
    def prepared() -> Platform:
        platform = platforms()
        accepted(platform, "a")
        ended(platform, "a", RequestState.FAILED)
        return platform

    for platform in crashes(lambda platform: retry(platform, "a"), prepared):
        take_in(platform, LATER)
        assert Inbox(platform.documents).read("a") == asked()
        if state_of(platform, "a") is RequestState.FAILED:
            retry(platform, "a")
        assert Requests(platform.state).known(["a"])["a"].attempt == 2
        assert [batch.request_ids for batch in plan(platform, batch_size=1, max_batches=1)] == [("a",)]
