"""What a request may ask for, and how a wrong one is told."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_assets.policies import Policy
from rs_assets.requests import AuxRequest, RequestError, new_request_id, parse_request
from rs_assets.requests.model import checked_request_id, is_request_id
from rs_assets.settings import parse_settings
from tests.platform import settings_text

BY_TYPE: dict[str, Any] = {
    "source": "adgs",
    "product_types": ["AUX_RESORB", "AUX_PREORB"],
    "start": "2026-11-01T10:00:00Z",
    "end": "2026-11-01T11:00:00Z",
}
BY_NEEDS: dict[str, Any] = {
    "source": "adgs",
    "needs": [
        {"types": ["AX___OSF_AX"], "policy": "LatestValCover", "dt0": 6000, "dt1": 6000},
        {"types": ["AX___FRO_AX", "AX___BA__AX"], "dt1": "PT30M"},
    ],
    "start": "2026-11-01T10:00:00Z",
    "end": "2026-11-01T11:00:00Z",
}
BY_FILTER: dict[str, Any] = {"source": "adgs", "filter": "product_type = 'AUX_RESORB'"}
FILTER_OBJECT = {"op": "=", "args": [{"property": "product_type"}, "AUX_RESORB"]}


def problems_of(document: Any) -> tuple[str, ...]:
    """What is wrong in a document."""
    with pytest.raises(RequestError) as caught:
        parse_request(document)
    return caught.value.problems


def test_a_request_by_type_asks_for_what_covers_the_interval() -> None:
    request = parse_request(json.dumps(BY_TYPE))

    assert request.product_types == ("AUX_RESORB", "AUX_PREORB")
    assert request.start == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert request.policy is Policy.VAL_COVER
    assert (request.dt0, request.dt1, request.priority) == (timedelta(0), timedelta(0), 0)


def test_a_request_may_have_several_needs_for_one_interval() -> None:
    request = parse_request(json.dumps(BY_NEEDS))

    first, second = request.each_need
    assert (first.types, first.policy) == (("AX___OSF_AX",), Policy.LATEST_VAL_COVER)
    assert (first.dt0, first.dt1) == (timedelta(seconds=6000), timedelta(seconds=6000))
    assert (second.policy, second.dt0, second.dt1) == (Policy.VAL_COVER, timedelta(0), timedelta(minutes=30))
    assert request.every_type == ("AX___OSF_AX", "AX___FRO_AX", "AX___BA__AX")
    assert parse_request(request.to_dict()) == request


def test_a_request_by_type_has_one_need_and_is_written_as_it_always_was() -> None:
    request = parse_request(BY_TYPE | {"policy": "LatestValCover", "dt0": 60})

    [need] = request.each_need
    assert (need.types, need.policy, need.dt0) == (request.product_types, request.policy, request.dt0)
    assert request.to_dict() == {"schema_version": 1, **BY_TYPE, "policy": "LatestValCover", "dt0": "PT1M"}
    assert parse_request(BY_FILTER).each_need == ()


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        ({}, "needs.0.types: missing; expected: Product types"),
        ({"types": []}, "needs.0.types: "),
        ({"types": ["A"], "policy": "Nearest"}, "needs.0.policy: there is no selection policy 'Nearest'"),
        ({"types": ["A"], "dt0": -1}, "needs.0.dt0: a margin widens the interval"),
        ({"types": ["A"], "dt1": "soon"}, "needs.0.dt1: expected seconds"),
        ({"types": ["A"], "margin": 1}, "'needs.0.margin': no key of a need; those are types, policy, dt0, dt1"),
        ("A", "needs.0: expected a JSON object"),
    ],
)
def test_a_wrong_need_is_told_with_its_place(need: Any, expected: str) -> None:
    [problem] = problems_of(BY_NEEDS | {"needs": [need]})

    assert problem.startswith(expected)


@pytest.mark.parametrize("cql2", [FILTER_OBJECT, json.dumps(FILTER_OBJECT), "product_type = 'AUX_RESORB'"])
def test_a_filter_is_json_or_text(cql2: Any) -> None:
    request = parse_request(BY_FILTER | {"filter": cql2, "limit": 3, "sortby": "-created"})

    assert request.filter in (FILTER_OBJECT, BY_FILTER["filter"])
    assert (request.limit, request.sortby) == (3, "-created")


def test_a_filter_in_json_is_the_same_request_whether_it_is_quoted_or_not() -> None:
    quoted = parse_request(BY_FILTER | {"filter": json.dumps(FILTER_OBJECT)})

    assert quoted.digest == parse_request(BY_FILTER | {"filter": FILTER_OBJECT}).digest


def test_the_order_of_keys_makes_no_other_request() -> None:
    turned = dict(reversed(FILTER_OBJECT.items()))

    assert (
        parse_request(BY_FILTER | {"filter": turned}).digest
        == parse_request(BY_FILTER | {"filter": FILTER_OBJECT}).digest
    )


def test_a_type_that_is_named_twice_is_asked_for_once() -> None:
    assert parse_request(BY_TYPE | {"product_types": ["B", "A", "B"]}).product_types == ("B", "A")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01T12:00:00+02:00", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01T10:00:00.123456Z", datetime(2026, 11, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        (datetime(2026, 11, 1, 12, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 11, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_kept_in_utc_with_its_microseconds(text: Any, moment: datetime) -> None:
    request = parse_request(BY_TYPE | {"start": text})

    assert request.start == moment
    assert request.start.tzinfo is UTC


@pytest.mark.parametrize("naive", ["2026-11-01T10:00:00", datetime(2026, 11, 1, 10)])  # noqa: DTZ001 - is refused
def test_a_time_without_a_zone_is_refused_with_what_to_write(naive: Any) -> None:
    [problem] = problems_of(BY_TYPE | {"start": naive})

    assert problem.startswith("start: ")
    assert "2026-11-01T10:00:00" in problem
    assert "has no time zone" in problem


@pytest.mark.parametrize("wrong", ["yesterday", "2026-11-01", "2026-02-30T10:00:00Z", 1793520000, True, ["x"]])
def test_what_is_no_time_is_refused(wrong: Any) -> None:
    [problem] = problems_of(BY_TYPE | {"end": wrong})

    assert problem.startswith("end: ")
    assert " date" in problem


def test_an_interval_may_be_an_instant_but_not_end_before_its_start() -> None:
    instant = parse_request(BY_TYPE | {"end": BY_TYPE["start"]})
    assert instant.start == instant.end

    [problem] = problems_of(BY_TYPE | {"end": "2026-11-01T09:59:59.999999Z"})
    assert problem == "end: the interval ends at 2026-11-01T09:59:59.999999Z, before its start 2026-11-01T10:00:00Z"


@pytest.mark.parametrize(
    ("margin", "duration"),
    [(90, timedelta(seconds=90)), (0.5, timedelta(milliseconds=500)), ("PT1H30M", timedelta(minutes=90))],
)
def test_a_margin_is_seconds_or_a_duration(margin: Any, duration: timedelta) -> None:
    request = parse_request(BY_TYPE | {"dt0": margin, "dt1": margin})

    assert (request.dt0, request.dt1) == (duration, duration)


@pytest.mark.parametrize("margin", [-1, "-PT1S", "an hour", float("nan")])
def test_a_margin_that_is_none_is_refused(margin: Any) -> None:
    [problem] = problems_of(BY_TYPE | {"dt1": margin})

    assert problem.startswith("dt1: ")
    assert "expected" in problem


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (BY_TYPE | BY_FILTER, "this one has both"),
        ({"source": "adgs"}, "this one has neither"),
        ({"source": "adgs", "product_types": []}, "this one has neither"),
        (BY_FILTER | {"policy": "LatestValCover"}, "policy: only goes with product_types"),
        (BY_FILTER | {"dt0": 5}, "dt0: only goes with product_types"),
        (BY_TYPE | {"limit": 5}, "limit: only goes with a filter"),
        (BY_TYPE | {"sortby": "id"}, "sortby: only goes with a filter"),
        (BY_TYPE | {"mission": "S1", "satellite": "S1A"}, "satellite: name either a mission or a satellite"),
        (BY_TYPE | {"end": None}, "end: missing; "),
        (BY_NEEDS | {"start": None}, "start: missing; "),
        (BY_NEEDS | {"end": "2026-11-01T09:00:00Z"}, "end: "),
        (BY_NEEDS | {"product_types": ["AUX_RESORB"]}, "needs: name either product_types or needs"),
        (BY_NEEDS | {"policy": "LatestValCover"}, "policy: stands in each of the needs instead"),
        (BY_NEEDS | {"dt1": 5}, "dt1: stands in each of the needs instead"),
        (BY_NEEDS | {"limit": 5}, "limit: only goes with a filter"),
        (BY_NEEDS | {"needs": []}, "product_types: missing; "),
        (BY_NEEDS | {"needs": [{"types": ["A", "B"]}, {"types": ["B"]}]}, "these stand in two: B"),
    ],
)
def test_keys_that_do_not_go_together_are_told(document: dict[str, Any], message: str) -> None:
    [problem] = problems_of(document)

    assert message in problem


@pytest.mark.parametrize(
    ("key", "wrong", "expected"),
    [
        ("source", "", "at least 1 character"),
        ("product_types", "AUX_RESORB", "expected a list"),
        ("product_types", [""], "at least 1 character"),
        ("policy", "Nearest", "there is no selection policy 'Nearest'; there are ValCover"),
        ("policy", 4, "expected one of ValCover"),
        ("collection", "../elsewhere", "expected letters"),
        ("collection", "inbox", "the store's own documents"),
        ("selected_assets", [], "at least 1 item"),
        ("search_timeout", 0, "a negative number for no limit"),
        ("search_timeout", float("inf"), "finite"),
        ("priority", 101, "less than or equal to 100"),
        ("priority", -101, "greater than or equal to -100"),
        ("requester", 5, "valid string"),
        ("error_if_empty", "perhaps", "valid boolean"),
        ("schema_version", 2, "should be 1"),
    ],
)
def test_a_wrong_value_is_told_with_its_key_and_what_is_expected(key: str, wrong: Any, expected: str) -> None:
    [problem] = problems_of(BY_TYPE | {key: wrong})

    assert problem.startswith(key)
    assert expected in problem


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"op": "nearly", "args": []}, "'nearly' is not accepted"),
        ("product_type =", "not CQL2 text"),
        ("", "not CQL2 text"),
        ("{", "not JSON"),
        ({"op": "=", "args": [{"property": "a"}, float("nan")]}, "JSON"),
        (["a"], "expected CQL2"),
        (True, "expected CQL2"),
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused_when_it_is_filed(wrong: Any, expected: str) -> None:
    [problem] = problems_of(BY_FILTER | {"filter": wrong})

    assert problem.startswith("filter: ")
    assert expected in problem


def test_every_wrong_key_is_told_at_once() -> None:
    problems = problems_of({"sorce": "adgs", "start": "2026-11-01T10:00:00", "limit": 0, "policy": "x"})

    keys = [problem.split(":")[0] for problem in problems]
    assert keys == ["source", "limit", "start", "policy", "'sorce'", "product_types", "end", "limit"]


def test_a_message_echoes_no_more_than_is_needed() -> None:
    key, value = "k" * 10_000, "secret-7" * 10_000

    for document in (
        BY_TYPE | {key: 1},
        BY_TYPE | {"start": value},
        BY_TYPE | {"policy": value},
        BY_TYPE | {"x": value},
    ):
        assert all(len(problem) < 500 for problem in problems_of(document))
    assert len(problems_of({f"key{number}": 1 for number in range(1000)})) == 21
    assert "secret-7" not in "".join(problems_of(BY_TYPE | {"priority": value, "password": value}))


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"\xff\xfe\x00", b"{", b'{"source": NaN}', b"[" * 100_000, b'{"a": 1, "a": 2}', "é"]
)
def test_what_is_no_json_object_is_refused(text: bytes | str) -> None:
    assert len(problems_of(text)) == 1


def test_a_key_that_stands_twice_is_named() -> None:
    assert problems_of('{"source": "a", "source": "b"}') == ("'source': this key stands here a second time",)


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse_request(b"\xef\xbb\xbf" + json.dumps(BY_TYPE).encode()) == parse_request(BY_TYPE)


@pytest.mark.parametrize("timeout", [-1, -0.5, None])
def test_a_negative_search_timeout_is_none(timeout: float | None) -> None:
    assert parse_request(BY_TYPE | {"search_timeout": timeout}).search_timeout is None


def test_every_key_is_described() -> None:
    assert AuxRequest.descriptions().keys() == AuxRequest.model_fields.keys()


def test_what_the_settings_do_not_know_is_told_with_what_they_know() -> None:
    settings = parse_settings(settings_text("http://127.0.0.1:9"), base=Path())
    request = parse_request(BY_TYPE | {"source": "agds", "satellite": "S9Z"})

    with pytest.raises(RequestError) as caught:
        request.checked_against(settings)

    assert caught.value.problems[0] == "source: 'agds' is not known; known are adgs, catalog"
    assert caught.value.problems[1].startswith("satellite: 'S9Z' is not known; known are S1A, S1B")


@pytest.mark.parametrize("known", [{"source": "catalog"}, {"mission": "S1"}, {"satellite": "S1A"}])
def test_what_the_settings_know_is_accepted(known: dict[str, str]) -> None:
    settings = parse_settings(settings_text("http://127.0.0.1:9"), base=Path())
    request = parse_request(BY_TYPE | known)

    assert request.checked_against(settings) is request


@pytest.mark.parametrize("good", ["a", "A-1_b.c", "-x", "x" * 100, new_request_id(datetime.now(UTC))])
def test_an_id_is_letters_digits_and_three_signs(good: str) -> None:
    assert is_request_id(good)
    assert checked_request_id(good) == good


@pytest.mark.parametrize("bad", ["", ".", ".a", "a/b", "a b", "é", "x" * 101, "a...b", "a\n", "..\\a"])
def test_what_could_be_no_file_name_or_partition_is_no_id(bad: str) -> None:
    assert not is_request_id(bad)
    with pytest.raises(RequestError, match="is not the id"):
        checked_request_id(bad)


def test_new_ids_sort_by_time_and_differ() -> None:
    now = datetime(2026, 11, 21, 22, 45, 1, tzinfo=timezone(timedelta(hours=1)))
    first, second, later = (new_request_id(moment) for moment in (now, now, now + timedelta(seconds=1)))

    assert first.startswith("20261121T214501-")
    assert first != second
    assert max(first, second) < later


moments = st.datetimes(datetime(1970, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - as asked for
margins = st.timedeltas(timedelta(0), timedelta(days=400))
names = st.text("ABC_012é", min_size=1, max_size=8)
requests = st.builds(
    lambda first, second, **more: AuxRequest(start=min(first, second), end=max(first, second), **more),
    moments,
    moments,
    source=names,
    product_types=st.lists(names, min_size=1).map(tuple),
    policy=st.sampled_from(Policy),
    dt0=margins,
    dt1=margins,
    satellite=st.none() | names,
    selected_assets=st.none() | st.lists(names, min_size=1).map(tuple),
    search_timeout=st.none() | st.floats(0.001, 1e6),
    priority=st.integers(-100, 100),
    requester=st.text(max_size=20),
    error_if_empty=st.booleans(),
)


@settings(deadline=None)
@given(requests)
def test_a_request_that_was_written_is_read_as_the_same(request: AuxRequest) -> None:
    written = json.dumps(request.to_dict(), indent=1)

    assert parse_request(written) == request
    assert parse_request(written).digest == request.digest


@settings(deadline=None)
@given(requests, st.integers(1, 10))
def test_requests_that_differ_have_different_digests(request: AuxRequest, step: int) -> None:
    other = request.model_copy(update={"dt0": request.dt0 + timedelta(microseconds=step)})

    assert other.digest != request.digest


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(AuxRequest.model_fields)) | st.text(max_size=5), json_values))
def test_whatever_stands_in_a_document_it_is_a_request_or_an_error_of_requests(document: dict[str, Any]) -> None:
    try:
        request = parse_request(BY_TYPE | document)
    except RequestError:
        return
    assert parse_request(json.dumps(request.to_dict())) == request


@pytest.mark.parametrize("key", ["requester", "source", "\ud800", "filter", "mission"])
def test_half_a_character_is_refused_in_a_message_that_can_be_printed(key: str) -> None:
    problems = problems_of(json.dumps(BY_TYPE | {key: "S1\ud800"}))

    assert "".join(problems).encode()


@settings(deadline=None)
@given(st.binary())
def test_whatever_bytes_there_are_they_are_no_other_error(content: bytes) -> None:
    with pytest.raises(RequestError):
        parse_request(content)
