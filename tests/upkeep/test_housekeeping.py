"""What has ended long ago is removed, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from rs_assets.defs.housekeeping import housekeeping
from rs_assets.defs.on_demand import PARTITIONS
from rs_assets.ingest import Platform
from rs_assets.items.files import FileState
from rs_assets.items.times import utc_now
from rs_assets.requests import Inbox
from rs_assets.settings import StateSettings, parse_settings
from rs_assets.state import (
    AskedRun,
    AskedRuns,
    FileFailure,
    Outcomes,
    RequestCounts,
    Requests,
    RequestState,
    Resolution,
    StagedFile,
    SubmittedRequest,
)
from rs_assets.state.retention import Retention
from rs_assets.upkeep import housekeeping as module
from rs_assets.upkeep import keep_house
from tests.files import file_at
from tests.platform import settings_text

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
OLD, NEW = NOW - YEAR - timedelta(days=1), NOW - timedelta(days=1)
ENDED = (RequestState.ANSWERED, RequestState.PARTIAL, RequestState.FAILED)


@pytest.fixture
def home(state_settings: StateSettings, tmp_path: Path) -> Platform:
    """An installation that has done the same long ago and yesterday."""
    settings = parse_settings(settings_text("http://127.0.0.1:9"), base=tmp_path)
    platform = Platform.open(settings.model_copy(update={"state": state_settings}))
    for name, at in (("old", OLD), ("new", NEW)):
        moved = replace(file_at(f"s1_aux/{name}/1/A.zip"), state=FileState.STAGED, key=f"s1_aux/{name}/1/A.zip")
        staged = StagedFile(moved, "adgs", "p", None, at)
        platform.transfers.record([staged])
        for state in ("resolved", "outstanding"):
            failed = replace(file_at(f"s1_aux/{name}-{state}/1/A.zip"), state=FileState.FAILED, reason="reset")
            failure = FileFailure(failed, "adgs", "p", at, at, at)
            platform.outcomes.record(failed=[failure], resolved=[], at=at, pause=timedelta(0))
        resolution = Resolution("s1_aux", f"{name}-resolved", "A.zip", "staged", frozenset({FileState.FAILED}))
        platform.outcomes.record(failed=[], resolved=[resolution], at=at, pause=timedelta(0))
        _requests(platform, name, at)
        platform.entries.note("sgs", "s1_sessions", [f"{name}-settled", f"{name}-open"], at=at)
        [entry] = platform.entries.of([f"{name}-settled"])
        platform.entries.settle(entry, request_id=None, message="nothing is needed", at=at)
        left = [AskedRun("adgs", f"{name}-left", "x", at, left_at=at), AskedRun("adgs", f"{name}-asked", "x", at)]
        AskedRuns(platform.state).record(left)
    return platform


def _requests(platform: Platform, name: str, at: datetime) -> None:
    requests = Requests(platform.state)
    for state in (*ENDED, RequestState.PENDING):
        request_id = f"{name}-{state.value}"
        requests.accept([SubmittedRequest(request_id, "d", 0, "adgs", "")], at=at)
        platform.documents.write(f"requests/{request_id}/items.json", {"type": "FeatureCollection"})
        platform.documents.write_bytes(f"requests/{request_id}/timeline.png", b"png")
        if state in ENDED:
            requests.ended(request_id, state, "", RequestCounts(), at)


def facts(platform: Platform) -> set[str]:
    """What is left of what `home` has made, by name."""
    transfers = platform.transfers.of([f"s1_aux/{name}/1/A.zip" for name in ("old", "new")])
    requests = {record.id for record in Requests(platform.state).listed(limit=100)}
    failures = {failure.file.item_id for failure in platform.outcomes.outstanding("adgs")}
    entries = platform.entries.of([f"{name}-{end}" for name in ("old", "new") for end in ("settled", "open")])
    asked = AskedRuns(platform.state).of(
        "adgs", [f"{name}-{end}" for name in ("old", "new") for end in ("left", "asked")]
    )
    return {key.split("/")[1] for key in transfers} | requests | failures | {e.session_id for e in entries} | set(asked)


WAITED_FOR = {"old-outstanding", "old-pending", "old-open", "old-left"}
"""What is old, but has not ended."""


def test_what_ended_long_ago_is_removed_and_nothing_that_is_waited_for(home: Platform) -> None:
    before = facts(home)
    removed = keep_house(home, NOW)
    after = facts(home)

    assert before - after == {"old", "old-settled", "old-asked", *(f"old-{state.value}" for state in ENDED)}
    assert after >= WAITED_FOR
    assert removed == {
        "transfers": 1,
        "failures": 1,
        "requests": 3,
        "rejected": 0,
        "sessions": 1,
        "asked_runs": 1,
        "heartbeats": 0,
        "history": 0,
    }
    assert keep_house(home, NOW) == dict.fromkeys(removed, 0)


def test_the_documents_of_a_request_go_with_it(home: Platform, tmp_path: Path) -> None:
    keep_house(home, NOW)

    folders = {path.name for path in (tmp_path / "store" / "requests").iterdir()}
    assert folders == {"old-pending", *(f"new-{state.value}" for state in (*ENDED, RequestState.PENDING))}


def test_killed_between_documents_and_state_it_goes_on(home: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Retention, "remove", die)
    with pytest.raises(KeyboardInterrupt):
        module._remove_requests(home, Retention(home.state), NOW - YEAR, 10)
    monkeypatch.undo()

    assert "old-answered" in facts(home)
    assert keep_house(home, NOW)["requests"] == 3


def test_with_null_nothing_is_removed(home: Platform) -> None:
    names = ("transfers", "failures", "requests", "rejected", "sessions", "asked_runs", "history")
    kept = home.settings.retention.model_copy(update=dict.fromkeys(names))
    platform_settings = home.settings.model_copy(update={"retention": kept})
    platform = Platform.open(platform_settings)
    before = facts(platform)

    assert keep_house(platform, NOW) == {"heartbeats": 0}
    assert facts(platform) == before


def test_it_goes_in_small_steps_and_ends_in_time(home: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEP", 1)
    times = iter(range(1000))

    short = keep_house(home, NOW, budget=2.5, clock=lambda: float(next(times)))
    rest = keep_house(home, NOW)

    assert sum(short.values()) == 1
    assert sum(short.values()) + sum(rest.values()) == 7


def test_rejected_files_go_with_their_reasons(home: Platform) -> None:
    home.documents.write_bytes("inbox/x.json", b"{")
    Inbox(home.documents).reject("x.json", ["it is no JSON"])

    early = keep_house(home, utc_now())["rejected"]
    late = keep_house(home, utc_now() + timedelta(days=91))["rejected"]

    assert (early, late) == (0, 2)
    assert home.documents.names("rejected") == []


def test_the_job_reports_what_it_has_removed_and_takes_the_partitions_of_old_requests_away(home: Platform) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(PARTITIONS, ["old-answered", "new-answered", "new-pending", "unknown"])
        now = utc_now()
        Requests(home.state).ended("new-answered", RequestState.ANSWERED, "", RequestCounts(), now)

        result = housekeeping.execute_in_process(instance=instance, resources={"platform": home})

        assert result.success
        assert instance.get_dynamic_partitions(PARTITIONS) == ["new-answered", "new-pending"]


def test_a_failure_names_nothing_that_is_outstanding(home: Platform) -> None:
    keep_house(home, NOW)

    assert {failure.file.item_id for failure in Outcomes(home.state).outstanding("adgs")} == {
        "old-outstanding",
        "new-outstanding",
    }
