from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rs_assets.items.files import FileState
from rs_assets.state import FileFailure, Outcomes, Resolution, StateDatabase
from tests.files import file_at

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PAUSE = timedelta(minutes=15)


@pytest.fixture
def outcomes(database: StateDatabase) -> Outcomes:
    return Outcomes(database)


def failure(
    asset: str = "A.zip", *, at: datetime = NOW, state: str = "failed", source_id: str = "1", reason: str = "too short"
) -> FileFailure:
    """A failure; one that can be tried again is due at once, as the recorder has it say."""
    file = replace(
        file_at(f"s1_aux/{asset.rpartition('.')[0]}/{source_id}/{asset}"),
        state=FileState(state),
        reason=reason,
        attempts=4,
    )
    return FileFailure(
        file,
        owner="adgs",
        partition="2026-11-01|S1",
        failed_first=at,
        failed_last=at,
        next_try=at if state == "failed" else None,
    )


def fails(outcomes: Outcomes, *failed: FileFailure, at: datetime = NOW) -> None:
    outcomes.record(failed=failed, resolved=[], at=at, pause=PAUSE)


def resolved(outcomes: Outcomes, *states: str, asset: str = "A.zip", at: datetime = NOW) -> None:
    done = Resolution("s1_aux", asset.rpartition(".")[0], asset, "staged", frozenset(map(FileState, states)))
    outcomes.record(failed=[], resolved=[done], at=at, pause=PAUSE)


def test_a_failure_is_kept_as_it_was_until_it_is_resolved(outcomes: Outcomes) -> None:
    fails(outcomes, failure())

    assert outcomes.outstanding("adgs") == [replace(failure(), next_try=NOW + PAUSE)]

    resolved(outcomes, "failed")
    assert outcomes.outstanding("adgs") == []


def test_a_file_that_fails_again_adds_up_its_attempts_and_keeps_its_first_time(outcomes: Outcomes) -> None:
    later = NOW + PAUSE
    fails(outcomes, failure())
    fails(outcomes, failure(at=later, reason="adgs: no answer"), at=later)

    (found,) = outcomes.outstanding("adgs")

    assert (found.file.attempts, found.failed_first, found.failed_last) == (8, NOW, later)
    assert found.file.reason == "adgs: no answer"


def test_the_next_try_is_twice_as_far_away_with_every_run_up_to_a_day(outcomes: Outcomes) -> None:
    pauses = []
    at = NOW
    for _ in range(9):
        fails(outcomes, failure(at=at), at=at)
        next_try = outcomes.outstanding("adgs")[0].next_try
        assert next_try is not None
        pauses.append(next_try - at)
        at = next_try

    assert pauses == [PAUSE * factor for factor in (1, 2, 4, 8, 16, 32, 64)] + [timedelta(days=1)] * 2


@pytest.mark.parametrize("state", ["evicted", "clash"])
def test_what_cannot_be_helped_has_no_next_try(outcomes: Outcomes, state: str) -> None:
    fails(outcomes, failure(state=state))

    assert outcomes.outstanding("adgs")[0].next_try is None
    assert outcomes.due("adgs", NOW + timedelta(days=365)) == {}


def test_a_failure_after_a_resolution_starts_anew(outcomes: Outcomes) -> None:
    fails(outcomes, failure())
    resolved(outcomes, "failed")
    later = NOW + timedelta(days=3)
    fails(outcomes, failure(at=later), at=later)

    assert outcomes.outstanding("adgs") == [replace(failure(at=later), next_try=later + PAUSE)]


def test_a_resolution_reaches_only_the_failures_of_its_states(outcomes: Outcomes) -> None:
    fails(outcomes, failure(state="uncatalogued"), failure("B.zip"))

    resolved(outcomes, "failed", "evicted")
    assert len(outcomes.outstanding("adgs")) == 2

    resolved(outcomes, "uncatalogued")
    assert [found.file.asset for found in outcomes.outstanding("adgs")] == ["B.zip"]


def test_a_file_that_is_all_right_resolves_the_failures_of_its_older_publications(outcomes: Outcomes) -> None:
    fails(outcomes, failure(source_id="1"), failure(source_id="2"))

    resolved(outcomes, "failed")

    assert outcomes.outstanding("adgs") == []


def test_a_file_that_fails_in_the_run_that_resolves_its_older_failure_stays(outcomes: Outcomes) -> None:
    fails(outcomes, failure(source_id="1"))
    done = Resolution("s1_aux", "A", "A.zip", "superseded", frozenset({FileState.FAILED}))
    outcomes.record(failed=[failure(source_id="2")], resolved=[done], at=NOW, pause=PAUSE)

    assert [found.file.source_id for found in outcomes.outstanding("adgs")] == ["2"]


@pytest.mark.parametrize("name", ["A", "A.zip"])
def test_a_failure_is_accepted_by_hand_by_item_or_file(outcomes: Outcomes, name: str) -> None:
    fails(outcomes, failure(state="evicted"), failure("B.zip"))

    assert outcomes.accept("adgs", name, why="gone for good", at=NOW) == 1
    assert outcomes.accept("adgs", name, why="again", at=NOW) == 0
    assert outcomes.accept("other", "B", why="another station", at=NOW) == 0
    assert [found.file.asset for found in outcomes.outstanding("adgs")] == ["B.zip"]


def test_outstanding_failures_are_the_oldest_first_and_of_the_partitions_asked_for(outcomes: Outcomes) -> None:
    old = replace(failure("Z.zip", at=NOW - timedelta(hours=1)), partition="2026-10-31|S1")
    fails(outcomes, failure(), old)

    assert [found.file.asset for found in outcomes.outstanding("adgs")] == ["Z.zip", "A.zip"]
    assert [found.file.asset for found in outcomes.outstanding("adgs", ["2026-11-01|S1"])] == ["A.zip"]
    assert outcomes.outstanding("adgs", []) == outcomes.outstanding("other") == []


def test_a_partition_is_due_with_the_last_try_of_its_files_that_has_come(outcomes: Outcomes) -> None:
    fails(outcomes, failure())
    fails(outcomes, failure("B.zip", at=NOW + PAUSE), at=NOW + PAUSE)

    assert outcomes.due("adgs", NOW) == {}
    assert outcomes.due("adgs", NOW + PAUSE) == {"2026-11-01|S1": NOW + PAUSE}
    assert outcomes.due("adgs", NOW + 2 * PAUSE) == {"2026-11-01|S1": NOW + 2 * PAUSE}


def test_which_files_were_accepted_as_lost_is_known(outcomes: Outcomes) -> None:
    fails(outcomes, failure(state="evicted"), failure("B.zip", state="evicted", source_id="2"))
    fails(outcomes, failure("C.zip", source_id="3"))
    outcomes.accept("adgs", "A.zip", why="lost", at=NOW)
    outcomes.accept("adgs", "C.zip", why="lost", at=NOW)

    assert outcomes.accepted("adgs", {"1", "2", "3"}, FileState.EVICTED) == {"1"}
    assert outcomes.accepted("adgs", {"2"}, FileState.EVICTED) == set()
    assert outcomes.accepted("other", {"1"}, FileState.EVICTED) == set()
