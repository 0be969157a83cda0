from collections.abc import Callable
from datetime import datetime
from itertools import product
from typing import Any

import cql2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pystac import Item

from rs_assets.selection import compile_filter, matches, parse
from rs_assets.selection.expression import Between, Comparison, In, Number, Property, Scalar, Text, Timestamp
from rs_assets.selection.operators import ComparisonOperator

from .samples import DAY, item_with
from .trees import moments, words

SQUARE: dict[str, Any] = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]}
RING: dict[str, Any] = {
    "type": "Polygon",
    "coordinates": [*SQUARE["coordinates"], [[2, 2], [8, 2], [8, 8], [2, 8], [2, 2]]],
}

ITEM = item_with(
    "S1A_AUX",
    text="Mixed",
    number=5,
    truth=True,
    date="2026-11-01",
    time="2026-11-01T12:00:00.000001+02:00",
    naive="2026-11-01T10:00:00.000001",
    empty=None,
    list=[1],
    quote="it's 50%_",
    lines="a\nb",
)


def truth(text: str, item: Item = ITEM) -> bool | None:
    return compile_filter(parse(text))(item)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text = 'Mixed'", True),
        ("text = 'mixed'", False),
        ("text <> 'mixed'", True),
        ("text < 'N'", True),
        ("text >= 'N'", False),
        ("'N' > text", True),
        ("'N' < text", False),
        ("number = 5", True),
        ("number > 5", False),
        ("number >= 5", True),
        ("number < 5.5", True),
        ("4 <= number", True),
        ("truth = TRUE", True),
        ("truth <> FALSE", True),
        ("text = text", True),
        ("id = 'S1A_AUX'", True),
        ("collection = 's1_aux'", True),
        ("properties.number = 5", True),
        ("number IN (1, 5)", True),
        ("text IN ('x', 'Mixed')", True),
        ("text NOT IN ('x', 'y')", True),
        ("time IN ('2026-11-01T10:00:00.000001Z')", True),
        ("number BETWEEN 5 AND 6", True),
        ("number BETWEEN 6 AND 7", False),
        ("number NOT BETWEEN 6 AND 7", True),
        ("text LIKE 'M%'", True),
        ("text LIKE 'm%'", False),
        ("text LIKE '%xe%'", True),
        ("text LIKE 'Mixe_'", True),
        ("text LIKE 'Mixed_'", False),
        ("text LIKE 'Mix'", False),
        ("text NOT LIKE 'x%'", True),
        (r"quote LIKE 'it''s 50\%\_'", True),
        (r"text LIKE 'M\%'", False),
        ("text LIKE 'M.*'", False),
        ("lines LIKE 'a%b'", True),
        ("CASEI(text) = CASEI('mIXED')", True),
        ("CASEI(text) LIKE CASEI('MI%')", True),
        ("CASEI(text) IN (CASEI('x'), CASEI('MIXED'))", True),
        ("CASEI(text) = 'Mixed'", False),
        ("datetime LIKE '2026-11-01%'", True),
        ("empty IS NULL", True),
        ("missing IS NULL", True),
        ("number IS NULL", False),
        ("geometry IS NULL", True),
        ("collection IS NOT NULL", True),
        ("TRUE", True),
        ("FALSE", False),
    ],
)
def test_a_condition_is_true_or_false(text: str, expected: bool) -> None:
    assert truth(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "missing = 1",
        "missing <> 1",
        "empty = 'x'",
        "'x' < empty",
        "missing IN (1, 2)",
        "missing NOT IN ('x')",
        "missing BETWEEN 1 AND 2",
        "missing LIKE '%'",
        "missing NOT LIKE '%'",
        "CASEI(missing) = CASEI('x')",
        "missing = missing",
        "missing > TIMESTAMP('2026-01-01T00:00:00Z')",
        "T_BEFORE(missing, DATE('2026-01-01'))",
        "T_INTERSECTS(INTERVAL(datetime, missing), INTERVAL('..', '..'))",
        "NOT T_INTERSECTS(INTERVAL(missing, '..'), INTERVAL('..', '..'))",
        "S_INTERSECTS(geometry, POINT(0 0))",
        "NOT S_INTERSECTS(missing, geometry)",
    ],
)
def test_a_condition_on_a_missing_or_null_property_is_unknown_and_so_is_its_negation(text: str) -> None:
    assert truth(text) is None
    assert truth(f"NOT ({text})") is None
    assert not matches(parse(text), ITEM)
    assert not matches(parse(f"NOT ({text})"), ITEM)


@pytest.mark.parametrize(
    "text", ["text = 5", "number <> 'x'", "number = TRUE", "truth = 1", "truth > 0", "list = 1", "number LIKE '5'",
             "text > TIMESTAMP('2026-01-01T00:00:00Z')", "number > DATE('2026-01-01')"]
)  # fmt: skip
def test_values_that_cannot_be_compared_make_it_unknown(text: str) -> None:
    assert truth(text) is None


TRUTHS = {"TRUE": True, "FALSE": False, "missing = 1": None}


@pytest.mark.parametrize(("one", "other"), [*product(TRUTHS, TRUTHS)])
def test_and_and_or_follow_the_truth_table(one: str, other: str) -> None:
    values = {TRUTHS[one], TRUTHS[other]}
    conjunction = False if False in values else None if None in values else True
    disjunction = True if True in values else None if None in values else False

    assert truth(f"{one} AND {other}") is conjunction
    assert truth(f"{one} OR {other}") is disjunction


@pytest.mark.parametrize(("text", "expected"), [("TRUE", False), ("FALSE", True), ("missing = 1", None)])
def test_not_follows_the_truth_table(text: str, expected: bool | None) -> None:
    assert truth(f"NOT {text}") is expected


@pytest.mark.parametrize("name", ["time", "naive"])
@pytest.mark.parametrize(
    ("relation", "literal"),
    [
        ("=", "'2026-11-01T10:00:00.000001Z'"),
        ("=", "'2026-11-01T15:00:00.000001+05:00'"),
        ("=", "TIMESTAMP('2026-11-01T11:00:00.000001+01:00')"),
        (">", "'2026-11-01T10:00:00Z'"),
        (">", "'2026-11-01T23:00:00+23:00'"),
        ("<", "TIMESTAMP('2026-11-01T10:00:00.000002Z')"),
        (">=", "DATE('2026-11-01')"),
        ("<", "DATE('2026-11-02')"),
        ("<", "'2026-11-02'"),
    ],
)
def test_times_compare_as_time_whatever_their_zone_and_not_as_text(name: str, relation: str, literal: str) -> None:
    assert truth(f"{name} {relation} {literal}") is True


def test_a_day_is_its_midnight() -> None:
    assert truth("date = TIMESTAMP('2026-11-01T00:00:00Z')") is True
    assert truth("datetime = DATE('2026-11-01')") is True
    assert truth("datetime = '2026-11-01'") is True


def test_two_properties_compare_as_time() -> None:
    assert truth("time = naive") is True
    assert truth("date < time") is True


def test_text_that_is_no_date_stays_text_beside_a_date() -> None:
    assert truth("time <> 'never'") is True
    assert truth("text <> '2026-11-01'") is True


def test_the_datetime_is_that_of_the_item() -> None:
    item = item_with(moment=None)
    item.properties["datetime"] = "2026-11-01T00:00:00Z"

    assert truth("datetime IS NULL", item) is True
    assert truth("datetime = '2026-11-01T00:00:00Z'", item) is None


def test_a_compiled_filter_serves_many_items() -> None:
    is_small = compile_filter(parse("n < 3"))

    assert [is_small(item_with(n=n)) for n in (1, 5, None)] == [True, False, None]


@pytest.mark.parametrize(
    ("geometry", "literal", "expected"),
    [
        (SQUARE, {"type": "Point", "coordinates": [5, 5]}, True),
        (SQUARE, {"type": "Point", "coordinates": [10, 10]}, True),
        (SQUARE, {"type": "Point", "coordinates": [11, 5]}, False),
        (RING, {"type": "Point", "coordinates": [5, 5]}, False),
        (RING, {"type": "LineString", "coordinates": [[5, 5], [9, 9]]}, True),
        (RING, {"bbox": [3, 3, 7, 7]}, False),
        (RING, {"bbox": [3, 3, 8, 7]}, True),
        (RING, {"bbox": [-1, -1, 0, 11, 11, 9]}, True),
        ({"type": "Point", "coordinates": [175, 0]}, {"bbox": [170, -10, -170, 10]}, True),
        ({"type": "Point", "coordinates": [-175, 0]}, {"bbox": [170, -10, -170, 10]}, True),
        ({"type": "Point", "coordinates": [0, 0]}, {"bbox": [170, -10, -170, 10]}, False),
        ({"type": "Point", "coordinates": [5, 5, 100]}, SQUARE, True),
        ({"type": "MultiPoint", "coordinates": [[5, 5], [1, 1]]}, RING, True),
        ({"type": "GeometryCollection", "geometries": [SQUARE]}, {"type": "Point", "coordinates": [1, 1]}, True),
        ({"type": "Polygon", "coordinates": [[[0, 20], [20, 0], [20, 20], [0, 20]]]}, {"bbox": [0, 0, 9, 9]}, False),
        ({"type": "Polygon", "coordinates": "broken"}, SQUARE, None),
        (None, SQUARE, None),
    ],
)
def test_geometries_meet_by_their_shape_and_not_by_their_boxes(geometry: Any, literal: Any, expected: Any) -> None:
    item = item_with(geometry=geometry)

    assert compile_filter(parse({"op": "s_intersects", "args": [{"property": "geometry"}, literal]}))(item) is expected
    assert compile_filter(parse({"op": "s_intersects", "args": [literal, {"property": "geometry"}]}))(item) is expected


def test_two_geometries_of_an_item_meet() -> None:
    item = item_with(geometry=SQUARE, proj__geometry=RING)

    assert truth('S_INTERSECTS(geometry, "proj:geometry")', item) is True


oracle_values = st.tuples(st.just("text"), words, words.map(Text)) | st.tuples(
    st.just("number"), st.integers(-3, 3), st.integers(-3, 3).map(Number)
)
oracle_times = st.tuples(st.just("updated"), moments.map(datetime.isoformat), moments.map(Timestamp))


@given(st.sampled_from(ComparisonOperator), oracle_values | oracle_times)
@example(ComparisonOperator.EQUAL, ("updated", "2026-11-01T02:00:00+02:00", Timestamp(DAY)))
def test_comparisons_agree_with_another_implementation(
    relation: ComparisonOperator, values: tuple[str, Any, Scalar]
) -> None:
    name, value, literal = values
    tree = Comparison(relation, Property(name), literal)
    item = item_with(**{name: value})

    assert matches(tree, item) is cql2.Expr(tree.to_json()).matches(item.to_dict())


@given(oracle_values, st.sampled_from([Between, lambda value, low, high: In(value, (low, high))]))
def test_ranges_and_lists_agree_with_another_implementation(
    values: tuple[str, Any, Scalar], condition: Callable[[Scalar, Scalar, Scalar], Between | In]
) -> None:
    name, value, literal = values
    tree = condition(Property(name), literal, literal)
    item = item_with(**{name: value})

    assert matches(tree, item) is cql2.Expr(tree.to_json()).matches(item.to_dict())


@given(words, st.lists(st.sampled_from(["A", "B", "%", "_"]), min_size=1, max_size=4).map("".join))
def test_like_agrees_with_another_implementation(word: str, pattern: str) -> None:
    document = {"op": "like", "args": [{"property": "text"}, pattern]}
    item = item_with(text=word)

    assert matches(parse(document), item) is cql2.Expr(document).matches(item.to_dict())


def test_a_naive_datetime_of_an_item_is_utc() -> None:
    item = item_with()
    item.datetime = datetime(2026, 11, 1, 10)  # noqa: DTZ001 - what is tested

    assert matches(Comparison(ComparisonOperator.EQUAL, Property("datetime"), Timestamp(DAY.replace(hour=10))), item)
