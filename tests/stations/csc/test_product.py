"""Products of an OData service: attributes by their type, footprints, and what of them the item says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rs_assets.items.validation import item_error
from rs_assets.stations.csc.attributes import attributes_of
from rs_assets.stations.csc.footprints import FootprintError, footprint_of
from rs_assets.stations.csc.product import ItemRule, Product, product_item
from rs_assets.stations.missions import belonging

SQUARE = [[[10, 50], [11, 50], [11, 51], [10, 51], [10, 50]]]


def attribute(kind: str, value: object) -> Any:
    [found] = attributes_of([{"@odata.type": f"#OData.CSC.{kind}Attribute", "Name": "x", "Value": value}]).values()
    return found.value


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("String", "007", "007"),
        ("Integer", "007", 7),
        ("Integer", 7, 7),
        ("Integer", "7.5", "7.5"),
        ("Int64", 2**40, 2**40),
        ("Double", "0.25", 0.25),
        ("Double", "NaN", "NaN"),
        ("Double", 1e400, "inf"),
        ("Boolean", "true", True),
        ("Boolean", False, False),
        ("Boolean", "perhaps", "perhaps"),
        ("DateTimeOffset", "2026-11-02T10:00:00.5Z", datetime(2026, 11, 2, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("DateTimeOffset", "yesterday", "yesterday"),
        ("Unheard", "text ", "text"),
    ],
)
def test_an_attribute_has_the_type_that_it_names(kind: str, value: object, read: object) -> None:
    found = attribute(kind, value)

    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    "listed", [None, "text", {}, [None, 3, {"Value": 1}, {"Name": "x"}, {"Name": "x", "Value": ""}]]
)
def test_what_is_no_attribute_is_left_out(listed: object) -> None:
    assert attributes_of(listed) == {}


def test_value_type_tells_where_the_odata_type_is_missing() -> None:
    assert attributes_of([{"Name": "x", "ValueType": "Integer", "Value": "7"}])["x"].value == 7


@pytest.mark.parametrize(
    "wkt",
    [
        "geography'SRID=4326;POLYGON((10 50,11 50,11 51,10 51,10 50))'",
        "geography'SRID=4326;Polygon ((10 50, 11 50, 11 51, 10 51, 10 50))'",
        "POLYGON((10 50, 11 50, 11 51, 10 51, 10 50))",
        " polygon z ((10 50 0, 11 50 0, 11 51 0, 10 51 0, 10 50 0)) ",
    ],
)
def test_a_footprint_is_read_from_wkt_as_from_geojson(wkt: str) -> None:
    geojson = {"type": "Polygon", "coordinates": SQUARE}

    assert footprint_of(None, wkt) == footprint_of(geojson, None) == (geojson, [10, 50, 11, 51])
    assert footprint_of(geojson, "nonsense") == (geojson, [10, 50, 11, 51])


@pytest.mark.parametrize(
    ("wkt", "kind", "bbox"),
    [
        ("POINT(10 50)", "Point", [10, 50, 10, 50]),
        ("LINESTRING(10 50,12 49)", "LineString", [10, 49, 12, 50]),
        ("MULTIPOINT((10 50),(12 49))", "MultiPoint", [10, 49, 12, 50]),
        ("MULTIPOINT(10 50,12 49)", "MultiPoint", [10, 49, 12, 50]),
        ("MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))", "MultiPolygon", [0, 0, 6, 6]),
        ("POLYGON((170 0,-170 0,-170 10,170 10,170 0))", "MultiPolygon", [170, 0, -170, 10]),
        ("POLYGON((170 0,190 0,190 10,170 10,170 0))", "MultiPolygon", [170, 0, -170, 10]),
        ("POLYGON((170 0,-170 0,-170 10,170 10))", "MultiPolygon", [170, 0, -170, 10]),
        ("POLYGON((-90 80,0 80,90 80,180 80,-90 80))", "Polygon", [-180, 80, 180, 90]),
        ("POLYGON((180 -80,90 -80,0 -80,-90 -80,180 -80))", "Polygon", [-180, -90, 180, -80]),
        ("POLYGON((0 0,1 0,1 1))", "Polygon", [0, 0, 1, 1]),
        (
            "MULTIPOLYGON(((170 0,180 0,180 9,170 0)),((-180 0,-170 0,-180 9,-180 0)))",
            "MultiPolygon",
            [170, 0, -170, 9],
        ),
        ("POLYGON((-180 -90,180 -90,180 90,-180 90,-180 -90))", "Polygon", [-180, -90, 180, 90]),
        ("POLYGON((-100 0,0 0,100 0,0 10,-100 0))", "Polygon", [-100, 0, 100, 10]),
    ],
)
def test_the_box_holds_the_geometry_also_across_the_antimeridian(wkt: str, kind: str, bbox: list[float]) -> None:
    found = footprint_of(None, wkt)

    assert found is not None
    assert (found[0]["type"], found[1]) == (kind, bbox)


@pytest.mark.parametrize(
    ("geojson", "wkt"),
    [
        ({"type": "Polygon"}, None),
        ({"type": "Circle", "coordinates": [0, 0]}, None),
        ({"type": "Polygon", "coordinates": []}, None),
        ({"type": "Polygon", "coordinates": [[]]}, None),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0]]]}, None),
        ({"type": "Polygon", "coordinates": [[[0, "0"], [1, 0], [1, 1], [0, 0]]]}, None),
        ({"type": "Point", "coordinates": [float("nan"), 0]}, None),
        ({"type": "Point", "coordinates": [1]}, None),
        ({"type": "Point", "coordinates": [0, 91]}, None),
        ({"type": ["Point"], "coordinates": [0, 0]}, None),
        (None, "POLYGON((0 0,1 0"),
        (None, "POLYGON((0 0,1 0,1 1,0 0)"),
        (None, "POLYGON((0 0,1 0,1 1,0 0))x"),
        (None, "POLYGON((a b,1 0,1 1,0 0))"),
        (None, "geography'SRID=3857;POINT(1 1)'"),
        (None, "nonsense"),
        (None, "POINT(" + "(" * 10_000),
    ],
)
def test_what_is_no_footprint_is_refused(geojson: object, wkt: object) -> None:
    with pytest.raises(FootprintError):
        footprint_of(geojson, wkt)


@pytest.mark.parametrize(("geojson", "wkt"), [(None, None), (None, ""), ("text", 7), ([], None)])
def test_nothing_is_no_footprint(geojson: object, wkt: object) -> None:
    assert footprint_of(geojson, wkt) is None


def item(**fields: object) -> Any:
    entity = {"Id": "k", "Name": "S1A_X.SAFE", "PublicationDate": "2026-11-02T10:00:00Z"} | fields
    product = Product.model_validate(entity)
    return product_item(product, ItemRule("made", "https://station/odata"), belonging([], name=product.name))


def test_an_item_has_the_place_of_its_footprint() -> None:
    found = item(Footprint="geography'SRID=4326;POLYGON((10 50,11 50,11 51,10 51,10 50))'")

    assert (found.geometry["type"], found.bbox) == ("Polygon", [10, 50, 11, 51])
    assert item_error(found.to_dict(include_self_link=False)) is None


def test_a_footprint_that_cannot_be_read_costs_the_item_nothing_else() -> None:
    found = item(Footprint="POLYGON((0 0")

    assert found.geometry is None
    assert "WKT" in found.properties["made:footprint_problem"]
    assert found.properties["made:id"] == "k"
    assert found.assets["S1A_X.SAFE"].href == "https://station/odata/Products(k)/$value"
