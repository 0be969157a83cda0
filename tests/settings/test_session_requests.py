"""What is said of the auxiliary files that a mission's processor needs for a session."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from rs_assets.cli import cli
from rs_assets.policies import Policy

from .documents import DOCUMENT, parsed, problems_of, with_lines

GOOD = (
    "session_requests:",
    "  S1:",
    "    source: adgs",
    "    only_within: P7D",
    "    needs:",
    "      - {types: [AUX_RESORB, AUX_PREORB], policy: LatestValCover, dt0: 6000, dt1: PT10M}",
    "      - {types: [AUX_POEORB]}",
)


def changed(old: str, new: str) -> str:
    """The document with good needs, some of whose text is replaced."""
    text = with_lines(*GOOD)
    assert text.count(old) == 1, old
    return text.replace(old, new)


def test_the_needs_of_a_mission_are_types_with_a_policy_and_margins() -> None:
    asked = parsed(with_lines(*GOOD)).session_requests["S1"]

    assert (asked.source, asked.only_within, asked.priority) == ("adgs", timedelta(days=7), 0)
    first, second = asked.needs
    assert (first.types, first.policy) == (("AUX_RESORB", "AUX_PREORB"), Policy.LATEST_VAL_COVER)
    assert (first.dt0, first.dt1) == (timedelta(seconds=6000), timedelta(minutes=10))
    assert (second.policy, second.dt0, second.dt1) == (Policy.VAL_COVER, timedelta(0), timedelta(0))


def test_a_document_needs_to_say_nothing_of_them() -> None:
    assert parsed(DOCUMENT).session_requests == {}


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "expected"),
    [
        ("\n  S1:\n    source", "\n  S9:\n    source", 18, "session_requests.S9", "known are S1"),
        ("source: adgs", "source: nowhere", 19, "session_requests.S1.source", "expected one of adgs, catalog"),
        ("P7D", "PT0S", 20, "session_requests.S1.only_within", "longer than nothing"),
        ("LatestValCover", "Nearest", 22, "session_requests.S1.needs.0.policy", "there is no selection policy"),
        ("dt0: 6000", "dt0: -6000", 22, "session_requests.S1.needs.0.dt0", "expected 0 or more"),
        ("dt0: 6000", "dt0: soon", 22, "session_requests.S1.needs.0.dt0", "ISO 8601 duration"),
        ("[AUX_POEORB]", "[]", 23, "session_requests.S1.needs.1.types", "at least 1 item"),
        ("[AUX_POEORB]", "[AUX_RESORB]", 21, "session_requests.S1.needs", "these stand in two: AUX_RESORB"),
        ("dt1: PT10M", "margin: 5", 22, "session_requests.S1.needs.0.margin", "not a key here"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_key(old: str, new: str, line: int, key: str, expected: str) -> None:
    [problem] = problems_of(changed(old, new))

    assert (problem.line, problem.key) == (line, key)
    assert expected in problem.message


def test_a_downlink_station_has_no_auxiliary_files() -> None:
    text = with_lines(*GOOD).replace("interface: auxip", "interface: cadip")

    [problem] = problems_of(text)

    assert problem.message == "'adgs' has no auxiliary files; expected one of catalog"


def test_the_schema_describes_them() -> None:
    schema = json.loads(CliRunner().invoke(cli, ["config", "schema"]).output)

    assert "enters the catalogue" in schema["properties"]["session_requests"]["description"]
    need = schema["$defs"]["Need"]["properties"]
    assert all(need[name]["description"] for name in ("types", "policy", "dt0", "dt1"))
