"""What a station may list beside good products: it is rejected with its reason, and costs no neighbour."""

import json
from typing import Any

import httpx
import pytest

from rs_assets.selection.vocabulary import Vocabulary
from rs_assets.stations.csc.product import ItemRule
from rs_assets.stations.csc.search import ProductSearch
from rs_assets.stations.http import StationConnection
from rs_assets.stations.search import Answer

from ..searching import DAY, MISSIONS, numbered
from ..service import Service


async def search(*entities: str) -> Answer:
    """What a search finds where the station lists these entities, as raw JSON."""
    body = f'{{"value": [{", ".join(entities)}]}}'
    service = Service().on("/auxip/Products", lambda _: httpx.Response(200, content=body.encode()))
    async with StationConnection(service.station(), transport=httpx.MockTransport(service)) as connection:
        rule = ItemRule("auxip", str(connection.station.url))
        found = ProductSearch(connection, MISSIONS, vocabulary=Vocabulary({}), rule=rule)
        return await found.search(DAY, "S1")


GOOD = json.dumps(numbered(1))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Name": "S1A_\ud800.EOF"}, "lone surrogate"),
        ({"Id": "id-\udfff"}, "lone surrogate"),
        ({"Name": "S1A_\x1b[31m.EOF"}, "control character"),
        ({"Name": "S1A_\n.EOF"}, "control character"),
        ({"Name": "S1A_A\0B.EOF"}, "control character"),
        ({"Name": None}, "Name"),
        ({"Name": ""}, "Name"),
        ({"Name": ["S1A"]}, "Name"),
        ({"Name": {"a": 1}}, "Name"),
        ({"Id": None}, "no Id"),
        ({"Id": ["x"]}, "Id"),
        ({"Id": {}}, "Id"),
    ],
)
async def test_a_product_that_cannot_be_identified_is_rejected_and_costs_no_neighbour(
    changes: dict[str, Any], reason: str
) -> None:
    answer = await search(json.dumps(numbered(2, **changes)), GOOD)

    assert [item.id for item in answer.items] == ["S1A_AUX_1"]
    [rejected] = answer.rejected
    assert reason in rejected.reason
    for text in (rejected.name, rejected.key, rejected.reason):
        assert text.isprintable()
        text.encode()


@pytest.mark.parametrize("odd", ["null", "1", '"text"', "[]", "{}"])
async def test_an_entry_that_is_not_a_product_at_all_is_rejected(odd: str) -> None:
    answer = await search(odd, GOOD)

    assert [item.id for item in answer.items] == ["S1A_AUX_1"]
    assert len(answer.rejected) == 1


@pytest.mark.parametrize(
    "field",
    [
        "ContentLength",
        "ContentDate",
        "OriginDate",
        "EvictionDate",
        "Checksum",
        "Attributes",
        "GeoFootprint",
        "Footprint",
        "ContentType",
        "Online",
    ],
)
@pytest.mark.parametrize(
    "value",
    ["null", "0", "-1", "NaN", "1e999", '"\\ud800"', '"a\\u0000b"', "[]", "{}", "[[]]", "9" * 5000,
     '[{"Name": "\\ud800"}]',
     '{"Start": "\\ud800", "End": []}', '[{"Algorithm": [], "Value": {}}]', '[{"Name": {}, "Value": []}]',
     "[" * 500 + "]" * 500, "true", '{"type": "Polygon", "coordinates": [[[NaN, 1]]]}', '"' + "x" * 100_000 + '"'],
)  # fmt: skip
async def test_a_field_that_cannot_be_read_is_unknown(field: str, value: str) -> None:
    odd = json.dumps(numbered(2))[:-1] + f', "{field}": {value}}}'

    answer = await search(odd, GOOD)

    assert sorted(item.id for item in answer.items) == ["S1A_AUX_1", "S1A_AUX_2"]
    assert answer.rejected == []
    for item in answer.items:
        json.dumps(item.to_dict(), allow_nan=False, ensure_ascii=False).encode()
