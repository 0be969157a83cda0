"""The levers: faults, publications by hand, evictions, and the request log."""

import time
from typing import Any

import pytest

from .station import DAY, Station, names


async def test_a_fault_answers_in_place_of_the_station_as_often_as_it_is_told(station: Station) -> None:
    rule = {"path_contains": "Products", "status": 503, "headers": {"Retry-After": "7"}, "times": 2}
    await station.control("faults", **rule)
    answers = [await station.get(top=1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert (await station.http.get("/control/faults")).json() == []


async def test_a_fault_concerns_only_what_it_describes(station: Station) -> None:
    await station.control("faults", query_contains="Name eq 'a b'", method="get", status=500)
    assert (await station.get(filter="Name eq 'a b'")).status_code == 500
    assert (await station.get(filter="Name eq 'a c'")).status_code == 200
    assert (await station.http.head("/auxip/Products?$filter=Name eq 'a b'")).status_code == 200


async def test_faults_are_listed_and_removed(station: Station) -> None:
    one = await station.control("faults", id="mine", status=500)
    two = await station.control("faults", status=502)
    listed = (await station.http.get("/control/faults")).json()
    assert [rule["id"] for rule in listed] == ["mine", two["id"]]
    assert one == {"id": "mine"}
    assert (await station.http.delete("/control/faults/mine")).status_code == 204
    assert (await station.get(top=1)).status_code == 502
    assert (await station.http.delete("/control/faults")).status_code == 204
    assert (await station.get(top=1)).status_code == 200
    assert (await station.http.delete("/control/faults/mine")).status_code == 404


@pytest.mark.parametrize(
    "rule",
    [
        {"colour": "red"},
        {"status": "500"},
        {"times": "2"},
        {"times": 0},
        {"envelope": "paper"},
        {"headers": [1]},
        [1],
        "x",
    ],
)
async def test_a_rule_that_is_none_is_refused(station: Station, rule: Any) -> None:
    answer = await station.http.post("/control/faults", json=rule)
    assert answer.status_code == 400
    assert (await station.http.post("/control/faults", content=b"{")).status_code == 400


async def test_a_fault_can_have_any_body_and_type(station: Station) -> None:
    await station.control("faults", status=200, body="<html>down</html>", content_type="text/html")
    answer = await station.get()
    assert answer.text == "<html>down</html>"
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_delay_holds_the_true_answer_back(station: Station) -> None:
    await station.control("faults", delay_seconds=0.2)
    begun = time.monotonic()
    assert (await station.get(top=1)).status_code == 200
    assert time.monotonic() - begun >= 0.2


async def test_headers_and_type_of_a_true_answer_can_be_changed(station: Station) -> None:
    await station.control("faults", content_type="text/html", headers={"X-Odd": "1"})
    answer = await station.get(top=1)
    assert (answer.headers["content-type"], answer.headers["x-odd"]) == ("text/html", "1")
    assert len(answer.json()["value"]) == 1


async def test_a_truncated_body_stops_short_of_its_length(station: Station) -> None:
    product = (await station.day())[0]
    await station.control("faults", path_contains="$value", truncate_bytes=1500, times=1)
    whole, short = product["ContentLength"], await station.value(product)
    assert short.headers["content-length"] == str(whole)
    assert len(short.content) == 1500
    assert (await station.log())[-1]["bytes_sent"] == 1500
    assert (await station.value(product)).content[:1500] == short.content


async def test_a_corrupt_body_differs_in_one_byte(station: Station) -> None:
    product = (await station.day())[0]
    good = (await station.value(product)).content
    await station.control("faults", path_contains="$value", corrupt=True)
    bad = (await station.value(product)).content
    assert len(bad) == len(good)
    assert sum(a != b for a, b in zip(bad, good, strict=True)) == 1


@pytest.mark.parametrize(("status", "sent"), [(None, 307), (302, 302)])
async def test_a_redirect_leads_where_it_is_told(station: Station, status: int | None, sent: int) -> None:
    await station.control("faults", path_contains="$value", redirect_to="http://storage/x", status=status)
    answer = await station.http.get("/auxip/Products(x)/$value")
    assert (answer.status_code, answer.headers["location"]) == (sent, "http://storage/x")


async def test_collections_come_in_the_envelopes_of_other_stations(station: Station) -> None:
    value = await station.products(top=2)
    bodies = {}
    for envelope in ("bare_list", "responses", "missing", "empty_404"):
        await station.control("faults", envelope=envelope, times=1)
        bodies[envelope] = await station.get(top=2)
    assert bodies["bare_list"].json() == value
    assert bodies["responses"].json() == {"responses": value}
    assert set(bodies["missing"].json()) == {"@odata.context"}
    assert (bodies["empty_404"].status_code, bodies["empty_404"].content) == (404, b"")


async def test_a_fault_on_the_token_endpoint_leaves_data_alone() -> None:
    station = Station.started(auth="oauth2")
    await station.log_in()
    await station.control("faults", path_contains="/token", status=500)
    assert (await station.http.post("/auxip/token")).status_code == 500
    assert (await station.get(top=1)).status_code == 200


async def test_a_republished_product_is_listed_beside_the_old_one(station: Station) -> None:
    old = (await station.day())[0]
    new = await station.control("republish", name=old["Name"])
    both = await station.products(filter=f"Name eq '{old['Name']}'")
    assert [product["Id"] for product in both] == [old["Id"], new["Id"]]
    assert new["PublicationDate"] == "2024-05-04T12:00:00.000Z"
    assert new["Checksum"][0]["Value"] != old["Checksum"][0]["Value"]
    assert new["ContentLength"] == len((await station.value(new)).content) != old["ContentLength"]
    assert (await station.value(old)).status_code == 200


async def test_a_republished_product_can_replace_the_old_one(station: Station) -> None:
    old = (await station.day())[0]
    new = await station.control("republish", name=old["Name"], replace=True)
    assert [p["Id"] for p in await station.products(filter=f"Name eq '{old['Name']}'")] == [new["Id"]]
    assert (await station.value(old)).status_code == 404


async def test_a_product_can_be_republished_under_its_id(station: Station) -> None:
    old = (await station.day())[0]
    new = await station.control("republish", id=old["Id"], same_id=True, replace=True)
    assert new["Id"] == old["Id"]
    assert new["Checksum"] != old["Checksum"]
    assert [p["Id"] for p in await station.products(filter=f"Name eq '{old['Name']}'")] == [old["Id"]]
    assert old["Id"] not in {product["Id"] for product in await station.day()}


async def test_a_product_can_be_republished_with_the_same_bytes(station: Station) -> None:
    old = (await station.day())[0]
    new = await station.control("republish", name=old["Name"], checksum_changed=False)
    assert [c["Value"] for c in new["Checksum"]] == [c["Value"] for c in old["Checksum"]]
    assert new["Id"] != old["Id"]


async def test_an_evicted_product_is_gone(station: Station) -> None:
    by_id, by_name, *_ = await station.day()
    assert await station.control("evict", id=by_id["Id"]) == {"evicted": [by_id["Id"]]}
    assert await station.control("evict", name=by_name["Name"]) == {"evicted": [by_name["Id"]]}
    assert not {by_id["Name"], by_name["Name"]} & names(await station.day())
    assert (await station.value(by_id)).status_code == 404
    assert (await station.http.post("/control/evict", json={"id": by_id["Id"]})).status_code == 404


async def test_a_product_is_added_as_it_is_described(station: Station) -> None:
    added = await station.control(
        "add",
        Id="id2",
        Name="S9_odd name",
        size=12,
        ContentLength=13,
        PublicationDate=f"{DAY}T06:00:00Z",
        ContentDate={"Start": f"{DAY}T00:00:00Z", "End": "9999-12-31T00:00:00Z"},
        Checksum=[{"Algorithm": "MD5", "Value": "ABC"}],
        Attributes=[{"Name": "productType", "Value": "ODD"}, {"Name": "cloud", "Value": 0.5}],
    )
    listed = next(product for product in await station.day() if product["Name"] == "S9_odd name")
    assert listed == added
    assert listed["ContentLength"] == 13
    assert len((await station.value(listed)).content) == 12
    assert listed["Checksum"][0]["Value"] == "ABC"
    query = "Attributes/OData.CSC.DoubleAttribute/any(a:a/OData.CSC.DoubleAttribute/Value eq 0.5)"
    assert names(await station.products(filter=f"ContentDate/End eq 9999-12-31 and {query}")) == {"S9_odd name"}


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"Name": ""},
        {"Name": "a", "size": -1},
        {"Name": "a", "ContentLength": "x"},
        {"Name": "a", "PublicationDate": "soon"},
        {"Name": "a", "ContentDate": 5},
        {"Name": "a", "Checksum": 1},
        {"Name": "a", "Attributes": [1]},
        {"Name": "a", "Attributes": [{"Name": "b", "Value": 1, "ValueType": "Colour"}]},
    ],
)
async def test_a_product_that_cannot_be_is_refused(station: Station, order: dict[str, Any]) -> None:
    assert (await station.http.post("/control/add", json=order)).status_code == 400


async def test_a_later_publication_waits_for_its_time(station: Station) -> None:
    await station.control("add", Name="later.xml", PublicationDate="2024-05-05T00:00:00Z")
    assert await station.products(filter="Name eq 'later.xml'") == []
    await station.control("clock", now="2024-05-05T00:00:00+00:00")
    assert names(await station.products(filter="Name eq 'later.xml'")) == {"later.xml"}


async def test_the_log_tells_who_asked_for_what(station: Station) -> None:
    product = (await station.day())[0]
    await station.http.delete("/control/requests")
    await station.get(filter="Name eq 'a b+c'", top=3)
    await station.value(product, range="bytes=10-19")
    query, download = await station.log()
    assert (query["method"], query["path"], query["status"]) == ("GET", "/auxip/Products", 200)
    assert query["query"] == "$filter=Name eq 'a b+c'&$top=3"
    assert (download["status"], download["bytes_sent"], download["range"]) == (206, 10, "bytes=10-19")
    assert download["authorized"] is True


async def test_the_log_tells_accepted_credentials_from_refused_ones() -> None:
    station = Station.started(auth="oauth2")
    await station.get(top=1)
    await station.http.post("/auxip/token", data={"grant_type": "password"})
    await station.log_in()
    await station.control("faults", status=429, times=1)
    await station.get(top=1)
    assert [(entry["status"], entry["authorized"]) for entry in await station.log()] == [
        (401, False),
        (401, False),
        (200, True),
        (429, True),
    ]


async def test_the_control_interface_can_be_left_out() -> None:
    station = Station.started(control=False)
    assert (await station.http.get("/control/health")).status_code == 404
    assert (await station.get(top=1)).status_code == 200


async def test_health_is_answered_without_credentials() -> None:
    answer = await Station.started(auth="oauth2").http.get("/control/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
