"""Today's program works on a home that version c07086b made: the same facts, and nothing is done twice."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rs_assets.cli import cli
from rs_assets.ingest import Platform
from rs_assets.ingest.due import due_partitions
from rs_assets.items.times import utc_now
from rs_assets.requests import Inbox, begin, end, plan, take_in
from rs_assets.requests.answering import OWNER, Answering
from rs_assets.requests.results import keep_result
from rs_assets.state import Requests, RequestState
from tests.platform import SimulatedStation, assert_catalogue_is_true, catalogue_documents
from tests.upgrade.conftest import EarlierHome

OWNERS = ("adgs", "sgs", OWNER)
COMPLETE = [("adgs", "2011-03-01|S1"), ("sgs", "2011-04-01|S1"), ("sgs", "2011-04-02|S3")]
"""Partitions of which the home has all that their station shows."""
TROUBLED = "2011-03-02|S1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def invoke(*arguments: str) -> Result:
    """Run a command of today's program on the home."""
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def stage(*arguments: str, status: int = 0) -> dict[str, Any]:
    """What `rs-assets stage --json` says of the only partition; the command must end with this status."""
    result = invoke("stage", *arguments, "--json", "--quiet")
    assert result.exit_code == status, result.output
    [partition] = json.loads(result.stdout)["partitions"]
    assert isinstance(partition, dict)
    return partition


def time(text: str | None) -> datetime | None:
    """A moment of the facts."""
    return None if text is None else datetime.fromisoformat(text)


def moment(microseconds: int) -> datetime:
    """A moment as the earlier version's state kept it."""
    return _EPOCH + timedelta(microseconds=microseconds)


def figures(counts: Any) -> dict[str, int]:
    """The figures of a request by their names of the earlier version."""
    return {name: getattr(counts, name) for name in ("found", "selected", "staged", "catalogued", "gaps")}


def test_the_catalogue_lists_the_same_items_and_every_object_is_there(home: EarlierHome, platform: Platform) -> None:
    assert catalogue_documents(platform) == home.facts["items"]
    assert assert_catalogue_is_true(platform) == len(home.facts["items"])
    found = {key: blake2b((home.directory / "store" / key).read_bytes()).hexdigest() for key in home.facts["files"]}
    assert found == home.facts["files"]


def test_what_was_moved_is_known(home: EarlierHome, platform: Platform) -> None:
    rows = {row["object_key"]: row for row in home.facts["transfers"]}
    known = platform.transfers.of(rows)

    found = {
        key: {
            "object_key": key,
            "station": staged.station,
            "partition": staged.partition,
            "source_href": staged.file.source_href,
            "size": staged.file.size,
            "checksum": staged.file.checksum,
            "attempts": staged.file.attempts,
            "moved": staged.file.moved,
            "seconds": staged.file.seconds,
            "run_id": staged.run_id,
            "finished_at": staged.finished_at,
        }
        for key, staged in known.items()
    }
    assert found == {key: row | {"finished_at": moment(row["finished_at"])} for key, row in rows.items()}


def test_every_failure_is_outstanding_as_it_was(home: EarlierHome, platform: Platform) -> None:
    found = [
        {
            "station": failure.owner,
            "partition": failure.partition,
            "collection": failure.file.collection,
            "item_id": failure.file.item_id,
            "asset": failure.file.asset,
            "source_id": failure.file.source_id,
            "status": failure.file.state.value,
            "reason": failure.file.reason,
            "attempts": failure.file.attempts,
            "failed_first": failure.failed_first,
            "failed_last": failure.failed_last,
            "next_try": failure.next_try,
        }
        for owner in OWNERS
        for failure in platform.outcomes.outstanding(owner)
    ]

    times = ("failed_first", "failed_last", "next_try")
    assert found == [row | {name: time(row[name]) for name in times} for row in home.facts["failures"]]
    assert {row["status"] for row in found} == {"failed", "evicted", "clash"}


def test_what_was_accepted_stays_accepted(home: EarlierHome, platform: Platform) -> None:
    [file, session] = home.facts["accepted"]
    listed = invoke("failures", "list").output
    stage("adgs", TROUBLED, status=3)

    assert file["asset"] not in listed
    assert session["item_id"] not in listed
    assert file["asset"] not in {failure.file.asset for failure in platform.outcomes.outstanding("adgs")}
    assert session["item_id"] not in {item.item_id for item in platform.incomplete.outstanding("sgs")}


def test_every_incomplete_session_is_outstanding_as_it_was(home: EarlierHome, platform: Platform) -> None:
    found = [
        {
            "station": item.station,
            "partition": item.partition,
            "item_id": item.item_id,
            "missing": item.missing,
            "overdue_from": item.overdue_from,
            "look_again_at": item.look_again_at,
        }
        for owner in OWNERS
        for item in platform.incomplete.outstanding(owner)
    ]

    times = ("overdue_from", "look_again_at")
    assert found == [row | {name: time(row[name]) for name in times} for row in home.facts["incomplete"]]
    assert found


def test_the_same_partitions_are_due(home: EarlierHome, platform: Platform) -> None:
    now = datetime.fromisoformat(home.facts["due_at"])

    found = {
        name: [
            {"partition": due.partition, "since": due.since.isoformat(), "steps": sorted(due.steps)}
            for due in due_partitions(platform, platform.settings.station(name), now)
            if due.is_live
        ]
        for name in ("adgs", "sgs")
    }

    assert found == home.facts["due"]


def test_every_request_is_as_it_was(home: EarlierHome, platform: Platform) -> None:
    records = {record.id: record for record in Requests(platform.state).listed()}

    assert list(records) == list(home.facts["requests"])
    for request_id, row in home.facts["requests"].items():
        record = records[request_id]
        assert (record.state, record.message, record.priority) == (row["state"], row["message"], row["priority"])
        assert (record.requester, record.digest, record.attempt) == (row["requester"], row["digest"], row["attempt"])
        assert (record.submitted_at, record.ended_at) == (time(row["submitted_at"]), time(row["ended_at"]))
        assert figures(record.counts) == row["counts"]
    assert {record.state.value for record in records.values()} == {"answered", "partial", "failed", "pending"}
    assert Inbox(platform.documents).rejection("rejected") is not None


def test_the_entries_of_sessions_and_the_superseded_objects_are_known(home: EarlierHome, platform: Platform) -> None:
    [row] = home.facts["entries"]
    [entry] = platform.entries.of([row["session_id"]])
    [superseded] = home.facts["superseded"]

    assert (entry.collection, entry.station, entry.request_id) == (row["collection"], row["station"], row["request_id"])
    assert platform.entries.unsettled() == []
    assert platform.superseded.noted_before(utc_now()) == [superseded["href"]]


@pytest.mark.parametrize(("station", "key"), COMPLETE)
def test_staging_a_partition_again_moves_no_byte_and_changes_no_item(
    home: EarlierHome, platform: Platform, upstream: SimulatedStation, station: str, key: str
) -> None:
    report = stage(station, key)

    assert report["search"]["found"] > 0
    assert report["search"]["new"] == 0
    assert report["staging"]["moved_bytes"] == 0
    assert upstream.downloads() == []
    assert catalogue_documents(platform) == home.facts["items"]
    assert (report["catalog"]["created"], report["catalog"]["updated"]) == (0, 0)


@pytest.mark.parametrize(("station", "key"), [*COMPLETE, ("adgs", TROUBLED)])
def test_publishing_a_manifest_again_changes_no_item(
    home: EarlierHome, platform: Platform, upstream: SimulatedStation, station: str, key: str
) -> None:
    report = stage(station, key, "--only", "publish")

    assert (report["catalog"]["created"], report["catalog"]["updated"]) == (0, 0)
    assert upstream.log() == []
    assert catalogue_documents(platform) == home.facts["items"]


def test_a_search_that_was_never_staged_is_staged(platform: Platform, upstream: SimulatedStation) -> None:
    report = stage("adgs", "2011-03-04|S1", "--only", "stage", "--only", "publish")

    assert (report["staging"]["files"]["staged"], report["catalog"]["created"]) == (1, 1)
    assert len(upstream.downloads()) == 1
    assert platform.catalog.get("s1_aux", "S1A_UNSTAGED") is not None


def test_a_file_that_failed_is_staged_and_no_other(
    home: EarlierHome, platform: Platform, upstream: SimulatedStation
) -> None:
    report = stage("adgs", TROUBLED, status=3)

    [broken] = [row for row in home.facts["failures"] if row["asset"] == "S1A_BROKEN.EOF"]
    assert [broken["source_id"] in path for path in upstream.downloads()] == [True]
    assert report["staging"]["files"]["staged"] == 1
    left = [(failure.file.asset, failure.file.state.value) for failure in platform.outcomes.outstanding("adgs")]
    assert sorted(left) == [("S1A_LOST.EOF", "evicted"), ("S1A_TWIN.xml", "clash")]


def test_the_failures_are_listed_and_can_be_accepted(home: EarlierHome) -> None:
    before = invoke("failures", "list")
    names = [(row["station"], row["asset"]) for row in home.facts["failures"]]
    names += [(row["station"], row["item_id"]) for row in home.facts["incomplete"]]
    accepted = [invoke("failures", "accept", *name, "--why", "it is lost") for name in names]
    after = invoke("failures", "list")

    assert before.exit_code == 1
    assert all(name in before.output for _, name in names)
    assert [(result.exit_code, result.output) for result in accepted] == [(0, "1 accepted.\n")] * len(names)
    assert (after.exit_code, after.output) == (0, "Nothing is outstanding.\n")


def test_the_requests_are_listed_with_their_answers(home: EarlierHome) -> None:
    result = invoke("requests", "--json")

    assert result.exit_code == 0
    listed = {record["id"]: record for record in json.loads(result.stdout)}
    assert {name: record["state"] for name, record in listed.items()} == {
        name: row["state"] for name, row in home.facts["requests"].items()
    }
    assert {name for name, record in listed.items() if record["items"]} == {
        name for name, row in home.facts["requests"].items() if row["state"] != "pending"
    }


async def test_the_requests_that_wait_are_answered_and_a_failed_one_can_be_sent_back(
    home: EarlierHome, platform: Platform
) -> None:
    retried = invoke("requests", "retry", "failed")
    taken = take_in(platform, utc_now())
    [*batches] = plan(platform, batch_size=10, max_batches=10)
    async with Answering(platform, run_id="run-2") as answering:
        for request_id in (name for batch in batches for name in batch.request_ids):
            request = begin(platform, request_id, run_id="run-2", at=utc_now())
            result = await answering.answer(request_id, request)
            keep_result(platform, result, utc_now())
            end(platform, request_id, request, result.state, result.message, result.counts, utc_now())

    assert retried.exit_code == 0
    assert taken.accepted == ("waiting",)
    states = {record.id: record.state for record in Requests(platform.state).listed()}
    assert states["pending"] is RequestState.ANSWERED
    assert states["waiting"] is RequestState.PARTIAL  # the station has two products of one id
    assert states["failed"] is RequestState.FAILED
    assert platform.catalog.get("s1_aux", "S1A_ASKED") is not None
    assert Inbox(platform.documents).names() == []


def test_a_session_is_shown_with_its_chunks_and_its_auxiliary_request(home: EarlierHome) -> None:
    [row] = home.facts["entries"]
    result = invoke("session", row["session_id"], "--json")
    [incomplete] = home.facts["incomplete"]
    held = invoke("session", incomplete["item_id"], "--json")

    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert (shown["chunks"], shown["in_store"], shown["is_well"]) == (4, 4, True)
    assert shown["auxiliary"]["request_id"] == row["request_id"]
    assert held.exit_code == 0, held.output
    assert json.loads(held.stdout)["missing"] == [incomplete["missing"]]
