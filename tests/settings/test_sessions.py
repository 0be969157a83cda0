"""What is said of downlink sessions, and of which stations it may be said."""

from datetime import timedelta

import pytest

from rs_assets.stations.cadip.settings import CadipStation, Completeness, Incomplete, Sessions

from .documents import DOCUMENT, parsed, problems_of, with_station_line

CADIP = DOCUMENT.replace("interface: auxip", "interface: cadip")


def sessions(*lines: str) -> Sessions:
    [station] = parsed(CADIP + "".join(f"    {line}\n" for line in lines)).stations
    assert isinstance(station, CadipStation)
    return station.sessions


def test_a_downlink_station_needs_to_say_nothing_of_its_sessions() -> None:
    [station] = parsed(CADIP).stations

    assert station.collection_of("S1") == "s1_chunk"
    assert sessions() == Sessions(
        completeness=Completeness.STRICT,
        quiet_after=timedelta(minutes=10),
        incomplete=Incomplete.HOLD,
        follow_every=timedelta(seconds=10),
    )


def test_a_station_of_auxiliary_files_has_no_sessions() -> None:
    [station] = parsed(DOCUMENT).stations

    assert station.collection_of("S1") == "s1_aux"
    assert "sessions" not in type(station).model_fields


@pytest.mark.parametrize("name", ["ins", "mps", "mti", "nsg", "sgs", "SGS", "my_station"])
def test_a_downlink_station_may_have_any_name(name: str) -> None:
    assert parsed(CADIP.replace("name: adgs", f"name: {name}")).station(name).collection == "{mission}_chunk"


def test_its_collection_may_be_another() -> None:
    [station] = parsed(CADIP + '    collection: "{mission}_cadu"\n').stations

    assert station.collection_of("S1") == "s1_cadu"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sessions: {completeness: off}", Sessions(completeness=Completeness.OFF)),
        ('sessions: {completeness: "off"}', Sessions(completeness=Completeness.OFF)),
        ("sessions: {completeness: lenient}", Sessions(completeness=Completeness.LENIENT)),
        ("sessions: {quiet_after: 60}", Sessions(quiet_after=timedelta(minutes=1))),
        ("sessions: {quiet_after: PT1H}", Sessions(quiet_after=timedelta(hours=1))),
        ("sessions: {incomplete: partial}", Sessions(incomplete=Incomplete.PARTIAL)),
        ("sessions: {follow_every: null}", Sessions(follow_every=None)),
        ("sessions: {follow_every: PT30S}", Sessions(follow_every=timedelta(seconds=30))),
        ("sessions: {}", Sessions()),
    ],
)
def test_a_part_of_it_may_be_said(line: str, expected: Sessions) -> None:
    assert sessions(line) == expected


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ("sessions: {completeness: on}", "completeness", "'strict', 'lenient' or 'off'"),
        ("sessions: {quiet_after: -1}", "quiet_after", "longer than nothing"),
        ("sessions: {follow_every: 0}", "follow_every", "longer than nothing"),
        ("sessions: {incomplete: maybe}", "incomplete", "'hold' or 'partial'"),
        ("sessions: {quiet: 3}", "quiet", "not a key here"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(line: str, key: str, message: str) -> None:
    [problem] = problems_of(f"{CADIP}    {line}\n")

    assert problem.key == f"stations.0.sessions.{key}"
    assert message in problem.message


def test_sessions_are_refused_where_there_are_none() -> None:
    [problem] = problems_of(with_station_line("sessions: {completeness: strict}"))

    assert (problem.key, problem.line) == ("stations.0.sessions", 17)
    assert problem.message == "'sessions' is not a key of auxip stations; only cadip stations have it"


@pytest.mark.parametrize(("line", "key"), [("sessions: null", "sessions"), ("product_types: [A]", "product_types")])
def test_what_makes_no_sense_for_a_downlink_station_is_refused(line: str, key: str) -> None:
    [problem] = problems_of(f"{CADIP}    {line}\n")

    assert problem.key == f"stations.0.{key}"
