"""Filters against brute force, order, paging, and what is refused."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from .station import Entity, Station, attribute, names

START = "ContentDate/Start"
ANY = "Attributes/OData.CSC.StringAttribute/any(att:att/Name eq '{}' and att/OData.CSC.StringAttribute/Value {})"


@pytest.fixture(scope="module")
def month() -> Station:
    """A station whose archive is five weeks long, so that all of it can be compared; nobody changes it."""
    return Station.started(first_day=date(2024, 4, 1), max_page=5000)


_everything: list[Entity] = []


@pytest.fixture
async def everything(month: Station) -> list[Entity]:
    """All that the station has, with attributes."""
    if not _everything:
        _everything.extend(await month.products(expand="Attributes"))
    return _everything


def _start(p: Entity) -> str:
    return str(p["ContentDate"]["Start"])


def _end(p: Entity) -> str:
    return str(p["ContentDate"]["End"])


CASES: dict[str, Callable[[Entity], bool]] = {
    "Name ne 'x'": lambda p: p["Name"] != "x",
    "contains(Name,'AUX_RESORB')": lambda p: "AUX_RESORB" in p["Name"],
    "contains(Name,'20240412')": lambda p: "20240412" in p["Name"],
    "startswith(Name,'S2')": lambda p: p["Name"].startswith("S2"),
    "endswith(Name,'.TGZ') or endswith(Name,'_001.SEN3.zip')": lambda p: p["Name"].endswith((".TGZ", ".SEN3.zip")),
    "not contains(Name,'AUX') and not (ContentLength gt 9000)": lambda p: (
        "AUX" not in p["Name"] and p["ContentLength"] <= 9000
    ),
    "(contains(Name,'S1A') or contains(Name,'S3B')) and contains(Name, '_AUX_')": lambda p: (
        ("S1A" in p["Name"] or "S3B" in p["Name"]) and "_AUX_" in p["Name"]
    ),
    "length(Name) lt 60": lambda p: len(p["Name"]) < 60,
    "tolower(Name) eq Name or toupper(substring(Name,0,3)) eq 'S2A'": lambda p: p["Name"].startswith("S2A"),
    "indexof(Name,'PREORB') eq 13": lambda p: p["Name"].find("PREORB") == 13,
    "substring(Name, 4) eq 'x' or substring(Name, 0, 2) eq 'S5'": lambda p: p["Name"].startswith("S5"),
    "concat(trim(Name), '!') eq concat(Name, '!') and month(PublicationDate) eq 5": lambda p: p[
        "PublicationDate"
    ].startswith("2024-05"),
    "ContentLength ge 1000000": lambda p: p["ContentLength"] >= 1_000_000,
    "ContentLength lt 5000.5": lambda p: p["ContentLength"] < 5000.5,
    "PublicationDate gt 2024-05-03": lambda p: p["PublicationDate"] > "2024-05-03T00:00:00.000Z",
    "2024-05-03T10:00Z lt PublicationDate": lambda p: p["PublicationDate"] > "2024-05-03T10:00:00.000Z",
    "PublicationDate le 2024-04-02T03:00:00.1234567Z": lambda p: p["PublicationDate"] <= "2024-04-02T03:00:00.123Z",
    "PublicationDate lt 2024-04-02T03:00:00+02:00": lambda p: p["PublicationDate"] < "2024-04-02T01:00:00.000Z",
    "ContentDate/Start le 2024-04-20T06:00:00Z and ContentDate/End ge 2024-04-20T07:00:00.0Z": lambda p: (
        _start(p) <= "2024-04-20T06:00:00.000Z" and _end(p) >= "2024-04-20T07:00:00.000Z"
    ),
    "ContentDate/End gt 2099-01-01T00:00:00Z": lambda p: _end(p) > "2099",
    "ContentDate/End eq 9999-12-31T23:59:59.000Z": lambda p: _end(p).startswith("9999"),
    "ContentDate/Start gt 2024-04-08T00:00:00Z and ContentDate/End lt 2024-04-10T00:00:00Z": lambda p: (
        _start(p) > "2024-04-08T00:00:00.000Z" and _end(p) < "2024-04-10T00:00:00.000Z"
    ),
    "(ContentDate/Start lt 2024-04-03T00:00:00Z or ContentDate/Start eq 2024-04-10T22:59:42Z)": lambda p: (
        _start(p) < "2024-04-03T00:00:00.000Z" or _start(p) == "2024-04-10T22:59:42.000Z"
    ),
    "OriginDate gt 2024-05-04T00:00:00Z and EvictionDate lt 2024-05-11T06:00:00Z": lambda p: (
        p["OriginDate"] > "2024-05-04T00:00:00.000Z" and p["EvictionDate"] < "2024-05-11T06:00:00.000Z"
    ),
    ANY.format("productType", "eq 'AUX_PP2'"): lambda p: attribute(p, "productType") == "AUX_PP2",
    ANY.format("productType", "in ('AUX_UT1UTC', 'AX___FRO_AX')"): lambda p: (
        attribute(p, "productType") in {"AUX_UT1UTC", "AX___FRO_AX"}
    ),
    ANY.format("productType", "in ('AUX_CAL')"): lambda p: attribute(p, "productType") == "AUX_CAL",
    ANY.format("productType", "ne 'AUX_RESORB'"): lambda p: attribute(p, "productType") != "AUX_RESORB",
    "not " + ANY.format("productType", "eq 'AUX_RESORB'"): lambda p: attribute(p, "productType") != "AUX_RESORB",
    ANY.format("platformShortName", "eq 'SENTINEL-2'")
    + " and "
    + ANY.format("platformSerialIdentifier", "eq 'B'"): lambda p: p["Name"].startswith("S2B"),
    ANY.format("productType", "eq 'AUX_PP1'") + " or contains(Name,'MPL_ORBSCT')": lambda p: (
        attribute(p, "productType") in {"AUX_PP1", "MPL_ORBSCT"}
    ),
    "Attributes/any(a:a/Name eq 'platformSerialIdentifier' and a/Value eq 'A')": lambda p: (
        attribute(p, "platformSerialIdentifier") == "A"
    ),
    "Attributes/OData.CSC.IntegerAttribute/any(a:a/Name eq 'orbitNumber' and "
    "a/OData.CSC.IntegerAttribute/Value gt 53000)": lambda p: (attribute(p, "orbitNumber") or 0) > 53000,
    "Attributes/OData.CSC.DateTimeOffsetAttribute/any(a:a/Name eq 'beginningDateTime' and "
    "a/OData.CSC.DateTimeOffsetAttribute/Value lt 2024-04-01T00:00:00.000Z)": lambda p: (
        _start(p) < "2024-04-01T00:00:00.000Z"
    ),
    "Attributes/OData.CSC.IntegerAttribute/any()": lambda p: attribute(p, "orbitNumber") is not None,
    "Attributes/all(a:a/Name ne 'platformSerialIdentifier')": lambda p: (
        attribute(p, "platformSerialIdentifier") is None
    ),
}


@pytest.mark.parametrize("query", CASES)
async def test_a_filter_lets_the_same_products_pass_as_brute_force(
    month: Station, everything: list[Entity], query: str
) -> None:
    wanted = {product["Id"] for product in everything if CASES[query](product)}
    assert wanted, "this case compares nothing with nothing"
    assert {product["Id"] for product in await month.products(filter=query)} == wanted


async def test_names_and_ids_are_found_one_by_one_and_in_lists(month: Station) -> None:
    some = (await month.products())[::211]
    for product in some:
        assert await month.products(filter=f"Name eq '{product['Name']}'") == [product]
        assert await month.products(filter=f"Id eq {product['Id']}") == [product]
        assert await month.products(filter=f"Id eq '{product['Id']}'") == [product]
    listed = ",".join(f"'{product['Name']}'" for product in some)
    assert await month.products(filter=f"Name in ({listed})") == some
    either = " or ".join(f"Name eq '{product['Name']}'" for product in some * 40)
    assert await month.products(filter=either) == some


async def test_a_quote_in_a_literal_is_written_twice(station: Station) -> None:
    await station.control("add", Name="it's odd, eq 'or' (not)+&#.xml")
    assert len(await station.products(filter="Name eq 'it''s odd, eq ''or'' (not)+&#.xml'")) == 1


@pytest.mark.parametrize(
    ("kind", "value", "literal"),
    [("Double", 12.5, "12.5"), ("Boolean", True, "true"), ("Integer", 7, "7"), ("String", "x", "'x'")],
)
async def test_attributes_of_every_kind_can_be_asked_for(station: Station, kind: str, value: Any, literal: str) -> None:
    await station.control("add", Name="a.xml", Attributes={"quality": value})
    cast = f"OData.CSC.{kind}Attribute"
    has = f"Attributes/{cast}/any(a:a/Name eq 'quality' and a/{cast}/Value {{}} {literal})"
    query = f"PublicationDate gt 2024-05-04 and {has}"
    assert names(await station.products(filter=query.format("eq"))) == {"a.xml"}
    assert await station.products(filter=query.format("ne")) == []


@pytest.mark.parametrize(
    "options",
    [
        {"filter": "Name eq"},
        {"filter": ""},
        {"filter": "Name"},
        {"filter": "Name eq 'open"},
        {"filter": "Colour eq 'red'"},
        {"filter": "ContentDate/Middle eq 2024-01-01T00:00:00Z"},
        {"filter": "PublicationDate gt '2024-01-01'"},
        {"filter": "PublicationDate gt 2024-02-31T00:00:00Z"},
        {"filter": "ContentLength eq 'many'"},
        {"filter": "not(contains(Name,'x'))"},
        {"filter": "matchesPattern(Name,'(a+)+$')"},
        {"filter": "contains(Name)"},
        {"filter": "Checksum/any(c:c/Value eq 'x')"},
        {"filter": "Attributes/OData.CSC.ColourAttribute/any(a:a/Name eq 'x')"},
        {"filter": "Attributes/any(a:a/Colour eq 'x')"},
        {"filter": "Name in (tolower('A'))"},
        {"filter": "ContentLength eq " + "9" * 5000},
        {"filter": "not " * 3000 + "contains(Name,'x')"},
        {"orderby": "Colour"},
        {"orderby": "Name sideways"},
        {"orderby": ""},
        {"top": "ten"},
        {"top": "-1"},
        {"skip": "1.5"},
        {"skip": "9" * 30},
        {"count": "maybe"},
        {"expand": "Everything"},
        {"search": "x"},
    ],
)
async def test_what_is_malformed_or_unknown_is_refused_with_an_odata_error(
    station: Station, options: dict[str, str]
) -> None:
    answer = await station.get(**options)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "400"
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "query",
    [
        "Attributes/any(a:contains(a/Value,'x'))",
        "Attributes/any(a:a/Value gt 'x')",
        "Name in ('a',null)",
        "Name ne null and contains(Name,'nothing')",
        "null eq null and false",
    ],
)
async def test_a_filter_on_values_of_mixed_types_is_answered(station: Station, query: str) -> None:
    assert (await station.get(filter=f"PublicationDate gt 2024-05-04 and {query}")).status_code == 200


async def test_the_default_order_is_publication_then_id(month: Station) -> None:
    keys = [(product["PublicationDate"], product["Id"]) for product in await month.products()]
    assert keys == sorted(keys)


@pytest.mark.parametrize("order", ["PublicationDate", "ContentDate/Start", "ContentLength", "Name"])
async def test_orderby_sorts_in_both_directions(month: Station, order: str) -> None:
    def key(product: Entity) -> Any:
        return _start(product) if order == START else product[order]

    ascending = [key(product) for product in await month.products(orderby=order)]
    descending = [key(product) for product in await month.products(orderby=f"{order} desc")]
    assert ascending == sorted(ascending) == list(reversed(descending))


async def test_a_second_key_sorts_what_the_first_leaves_equal(month: Station) -> None:
    products = await month.products(orderby="PublicationDate desc, Name asc")
    keys = [(product["PublicationDate"], product["Name"]) for product in products]
    assert keys == sorted(sorted(keys, key=lambda k: k[1]), key=lambda k: k[0], reverse=True)


@pytest.mark.parametrize("order", ["PublicationDate desc", "ContentLength asc"])
async def test_next_links_visit_every_product_once(order: str) -> None:
    station = Station.started(first_day=date(2024, 4, 28), max_page=50)
    everything = await Station.started(first_day=date(2024, 4, 28)).products(orderby=order)
    answer = await station.get(
        filter="contains(Name,'S') and not (Name eq 'a+b')", orderby=order, top=500, count="true", expand="Attributes"
    )
    seen: list[str] = []
    while True:
        page = answer.json()
        assert 0 < len(page["value"]) <= 50
        assert page["@odata.count"] == len(everything)
        assert all("Attributes" in product for product in page["value"])
        seen += [product["Id"] for product in page["value"]]
        if "@odata.nextLink" not in page:
            break
        answer = await station.http.get(page["@odata.nextLink"])
    assert seen == [product["Id"] for product in everything]


async def test_the_last_full_page_has_no_next_link(month: Station) -> None:
    count = (await month.get(count="true", top=0)).json()["@odata.count"]
    assert "@odata.nextLink" not in (await month.get(top=10, skip=count - 10)).json()
    assert "@odata.nextLink" in (await month.get(top=10, skip=count - 11)).json()
    assert "@odata.nextLink" not in (await month.get(top=0)).json()


async def test_a_station_without_next_links_is_paged_by_skip() -> None:
    station = Station.started(first_day=date(2024, 5, 2), next_link=False, max_page=40)
    seen: list[str] = []
    while page := (await station.get(skip=len(seen))).json():
        assert "@odata.nextLink" not in page
        if not page["value"]:
            break
        seen += [product["Id"] for product in page["value"]]
    assert len(seen) == len(set(seen)) > 100


async def test_attributes_are_shown_only_when_they_are_asked_for(station: Station) -> None:
    plain = (await station.products(top=1))[0]
    expanded = (await station.products(top=1, expand="Attributes"))[0]
    assert "Attributes" not in plain
    assert expanded.pop("Attributes")[0] == {
        "@odata.type": "#OData.CSC.StringAttribute",
        "Name": "platformShortName",
        "ValueType": "String",
        "Value": "SENTINEL-1",
    }
    assert expanded == plain


async def test_the_metadata_name_the_product_and_its_properties(station: Station) -> None:
    text = (await station.http.get("/auxip/$metadata")).text
    assert '<EntityType Name="Product"' in text
    assert all(f'"{name}"' in text for name in (await station.products(top=1))[0] if "@" not in name)
