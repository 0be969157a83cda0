import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given

from rs_assets.selection import Expression, FilterError, parse
from rs_assets.selection.expression import (
    And,
    Boolean,
    Casei,
    Comparison,
    Date,
    Interval,
    Like,
    Not,
    Pattern,
    Property,
    Temporal,
    Text,
    Timestamp,
)
from rs_assets.selection.operators import ComparisonOperator, TemporalOperator

from .trees import expressions

MOMENT = datetime(2026, 11, 1, 10, 0, 0, 123456, tzinfo=UTC)
WHEN = {"timestamp": "2026-11-01T10:00:00.123456Z"}
A = {"property": "a"}
GEOMETRY = {"property": "geometry"}


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("a = 1", op("=", A, 1)),
        ("a <> 'it''s'", op("<>", A, "it's")),
        ("a < -1.5", op("<", A, -1.5)),
        ("a <= TRUE", op("<=", A, True)),
        ("a > DATE('2026-11-01')", op(">", A, {"date": "2026-11-01"})),
        ("a >= TIMESTAMP('2026-11-01T10:00:00.123456Z')", op(">=", A, WHEN)),
        ('"product:type" = \'AUX_PP2\'', op("=", {"property": "product:type"}, "AUX_PP2")),
        ("properties.a = 'x'", op("=", A, "x")),
        ("'x' = a", op("=", "x", A)),
        ("a = b", op("=", A, {"property": "b"})),
        ("NOT a = 1 AND a = 2 OR a = 3", op("or", op("and", op("not", op("=", A, 1)), op("=", A, 2)), op("=", A, 3))),
        ("a IN ('x', 'y')", op("in", A, ["x", "y"])),
        ("a NOT IN (1)", op("not", op("in", A, [1]))),
        ("a BETWEEN 1 AND 2", op("between", A, 1, 2)),
        ("a LIKE 'S1_%'", op("like", A, "S1_%")),
        ("CASEI(a) LIKE CASEI('s1%')", op("like", op("casei", A), op("casei", "s1%"))),
        ("CASEI(a) IN (CASEI('x'))", op("in", {"casei": A}, [{"casei": "x"}])),
        ("a IS NULL", op("isNull", A)),
        ("a IS NOT NULL", op("not", op("isNull", A))),
        ("TRUE", True),
        (
            "T_METBY(INTERVAL(a, b), INTERVAL('2026-11-01T10:00:00Z', '..'))",
            op("t_metBy", {"interval": [A, {"property": "b"}]}, {"interval": ["2026-11-01T10:00:00Z", ".."]}),
        ),
        ("t_after(datetime, DATE('2026-11-01'))", op("t_after", {"property": "datetime"}, {"date": "2026-11-01"})),
        ("S_INTERSECTS(geometry, POINT(1 2))", op("s_intersects", GEOMETRY, {"type": "Point", "coordinates": [1, 2]})),
        ("S_INTERSECTS(geometry, BBOX(0,0.5,1,1.5))", op("s_intersects", GEOMETRY, {"bbox": [0, 0.5, 1, 1.5]})),
    ],
)  # fmt: skip
def test_text_json_and_json_as_text_give_the_same_tree(text: str, document: Any) -> None:
    tree = parse(document)

    assert parse(text) == tree
    assert parse(tree.to_json()) == tree
    if isinstance(document, dict):
        assert parse(json.dumps(document)) == tree


@given(expressions)
def test_a_tree_survives_being_written_as_json(tree: Expression) -> None:
    written = json.loads(json.dumps(tree.to_json()))

    assert parse(written) == tree


def test_the_tree_has_typed_nodes() -> None:
    tree = parse("CASEI(a) LIKE 'x%' AND NOT T_DURING(datetime, INTERVAL('2026-11-01', '..')) AND b = 'y'")

    assert tree == And(
        (
            Like(Casei(Property("a")), Pattern("x%")),
            Not(Temporal(TemporalOperator.DURING, Property("datetime"), Interval(Date(date(2026, 11, 1)), None))),
            Comparison(ComparisonOperator.EQUAL, Property("b"), Text("y")),
        )
    )


@pytest.mark.parametrize("name", ["T_METBY", "t_metby", "t_metBy", "T_metBy"])
def test_the_case_of_an_operator_does_not_count_and_the_published_one_is_written(name: str) -> None:
    tree = parse(op(name, WHEN, A))

    assert tree.to_json() == op("t_metBy", WHEN, A)


@pytest.mark.parametrize("name", ["s_within", "a_contains", "!=", "eq", "accenti", "t_around"])
def test_another_operator_is_refused_by_name_with_those_that_are_accepted(name: str) -> None:
    with pytest.raises(FilterError, match=rf"'{name}' is not accepted.*between.*t_metBy.*s_intersects"):
        parse(op("and", op(name, A, 1)))


@pytest.mark.parametrize("text", ["a + 1 = 2", "foo(a) = 1", "ACCENTI(a) = 'x'", "a = b - 1"])
def test_a_function_of_values_is_refused_by_name(text: str) -> None:
    with pytest.raises(FilterError, match=r"'(\+|foo|accenti|-)' is not accepted as a value"):
        parse(text)


def test_python_times_are_literals_and_are_brought_to_utc() -> None:
    there = MOMENT.astimezone(timezone(timedelta(hours=-3)))

    for literal in (MOMENT, there, {"timestamp": there}, WHEN, {"timestamp": "2026-11-01T12:00:00.123456+02:00"}):
        tree = parse(op("=", A, literal))
        assert tree == Comparison(ComparisonOperator.EQUAL, Property("a"), Timestamp(MOMENT))
        assert tree.to_json() == op("=", A, WHEN)
    for day in (date(2026, 11, 1), {"date": date(2026, 11, 1)}, {"date": "2026-11-01"}):
        assert parse(op("=", A, day)) == Comparison(ComparisonOperator.EQUAL, Property("a"), Date(date(2026, 11, 1)))


NAIVE = MOMENT.replace(tzinfo=None)


@pytest.mark.parametrize(
    "document",
    [
        op("=", A, NAIVE),
        op("=", A, {"timestamp": NAIVE}),
        op("=", A, NAIVE.isoformat()),
        op("=", A, {"timestamp": NAIVE.isoformat()}),
        op("in", A, ["x", "2026-11-01T10:00"]),
        op("between", A, "2026-11-01T10:00:00Z", "2026-11-01 10:00:00"),
        op("t_during", A, {"interval": [NAIVE, ".."]}),
        op("t_during", A, {"interval": ["..", "2026-11-01T10:00:00"]}),
    ],
)
def test_a_time_without_a_zone_is_refused(document: Any) -> None:
    with pytest.raises(FilterError, match="no time zone"):
        parse(document)


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (op("=", A, None), "use isNull"),
        (op("=", A), "wants 2 args, not 1"),
        (op("between", A, 1), "wants 3 args"),
        (op("not"), "wants 1 args"),
        (op("and"), "and has no args"),
        (op("in", A, []), "at least one value"),
        (op("in", A, "x"), "list of at least one"),
        (op("like", A, 5), "like wants"),
        (op("like", "x", "x%"), "like wants"),
        (op("isNull", 1), "isNull wants a property"),
        (op("=", A, [1]), "is not a value"),
        (op("=", A, {"interval": ["..", ".."]}), "is not a value"),
        (op("=", {"property": ""}, 1), "not a name of a property"),
        (op("=", {"property": 5}, 1), "not a name of a property"),
        (op("=", A, float("nan")), "not a number"),
        (op("=", A, float("inf")), "not a number"),
        (op("=", A, "2026-13-45"), "is not a date"),
        (op("=", A, {"timestamp": "2026-11-01"}), "not a date with time and zone"),
        (op("=", A, {"timestamp": "yesterday"}), "not a date with time and zone"),
        (op("=", A, {"timestamp": 5}), "is not a value"),
        (op("=", A, {"date": "2026-11-31"}), "is not a date"),
        (op("t_before", A, 5), "is not a value"),
        (op("t_before", A, {"interval": ["2026-11-01"]}), "interval wants 2 args"),
        (op("t_before", A, {"interval": "2026-11-01"}), "not a list of a start and an end"),
        (op("t_before", A, {"interval": ["2026-11-02", "2026-11-01"]}), "before its start"),
        (op("s_intersects", A, {"type": "Point", "coordinates": ["x", 1]}), "not a GeoJSON geometry"),
        (op("s_intersects", A, {"bbox": [0, 0, 1]}), "not a bounding box"),
        (op("s_intersects", {"bbox": [0, 0, 1, 1]}, {"bbox": [0, 0, 1, 1]}), "at least one property"),
        ({"op": "=", "args": "ab"}, "no list of args"),
        ({"op": "="}, "no list of args"),
        (A, "is not a condition"),
        ({}, "is not a condition"),
        ("a =", "not CQL2 text"),
        ("", "not CQL2 text"),
        ("a = NULL", "use isNull"),
        ("{not json", "not JSON"),
        ("'x'", "is not a condition"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(document: Any, complaint: str) -> None:
    with pytest.raises(FilterError, match=complaint):
        parse(document)


@pytest.mark.parametrize(
    "unit",
    [("(", "a = 1", ")"), ("NOT ", "a = 1", ""), ("", "a = " + "-" * 9000 + "1", ""), ("", "a = 1" + "-1" * 9000, "")],
)
def test_text_that_is_nested_without_measure_is_refused_before_it_is_read(unit: tuple[str, str, str]) -> None:
    before, inside, after = unit

    with pytest.raises(FilterError, match="write it as JSON"):
        parse(before * 9000 + inside + after * 9000)


@pytest.mark.parametrize("depth", [102, 5000])
def test_json_that_is_nested_without_measure_is_refused(depth: int) -> None:
    document: Any = True
    for _ in range(depth):
        document = op("not", document)

    with pytest.raises(FilterError, match="nested"):
        parse(document)


def test_a_long_list_in_text_is_read() -> None:
    many = [f"NOT-A(NAME)-{number}" for number in range(2000)]

    assert parse(f"id IN ({', '.join(repr(name) for name in many)})") == parse(op("in", {"property": "id"}, many))


def test_a_truth_value_is_a_filter() -> None:
    assert parse(True) == Boolean(True)


@pytest.mark.parametrize(
    "text",
    [
        "published > TIMESTAMP('2026-11-01T00:00:00')",
        "T_INTERSECTS(INTERVAL(start_datetime, end_datetime), INTERVAL('2026-11-01T00:00:00', '..'))",
    ],
)
def test_a_time_without_a_zone_is_refused_in_text_too(text: str) -> None:
    with pytest.raises(FilterError, match="2026-11-01T00:00:00"):
        parse(text)
