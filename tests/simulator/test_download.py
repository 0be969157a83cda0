"""Downloads: whole, in parts, conditional, and of what is not there."""

import pytest

from .station import Entity, Station


@pytest.fixture
async def product(station: Station) -> Entity:
    """A product of more than two chunks."""
    return next(product for product in await station.day() if product["ContentLength"] > 600_000)


async def test_a_download_tells_its_length_name_and_validators(station: Station, product: Entity) -> None:
    answer = await station.value(product)
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(product["ContentLength"]) == str(len(answer.content))
    assert answer.headers["content-disposition"] == f"attachment; filename={product['Name']}"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"].startswith('"')
    assert answer.headers["last-modified"].endswith("GMT")


async def test_head_has_the_headers_of_get_without_its_body(station: Station, product: Entity) -> None:
    url = f"/auxip/Products({product['Id']})/$value"
    head, get = await station.http.head(url), await station.http.get(url)
    assert head.status_code == 200
    assert head.headers == get.headers
    assert head.content == b""


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299999", 100, 300_000),
        ("bytes=300000-", 300_000, None),
        ("bytes=-10", -10, None),
        ("bytes=-99999999", 0, None),
        ("bytes=5-99999999", 5, None),
    ],
)
async def test_a_range_delivers_exactly_those_bytes(
    station: Station, product: Entity, header: str, start: int, stop: int | None
) -> None:
    whole = (await station.value(product)).content
    answer = await station.value(product, range=header)
    part = whole[start:stop]
    first = len(whole) + start if start < 0 else start
    assert answer.status_code == 206
    assert answer.content == part
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(whole)}"
    assert answer.headers["content-length"] == str(len(part))


@pytest.mark.parametrize("header", ["bytes={size}-", "bytes={size}-{size}", "bytes=-0"])
async def test_a_range_behind_the_end_is_not_satisfiable(station: Station, product: Entity, header: str) -> None:
    answer = await station.value(product, range=header.format(size=product["ContentLength"]))
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{product['ContentLength']}"


@pytest.mark.parametrize("header", ["bytes=2-1", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5"])
async def test_a_range_that_is_malformed_or_multiple_gets_the_whole(
    station: Station, product: Entity, header: str
) -> None:
    answer = await station.value(product, range=header)
    assert answer.status_code == 200
    assert len(answer.content) == product["ContentLength"]


async def test_if_range_keeps_the_range_only_for_the_same_bytes(station: Station, product: Entity) -> None:
    headers = (await station.value(product)).headers
    for same in (headers["etag"], headers["last-modified"]):
        assert (await station.value(product, range="bytes=5-9", if_range=same)).status_code == 206
    for other in ('"other"', "Mon, 01 Jan 2024 00:00:00 GMT", "nonsense"):
        assert (await station.value(product, range="bytes=5-9", if_range=other)).status_code == 200
    await station.control("republish", name=product["Name"], same_id=True)
    assert (await station.value(product, range="bytes=5-9", if_range=headers["etag"])).status_code == 200


async def test_an_empty_product_is_downloaded_and_has_no_ranges(station: Station) -> None:
    empty = await station.control("add", Name="empty.xml", size=0)
    answer = await station.value(empty)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert (await station.value(empty, range="bytes=0-")).status_code == 416


async def test_a_range_of_an_enormous_product_is_answered_at_once(station: Station) -> None:
    large = await station.control("add", Name="large.bin", size=10**13, Checksum=[])
    assert large["ContentLength"] == 10**13
    answer = await station.value(large, range="bytes=9999999999990-")
    assert answer.status_code == 206
    assert len(answer.content) == 10


@pytest.mark.parametrize("wanted", ["00000000-0000-0000-0000-000000000000", "id2", "'", ""])
async def test_an_unknown_id_is_not_found(station: Station, wanted: str) -> None:
    for url in (f"/auxip/Products({wanted})", f"/auxip/Products({wanted})/$value"):
        answer = await station.http.get(url)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "404"


async def test_an_odd_name_does_not_break_the_headers(station: Station) -> None:
    odd = await station.control("add", Name='a "b"; ü/../c.EOF')
    disposition = (await station.value(odd)).headers["content-disposition"]
    assert disposition == 'attachment; filename="a %22b%22%3B %C3%BC%2F..%2Fc.EOF"'
