"""Who may see credentials, which mission a product belongs to, and which window a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from rs_assets.settings import DEMO_SETTINGS, Mission, WindowLength, load_settings
from rs_assets.stations.missions import belonging
from rs_assets.stations.trust import Trust
from rs_assets.stations.window import Partition, Window

from .service import Service

TRUST = Trust("https://station.example/auxip", frozenset({"cdn.example"}))
MISSIONS: list[Mission] = list(load_settings(DEMO_SETTINGS).missions.values())


@pytest.mark.parametrize(
    "url",
    [
        "https://station.example/auxip/Products(1)/$value",
        "https://station.example:443/elsewhere",
        "https://STATION.example/",
        "https://cdn.example/file?design=1",
        "https://cdn.example:8443/file",
    ],
)
def test_a_trusted_place_is_sent_the_credentials(url: str) -> None:
    assert TRUST.covers(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/",
        "https://station.example.evil/",
        "https://station.example@evil.example/",
        "https://sub.station.example/",
        "https://station.example:8443/",
        "http://station.example/",
        "http://cdn.example/",
        "https://station.example/?X-Amz-Signature=x",
        "https://cdn.example/?a=b&X-Amz-Credential=x",
        "https://cdn.example/?AWSAccessKeyId=x&Signature=y",
        "https://cdn.example/?sv=1&sig=x",
        "https://cdn.example/?X-Goog-Signature=x",
    ],
)
def test_no_other_place_is_and_none_that_is_signed_already(url: str) -> None:
    assert not TRUST.covers(url)


def test_the_step_from_http_to_https_stays_at_home() -> None:
    assert Trust("http://station.example/").covers("https://station.example/")
    assert not Trust("http://station.example:8080/").covers("https://station.example/")


def test_a_trusted_host_may_be_written_in_capitals() -> None:
    station = Service().station(trusted_hosts=frozenset({"CDN.Example"}))

    assert Trust.of(station).covers("http://cdn.example/")


@pytest.mark.parametrize(
    ("product", "belongs_to", "contradicts"),
    [
        (("S1A_OPER_AUX", "SENTINEL-1", "A"), ("S1", "sentinel-1a"), False),
        (("S1A_OPER_AUX", None, None), ("S1", "sentinel-1a"), False),
        (("S1A_OPER_AUX", "SENTINEL-1", None), ("S1", "sentinel-1a"), False),
        (("S1A_OPER_AUX", "sentinel-1", "a"), ("S1", "sentinel-1a"), False),
        (("S1__AUX_WND", "SENTINEL-1", None), ("S1", None), False),
        (("S1__AUX_WND", None, None), ("S1", None), False),
        (("S1__AUX_WND", "SENTINEL-1", "B"), ("S1", "sentinel-1b"), False),
        (("S2__OPER_AUX_UT1UTC", "SENTINEL-2", None), ("S2", None), False),
        (("GRIB_FILE", "SENTINEL-2", "B"), ("S2", "sentinel-2b"), False),
        (("GRIB_FILE", "SENTINEL-2A", None), ("S2", "sentinel-2a"), False),
        (("S5P_AUX", "SENTINEL-5P", None), ("S5P", "sentinel-5p"), False),
        (("S5P_AUX", "Sentinel-5 Precursor", ""), ("S5P", "sentinel-5p"), False),
        (("GRIB_FILE", None, None), ("other", None), False),
        (("GRIB_FILE", "SENTINEL-6", "A"), ("other", None), False),
        (("S1A_OPER_AUX", "SENTINEL-1", "B"), ("S1", "sentinel-1a"), True),
        (("S1A_OPER_AUX", "SENTINEL-1", "Z"), ("S1", "sentinel-1a"), True),
        (("S1A_OPER_AUX", "SENTINEL-2", "A"), ("S1", "sentinel-1a"), True),
        (("S3B_AX___FRO_AX", "SENTINEL-1", None), ("S3", "sentinel-3b"), True),
        (("S3C_AX___FRO_AX", None, None), ("S3", "sentinel-3c"), False),
        (("S3C_AX___FRO_AX", "SENTINEL-3", "C"), ("S3", "sentinel-3c"), False),
        (("S3__AX___FRO_AX", "SENTINEL-3", "C"), ("S3", "sentinel-3c"), False),
        (("S1E", None, None), ("S1", "sentinel-1e"), False),
        (("S3_AX___FRO_AX", "SENTINEL-3", None), ("S3", None), False),
        (("S3CAX", None, None), ("S3", None), False),
        (("GRIB_FILE", "SENTINEL-2D", None), ("S2", "sentinel-2d"), False),
        (("GRIB_FILE", "SENTINEL-2", "S2D"), ("S2", "sentinel-2d"), False),
        (("GRIB_FILE", "SENTINEL-2", "unknown"), ("S2", None), False),
        (("S1A_OPER_AUX", "SENTINEL-6", "A"), ("S1", "sentinel-1a"), True),
    ],
)
def test_a_product_belongs_to_the_mission_of_its_name_else_of_its_platform(
    product: tuple[str, str | None, str | None], belongs_to: tuple[str, str | None], contradicts: bool
) -> None:
    name, short_name, serial = product

    found = belonging(MISSIONS, name=name, short_name=short_name, serial=serial)

    assert (found.mission_name, found.platform) == belongs_to
    assert (found.contradiction is not None) is contradicts


def test_the_longest_prefix_of_a_name_decides() -> None:
    s5, s5p = (mission.model_copy(update={"name_prefixes": (mission.name,)}) for mission in MISSIONS[-2:])
    short = s5.model_copy(update={"name": "S5", "name_prefixes": ("S5",)})

    assert belonging([short, s5p], name="S5P_AUX").mission is s5p
    assert belonging([s5p, short], name="S5_AUX").mission is short


START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("key", "length", "end"),
    [
        ("2026-11-01|S1", WindowLength.DAY, START + timedelta(days=1)),
        ("2026-11-01-00:00|S1", WindowLength.HOUR, START + timedelta(hours=1)),
    ],
)
def test_a_partition_is_read_from_its_key_and_written_back(key: str, length: WindowLength, end: datetime) -> None:
    partition = Partition.parse(key, length)

    assert (partition.window, partition.mission) == (Window(START, end), "S1")
    assert partition == Partition.at(START, length, "S1")
    assert partition.key == key
    assert ":" not in partition.path


def test_a_key_that_is_written_otherwise_is_the_same_partition() -> None:
    day = WindowLength.DAY

    assert Partition.parse("2026-11-1|S1", day) == Partition.parse("2026-11-01|S1", day)


@pytest.mark.parametrize("key", ["2026-11-01", "2026-11-01|", "|S1", "2026-11-01-00:00|S1", "yesterday|S1", ""])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"partition key|does not match|remains"):
        Partition.parse(key, WindowLength.DAY)


def test_a_window_is_closed_when_the_lag_has_passed_since_its_end() -> None:
    window, lag = Window(START, START + timedelta(days=1)), timedelta(hours=2)

    assert not window.is_closed(window.end + lag - timedelta(microseconds=1), lag)
    assert window.is_closed(window.end + lag, lag)
