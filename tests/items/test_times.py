from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rs_assets.items.times import OPEN_END, format_time, parse_time, utc_now


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-11-01T10:20:30Z", 0),
        ("2026-11-01T10:20:30.1Z", 100_000),
        ("2026-11-01T10:20:30.12Z", 120_000),
        ("2026-11-01T10:20:30.123Z", 123_000),
        ("2026-11-01T10:20:30.1234Z", 123_400),
        ("2026-11-01T10:20:30.12345Z", 123_450),
        ("2026-11-01T10:20:30.123456Z", 123_456),
        ("2026-11-01T10:20:30.1234567Z", 123_456),
        ("2026-11-01T10:20:30.123456789Z", 123_456),
        ("2026-11-01T10:20:30.123", 123_000),
        ("2026-11-01T10:20:30+00:00", 0),
        ("2026-11-01T12:20:30.5+02:00", 500_000),
        ("20261101T102030", 0),
        (" 2026-11-01 10:20:30 ", 0),
    ],
)
def test_every_way_of_writing_an_instant_is_read_as_aware_utc(text: str, microsecond: int) -> None:
    moment = parse_time(text)

    assert moment == datetime(2026, 11, 1, 10, 20, 30, microsecond, tzinfo=UTC)
    assert moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["2026-11-01T10:20Z", "2026-11-01T10:20", "2026-11-01T10:20+00:00"])
def test_a_date_to_the_minute_is_read(text: str) -> None:
    assert parse_time(text) == datetime(2026, 11, 1, 10, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "99999999T999999",
        "9999-99-99T99:99:99",
        "9999-99-99T99:99:99.999Z",
        "99999999",
        "99991231T235959",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_every_way_of_writing_no_end_is_the_open_end(text: str) -> None:
    assert parse_time(text) == OPEN_END


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "99999999Tuesday", "0001-01-01T00:00:00+01:00", "nan"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a date|before the first year"):
        parse_time(text)


def test_the_first_and_the_last_microsecond_survive_the_way_out_and_in() -> None:
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert parse_time(format_time(moment)) == moment


@given(st.datetimes(), st.integers(-14, 14))
def test_an_instant_of_any_zone_is_printed_in_utc_and_read_back(local: datetime, hours: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(hours=hours)))
    assume(1 < local.year < 9999)

    text = format_time(moment)

    assert text.endswith("Z")
    assert parse_time(text) == moment


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        format_time(datetime(2026, 11, 1))  # noqa: DTZ001 - the fault that is tested


def test_now_is_aware() -> None:
    assert utc_now().tzinfo is UTC
