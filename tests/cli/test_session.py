"""One downlink session at a glance, over HTTP against the simulated stations."""

import asyncio
import json
import shutil
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from rs_assets.cli import cli
from rs_assets.ingest import IngestOptions, Platform, Step, ingest
from rs_assets.items.times import utc_now
from rs_assets.requests import begin, end, plan, take_in
from rs_assets.requests.answering import Answering
from rs_assets.requests.for_sessions import file_for_sessions
from rs_assets.requests.results import keep_result
from rs_assets.settings import CONFIG_VARIABLE, WindowLength, load_settings
from rs_assets.stations.window import Partition
from tests.downlink import NEEDS, DownlinkStation
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, settings_text


@pytest.fixture
def downlink(station: SimulatedStation, monkeypatch: pytest.MonkeyPatch) -> DownlinkStation:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    return DownlinkStation(station.url)


@pytest.fixture
def platform(downlink: DownlinkStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """An installation with ``adgs`` and two names for one downlink station, whose settings the command line reads."""
    document = yaml.safe_load(settings_text(downlink.url))
    for name in ("sgs", "mirror"):
        other = yaml.safe_load(settings_text(downlink.url, name=name, interface="cadip", start="2010-01-01"))
        [entry] = other["stations"]
        del entry["collection"]
        document["stations"].append(entry | {"url": f"{downlink.url}/cadip/sgs"})
    document["session_requests"] = NEEDS
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return Platform.open(load_settings())


def stage(platform: Platform, key: str, *, station: str = "sgs", steps: frozenset[Step] = frozenset(Step)) -> None:
    """Materialise a partition of a downlink station."""

    async def go() -> None:
        partition = Partition.parse(key, WindowLength.DAY)
        reports = ingest(platform, station, [partition], IngestOptions(steps))
        async with aclosing(reports):
            assert [report.error async for report in reports] == [None]

    asyncio.run(go())


def answer(platform: Platform) -> None:
    """File and answer what the sessions need."""

    async def go() -> None:
        now = utc_now()
        file_for_sessions(platform, now)
        take_in(platform, now)
        [batch] = plan(platform, batch_size=100, max_batches=1)
        async with Answering(platform) as answering:
            for request_id in batch.request_ids:
                request = begin(platform, request_id, run_id="run", at=now)
                result = await answering.answer(request_id, request)
                keep_result(platform, result, now)
                end(platform, request_id, request, result.state, result.message, result.counts, now)

    asyncio.run(go())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["session", *arguments])


def shown(*arguments: str) -> list[str]:
    """The lines of a session that was found, with single blanks."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.output.splitlines()]


def document(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def s3_day(downlink: DownlinkStation) -> str:
    return downlink.partition.replace("S1", "S3")


def valid(downlink: DownlinkStation, product_type: str, start: timedelta, stop: timedelta) -> str:
    """Put an auxiliary file into the archive that is valid from and to so long after the downlink's begin; its name."""
    times = [(downlink.begin + moment).strftime("%Y%m%dT%H%M%S") for moment in (start, stop)]
    name = f"S3A_{product_type}_{times[0]}_{times[1]}_{downlink.begin:%Y%m%dT%H%M%S}.SEN3"
    attributes = {"platformShortName": "SENTINEL-3", "platformSerialIdentifier": "A", "productType": product_type}
    content = {"Start": (downlink.begin + start).isoformat(), "End": (downlink.begin + stop).isoformat()}
    downlink.add(
        Name=name, ContentDate=content, Attributes=attributes, PublicationDate="2011-01-01T00:00:00Z", size=1500
    )
    return name


def test_a_whole_session_is_shown_with_its_chunks_its_auxiliary_files_and_its_times(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire(Satellite="S3A", downlink_seconds=120, DownlinkOrbit=54321)
    day = timedelta(days=1)
    names = [valid(downlink, name, -day, day) for name in ("AX___OSF_AX", "AX___FRO_AX")]
    stage(platform, s3_day(downlink))
    answer(platform)

    lines = shown(session["SessionId"])

    assert lines[0] == f"{session['SessionId']} sgs"
    assert lines[1] == "COMPLETE, in the catalogue; 6 of 6 chunks in the store; auxiliary request answered"
    assert f"item s3_chunk/{session['SessionId']}" in lines
    assert f"partition {s3_day(downlink)}" in lines
    assert "satellite sentinel-3a, orbit 54321" in lines
    assert any(line.startswith("downlink") and line.endswith("(2 min)") for line in lines)
    assert {"1 3 of 3 0.006 1-3 yes – 3 – – –", "2 3 of 3 0.006 1-3 yes – 3 – – –"} <= set(lines)
    assert any(line.startswith("published") and line.endswith("after the downlink's end") for line in lines)
    assert any(line.startswith("catalogued") and line.endswith("after publication") for line in lines)
    assert any(line.startswith(f"auxiliary session-{session['SessionId']} answered: 2 of 2") for line in lines)
    for name, product_type in zip(names, ("AX___OSF_AX", "AX___FRO_AX"), strict=True):
        assert f"{product_type}: covered by {name.removesuffix('.SEN3')}" in lines


def test_the_json_says_the_same_in_numbers(platform: Platform, downlink: DownlinkStation) -> None:
    session = downlink.acquire(Satellite="S3A", downlink_seconds=120)
    stage(platform, s3_day(downlink))

    found = document(session["SessionId"])

    assert (found["session_id"], found["station"]) == (session["SessionId"], "sgs")
    assert (found["is_complete"], found["is_catalogued"], found["is_well"]) == (True, True, True)
    assert (found["chunks"], found["in_store"]) == (6, 6)
    assert [(entry["number"], entry["blocks"], entry["has_final"]) for entry in found["channels"]] == [
        (1, [[1, 3]], True),
        (2, [[1, 3]], True),
    ]
    published = sorted(file["PublicationDate"] for file in session["Files"])
    times = found["moments"]
    assert [times["first_published"][:19], times["last_published"][:19]] == [published[0][:19], published[-1][:19]]
    assert times["last_published"] < times["first_staged"] <= times["last_staged"] <= times["first_catalogued"]
    assert found["auxiliary"]["state"] == "not filed"


def test_a_session_that_is_held_back_says_what_it_lacks_and_when_it_is_looked_for_again(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire(Satellite="S3A", withheld=[[1, 2], [2, 1]])
    stage(platform, s3_day(downlink))

    lines = shown(session["SessionId"])

    assert lines[1].startswith("INCOMPLETE, held back from the catalogue; 4 of 4 chunks in the store")
    assert "1 2 of 3 0.003 1, 3 GAP yes – 2 – – –" in lines
    assert "2 2 of 3 0.003 2-3 GAP yes – 2 – – –" in lines
    assert "missing channel 1: 2 of 3 chunks, no block 2" in lines
    assert "channel 2: 2 of 3 chunks, no block 1" in lines
    assert any(line.startswith("next look 20") for line in lines)
    assert "auxiliary not filed: it is filed when the session enters the catalogue" in lines


def test_a_chunk_that_could_not_be_staged_is_named_with_the_reason_and_what_can_be_done(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire(Satellite="S3A")
    lost, failing = session["Files"][0], session["Files"][5]
    downlink.fault(path_contains=f"Files({lost['Id']})", status=404)
    downlink.fault(path_contains=f"Files({failing['Id']})", status=500)
    stage(platform, s3_day(downlink))

    lines = shown(session["SessionId"])
    found = document(session["SessionId"])

    assert lines[1].startswith("COMPLETE, not in the catalogue yet; 4 of 6 chunks in the store")
    assert lines[1].endswith("2 problems")
    assert any(line.startswith(f"evicted {lost['Name']}: ") and "a retry cannot help" in line for line in lines)
    assert any(line.startswith(f"failed {failing['Name']}: ") and "next try 20" in line for line in lines)
    assert "if it cannot be recovered: rs-assets failures accept sgs FILE --why …" in lines
    assert sum(entry["failed"] for entry in found["channels"]) == 1
    assert sum(entry["lost"] for entry in found["channels"]) == 1
    assert not found["is_well"]


def test_a_retransfer_is_counted_apart_and_spoils_no_timeliness(platform: Platform, downlink: DownlinkStation) -> None:
    session = downlink.acquire(Satellite="S3A", downlink_seconds=120)
    stage(platform, s3_day(downlink))
    before = document(session["SessionId"])
    downlink.order("retransfer", session=session["Id"])
    stage(platform, s3_day(downlink))

    lines = shown(session["SessionId"])
    after = document(session["SessionId"])

    assert lines[1].startswith("COMPLETE, in the catalogue; 12 of 12 chunks in the store")
    assert "1 3 of 3 0.012 1-3 yes 3 6 – – –" in lines
    assert any(line.startswith("came again") for line in lines)
    assert after["moments"]["last_published"] == before["moments"]["last_published"]
    assert after["moments"]["again_published"] > after["moments"]["last_published"]


def test_a_gap_of_an_auxiliary_type_is_shown_with_its_bounds(platform: Platform, downlink: DownlinkStation) -> None:
    session = downlink.acquire(Satellite="S3A", downlink_seconds=120)
    valid(downlink, "AX___OSF_AX", -timedelta(days=1), timedelta(days=1))
    stage(platform, s3_day(downlink))
    answer(platform)

    lines = shown(session["SessionId"])

    assert lines[1].endswith("AX___FRO_AX not covered")
    begin_at = (downlink.begin - timedelta(seconds=7000)).strftime("%Y-%m-%d %H:%M:%S")
    end_at = (downlink.begin + timedelta(seconds=7120)).strftime("%Y-%m-%d %H:%M:%S")
    assert f"AX___FRO_AX: NOT covered {begin_at} to {end_at}; chosen: nothing" in lines


def test_a_part_of_an_id_is_enough_where_no_other_session_has_it(platform: Platform, downlink: DownlinkStation) -> None:
    one = downlink.acquire(Satellite="S3A")["SessionId"]
    other = downlink.acquire(Satellite="S3B", start=(downlink.begin + timedelta(hours=1)).isoformat())["SessionId"]
    stage(platform, s3_day(downlink))

    several = run(downlink.begin.strftime("_%Y%m%d"))

    assert shown(other[:12].lower())[0] == f"{other} sgs"
    assert several.exit_code == 1
    assert "2 sessions; give more of the id" in several.output
    assert f"{one} (sgs)" in several.output
    assert f"{other} (sgs)" in several.output


def test_a_session_of_two_stations_is_shown_for_the_one_that_is_named(
    platform: Platform, downlink: DownlinkStation
) -> None:
    session = downlink.acquire(Satellite="S3A")["SessionId"]
    for station in ("sgs", "mirror"):
        stage(platform, s3_day(downlink), station=station, steps=frozenset({Step.SEARCH}))

    both = run(session)

    assert both.exit_code == 1
    assert "2 sessions; name the --station" in both.output
    assert shown(session, "--station", "mirror")[0] == f"{session} mirror"


def test_a_session_that_was_searched_and_nothing_else_is_found(platform: Platform, downlink: DownlinkStation) -> None:
    session = downlink.acquire(Satellite="S3A")["SessionId"]
    stage(platform, s3_day(downlink), steps=frozenset({Step.SEARCH}))

    lines = shown(session[:-1])

    assert lines[1].startswith("COMPLETE, not in the catalogue yet; 0 of 6 chunks in the store")
    assert "1 3 of 3 0.006 1-3 yes – – 3 – –" in lines


def test_a_session_that_only_the_catalogue_still_knows_is_found(
    platform: Platform, downlink: DownlinkStation, tmp_path: Path
) -> None:
    session = downlink.acquire(Satellite="S3A")["SessionId"]
    stage(platform, s3_day(downlink))
    for path in tmp_path.glob("state.sqlite*"):
        path.unlink() if path.is_file() else shutil.rmtree(path)

    lines = shown(session)

    assert lines[1].startswith("COMPLETE, in the catalogue; 6 of 6 chunks in the store")
    assert "partition unknown" in lines


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["S9Z_20110101"], "no session has the id 'S9Z_20110101'"),
        (["S9Z_%"], "Searched: the state, the search results in "),
        (["S9Z", "--station", "sgs"], "for sgs. "),
        ([" "], "give the id of a session"),
        (["S1A", "--station", "adgs"], "'adgs' is not a downlink station; known are: sgs, mirror"),
        (["S1A", "--station", "nowhere"], "'nowhere' is not a downlink station"),
    ],
)
def test_what_is_not_there_is_told_with_where_it_was_looked_for(
    platform: Platform, downlink: DownlinkStation, arguments: list[str], expected: str
) -> None:
    downlink.acquire(Satellite="S3A")
    stage(platform, s3_day(downlink))

    result = run(*arguments)

    assert result.exit_code == 1
    assert expected in f"{result.output}{result.exception}"  # the command line prints either
