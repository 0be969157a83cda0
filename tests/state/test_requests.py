from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_assets.errors import StateError
from rs_assets.settings import StateSettings
from rs_assets.state import (
    RequestCounts,
    RequestRecord,
    Requests,
    RequestState,
    StateDatabase,
    SubmittedRequest,
    open_state,
)

NOW = datetime(2026, 11, 10, 12, 30, 15, 123_456, tzinfo=UTC)
COUNTS = RequestCounts(found=5, selected=4, staged=3, catalogued=2, gaps=1)
MINUTE = timedelta(minutes=1)


def accept(requests: Requests, *ids: str, priority: int = 0, at: datetime = NOW) -> None:
    """Accept requests."""
    for request_id in ids:
        requests.accept([SubmittedRequest(request_id, "d", priority, "adgs", "me")], at=at)


def ids(records: list[RequestRecord]) -> list[str]:
    """The ids of records."""
    return [record.id for record in records]


@pytest.fixture
def requests(database: StateDatabase) -> Requests:
    return Requests(database)


def test_a_request_is_accepted_as_pending(requests: Requests) -> None:
    requests.accept([SubmittedRequest("a", "d", 3, "adgs", "me")], at=NOW)

    assert requests.known(["a", "b"]) == {
        "a": RequestRecord(
            id="a",
            state=RequestState.PENDING,
            priority=3,
            source="adgs",
            requester="me",
            digest="d",
            attempt=1,
            batch=None,
            run_id=None,
            submitted_at=NOW,
            started_at=None,
            ended_at=None,
            message="",
            counts=RequestCounts(),
        )
    }


def test_accepting_what_is_known_changes_nothing(requests: Requests) -> None:
    accept(requests, "a")
    requests.ended("a", RequestState.ANSWERED, "told", COUNTS, NOW)
    before = requests.known(["a"])

    accept(requests, "a", priority=9, at=NOW + MINUTE)

    assert requests.known(["a"]) == before


def test_any_number_of_ids_can_be_asked_for(requests: Requests) -> None:
    accept(requests, "id0", "id1999")

    assert set(requests.known(f"id{number}" for number in range(2000))) == {"id0", "id1999"}
    assert requests.known([]) == {}


def test_the_pending_ones_come_by_priority_then_age_then_id(requests: Requests) -> None:
    accept(requests, "late", at=NOW + MINUTE)
    accept(requests, "b", "a")
    accept(requests, "low", priority=-1)
    accept(requests, "high", priority=1, at=NOW + MINUTE)

    assert ids(requests.pending(10)) == ["high", "a", "b", "late", "low"]
    assert ids(requests.pending(2)) == ["high", "a"]


def test_queued_requests_are_in_their_batch_in_the_order_given(requests: Requests) -> None:
    accept(requests, "a", "b", "c", "d")

    requests.queue(["c", "a"], "z-first")
    requests.queue(["d", "b"], "a-second")

    batches = requests.open_batches()
    assert [(batch, ids(records)) for batch, records in batches.items()] == [
        ("z-first", ["c", "a"]),
        ("a-second", ["d", "b"]),
    ]
    assert {record.state for record in batches["z-first"]} == {RequestState.QUEUED}
    assert requests.pending(10) == []


def test_only_a_pending_request_is_queued(requests: Requests) -> None:
    accept(requests, "a", "b")
    requests.queue(["a"], "one")
    requests.ended("b", RequestState.FAILED, "", COUNTS, NOW)

    requests.queue(["a", "b", "unheard-of"], "two")

    assert list(requests.open_batches()) == ["one"]


def test_a_batch_has_those_that_have_not_ended_and_is_open_while_there_are_any(requests: Requests) -> None:
    accept(requests, "a", "b")
    requests.queue(["a", "b"], "one")

    requests.ended("a", RequestState.PARTIAL, "", COUNTS, NOW)
    assert ids(requests.open_batches()["one"]) == ["b"]
    requests.ended("b", RequestState.FAILED, "", COUNTS, NOW)
    assert requests.open_batches() == {}


def test_its_run_and_its_end_are_kept(requests: Requests) -> None:
    accept(requests, "a")
    requests.queue(["a"], "one")

    requests.started("a", "run-1", at=NOW + MINUTE)
    requests.ended("a", RequestState.PARTIAL, "2 of 4", COUNTS, NOW + 2 * MINUTE)

    record = requests.known(["a"])["a"]
    assert (record.run_id, record.started_at) == ("run-1", NOW + MINUTE)
    assert (record.state, record.message, record.counts) == (RequestState.PARTIAL, "2 of 4", COUNTS)
    assert (record.ended_at, record.batch) == (NOW + 2 * MINUTE, "one")


def test_what_is_unknown_neither_starts_nor_ends(requests: Requests) -> None:
    with pytest.raises(StateError, match="no request 'a'"):
        requests.started("a", "run-1", at=NOW)
    with pytest.raises(StateError, match="no request 'a'"):
        requests.ended("a", RequestState.FAILED, "", COUNTS, NOW)


@pytest.mark.parametrize("state", [RequestState.PENDING, RequestState.QUEUED])
def test_a_request_ends_in_an_end_only(requests: Requests, state: RequestState) -> None:
    accept(requests, "a")

    with pytest.raises(ValueError, match=f"does not end as {state.value}"):
        requests.ended("a", state, "", COUNTS, NOW)


def test_queued_and_failed_requests_go_back_as_new_with_one_attempt_more(requests: Requests) -> None:
    accept(requests, "queued", "failed")
    fresh = requests.known(["queued", "failed"])
    requests.queue(["queued", "failed"], "one")
    for request_id in fresh:
        requests.started(request_id, "run-1", at=NOW)
    requests.ended("failed", RequestState.FAILED, "broken", COUNTS, NOW)

    assert requests.again(["queued", "failed"]) == ["queued", "failed"]

    for record in requests.known(fresh).values():
        assert (record.attempt, record.state, record.batch) == (2, RequestState.PENDING, None)
        assert (record.run_id, record.started_at, record.ended_at) == (None, None, None)
        assert (record.message, record.counts) == ("", RequestCounts())
    assert requests.open_batches() == {}


def test_pending_answered_and_unknown_requests_do_not_go_back(requests: Requests) -> None:
    accept(requests, "pending", "answered", "partial")
    requests.ended("answered", RequestState.ANSWERED, "", COUNTS, NOW)
    requests.ended("partial", RequestState.PARTIAL, "", COUNTS, NOW)
    before = requests.listed()

    assert requests.again(["pending", "answered", "partial", "unheard-of"]) == []

    assert requests.listed() == before


def test_the_newest_requests_are_listed_first(requests: Requests) -> None:
    accept(requests, "old", at=NOW - MINUTE)
    accept(requests, "a", "b")
    requests.ended("old", RequestState.ANSWERED, "", COUNTS, NOW)
    requests.queue(["a"], "one")

    assert ids(requests.listed()) == ["b", "a", "old"]
    assert ids(requests.listed(limit=1)) == ["b"]
    assert ids(requests.listed([RequestState.ANSWERED, RequestState.QUEUED])) == ["a", "old"]
    assert requests.listed([]) == []


def test_those_that_ended_long_ago_are_told(requests: Requests) -> None:
    accept(requests, "a", "b", "c", "again")
    requests.ended("a", RequestState.ANSWERED, "", COUNTS, NOW)
    requests.ended("b", RequestState.FAILED, "", COUNTS, NOW - MINUTE)
    requests.ended("again", RequestState.FAILED, "", COUNTS, NOW - MINUTE)
    requests.again(["again"])

    assert requests.ended_before(NOW, 10) == ["b"]
    assert requests.ended_before(NOW + MINUTE, 10) == ["b", "a"]


steps = st.lists(
    st.tuples(st.sampled_from(["accept", "queue", "end", "again"]), st.sampled_from("abcd")), min_size=1, max_size=12
)


@settings(max_examples=50, deadline=None)
@given(steps=steps)
def test_every_accepted_request_is_always_in_one_place(
    steps: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    requests = Requests(open_state(StateSettings(url=f"sqlite:///{tmp_path_factory.mktemp('state')}/state.sqlite")))
    accepted = set()
    for number, (step, request_id) in enumerate(steps):
        match step:
            case "accept":
                accept(requests, request_id)
                accepted.add(request_id)
            case "queue":
                requests.queue([request_id], f"batch-{number}")
            case "end" if request_id in accepted:
                requests.ended(request_id, RequestState.FAILED, "", COUNTS, NOW)
            case "again":
                requests.again([request_id])

    places = [
        *ids(requests.pending(10)),
        *(record.id for records in requests.open_batches().values() for record in records),
        *requests.ended_before(NOW + MINUTE, 10),
    ]
    assert sorted(places) == sorted(accepted)
