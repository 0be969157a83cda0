from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pystac import Item

from rs_assets.items.identity import stem
from rs_assets.items.times import OPEN_END, format_time
from rs_assets.selection import (
    Expression,
    Vocabulary,
    create_valcover_filter,
    matches,
    odata_superset,
    parse,
)
from rs_assets.selection.vocabulary import Attribute, Field, Kind
from rs_assets.simulator.csc import entity, products
from rs_assets.simulator.odata import predicate, schema
from rs_assets.simulator.odata.expressions import parse as parse_odata
from rs_assets.stations.auxip.vocabulary import AUXIP_VOCABULARY

from .samples import DAY, HOUR
from .trees import expressions, moments, words

VALUE = "att/OData.CSC.StringAttribute/Value"
ANY = "Attributes/OData.CSC.StringAttribute/any(att:att/Name eq 'productType' and"
TYPE = f"{ANY} {VALUE}"


def said(source: Any, vocabulary: Vocabulary = AUXIP_VOCABULARY) -> str | None:
    return odata_superset(parse(source), vocabulary)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\"product:type\" = 'AUX_PP2'", f"{TYPE} eq 'AUX_PP2')"),
        ("\"product:type\" = 'it''s'", f"{TYPE} eq 'it''s')"),
        ("\"product:type\" <> 'A'", f"{TYPE} ne 'A')"),
        ("\"product:type\" IN ('A', 'B')", f"{TYPE} in ('A','B'))"),
        ("\"product:type\" IN ('A')", f"{TYPE} eq 'A')"),
        ("\"product:type\" LIKE 'AUX%'", f"{ANY} startswith({VALUE},'AUX'))"),
        ("id = 'X'", "startswith(Name,'X')"),
        ("id IN ('X', 'Y')", "(startswith(Name,'X') or startswith(Name,'Y'))"),
        ("id LIKE 'S1%EOF'", "(startswith(Name,'S1') and contains(Name,'EOF'))"),
        ("id LIKE '%S1_AUX%'", "(contains(Name,'S1') and contains(Name,'AUX'))"),
        ("published > TIMESTAMP('2026-11-01T10:00:00Z')", "PublicationDate gt 2026-11-01T09:59:59.000Z"),
        ("published >= TIMESTAMP('2026-11-01T10:00:00.123456Z')", "PublicationDate gt 2026-11-01T09:59:59.123Z"),
        ("published <= '2026-11-01T10:00:00Z'", "PublicationDate lt 2026-11-01T10:00:01.000Z"),
        ("DATE('2026-11-01') > published", "PublicationDate lt 2026-11-01T00:00:01.000Z"),
        (
            "published = TIMESTAMP('2026-11-01T10:00:00Z')",
            "(PublicationDate gt 2026-11-01T09:59:59.000Z and PublicationDate lt 2026-11-01T10:00:01.000Z)",
        ),
        (
            "published BETWEEN DATE('2026-11-01') AND DATE('2026-11-02')",
            "PublicationDate gt 2026-10-31T23:59:59.000Z and PublicationDate lt 2026-11-02T00:00:01.000Z",
        ),
        (
            "created < DATE('2026-11-01')",
            "OriginDate lt 2026-11-01T00:00:01.000Z or PublicationDate lt 2026-11-01T00:00:01.000Z",
        ),
        (
            "id = 'X' AND (id = 'Y' OR NOT published < DATE('2026-11-01'))",
            "startswith(Name,'X') and (startswith(Name,'Y') or PublicationDate gt 2026-10-31T23:59:59.000Z)",
        ),
        (
            "T_INTERSECTS(INTERVAL(start_datetime, end_datetime), INTERVAL('2026-11-01', '2026-11-02'))",
            "ContentDate/Start lt 2026-11-02T00:00:01.000Z and ContentDate/End gt 2026-10-31T23:59:59.000Z",
        ),
        (
            "T_DISJOINT(INTERVAL(start_datetime, end_datetime), INTERVAL('2026-11-01', '2026-11-02'))",
            "ContentDate/End lt 2026-11-01T00:00:01.000Z or ContentDate/Start gt 2026-11-01T23:59:59.000Z",
        ),
        (
            "NOT T_INTERSECTS(INTERVAL(start_datetime, end_datetime), INTERVAL('2026-11-01', '2026-11-02'))",
            "ContentDate/Start gt 2026-11-01T23:59:59.000Z or ContentDate/End lt 2026-11-01T00:00:01.000Z",
        ),
        ("T_AFTER(datetime, DATE('2026-11-01'))", "ContentDate/Start gt 2026-10-31T23:59:59.000Z"),
    ],
)  # fmt: skip
def test_a_filter_is_said_in_the_forms_that_stations_know(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "platform = 'sentinel-1a'",
        "published <> TIMESTAMP('2026-11-01T10:00:00Z')",
        "NOT published = TIMESTAMP('2026-11-01T10:00:00Z')",
        "id <> 'X'",
        "NOT id = 'X'",
        "id NOT IN ('X', 'Y')",
        "id NOT LIKE 'X%'",
        "id < 'X'",
        "id = ''",
        "id LIKE '%'",
        "CASEI(id) = CASEI('x')",
        "CASEI(id) LIKE CASEI('x%')",
        "id IS NULL",
        "id IS NOT NULL",
        "published = created",
        "published < '9999-12-31T23:59:59Z'",
        "S_INTERSECTS(geometry, POINT(1 2))",
        "TRUE",
        "NOT FALSE",
        "T_INTERSECTS(INTERVAL(start_datetime, end_datetime), INTERVAL('..', '..'))",
        "id = 'X' OR platform = 'sentinel-1a'",
        "NOT (id = 'X' AND platform = 'sentinel-1a')",
        "\"product:type\" = '2026-11-01'",
    ],
)
def test_what_cannot_be_said_leaves_nothing_out(text: str) -> None:
    assert said(text) is None


def test_what_cannot_be_said_is_left_out_of_an_and_alone() -> None:
    assert said("id = 'X' AND platform = 'sentinel-1a'") == "startswith(Name,'X')"
    assert said("NOT (platform = 'a' OR NOT id = 'X')") == "startswith(Name,'X')"


def test_the_covering_filter_becomes_one_query() -> None:
    assert said(create_valcover_filter(DAY, DAY + HOUR, "AUX_X")) == (
        f"{TYPE} eq 'AUX_X') and ContentDate/Start lt 2026-11-01T00:00:01.000Z "
        "and ContentDate/End gt 2026-11-01T00:59:59.000Z"
    )


PLAIN = Vocabulary(
    MappingProxyType(
        {
            **AUXIP_VOCABULARY.places,
            "id": (Field("Name", Kind.TEXT),),
            "orbit": (Attribute("orbitNumber", Kind.INTEGER),),
            "version": (Attribute("baseline", Kind.DOUBLE),),
            "expires": (Attribute("evicted", Kind.TIME),),
        }
    )
)
"""A vocabulary with every kind of place, whose ids are whole names."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id NOT LIKE 'X%'", "not (startswith(Name,'X'))"),
        ("id NOT LIKE '%X'", "not (endswith(Name,'X'))"),
        ("id LIKE '%X'", "endswith(Name,'X')"),
        ("id NOT LIKE 'X'", "Name ne 'X'"),
        ("id NOT LIKE 'X%X'", None),
        ("id NOT LIKE 'X_'", None),
        ("id NOT IN ('X', 'Y')", "Name ne 'X' and Name ne 'Y'"),
    ],
)
def test_a_whole_name_can_be_negated(text: str, expected: str | None) -> None:
    assert said(text, PLAIN) == expected


def test_numbers_are_compared_without_le_and_ge() -> None:
    value = "att/OData.CSC.IntegerAttribute/Value"

    assert said("orbit >= 5", PLAIN) == (
        f"Attributes/OData.CSC.IntegerAttribute/any(att:att/Name eq 'orbitNumber' and ({value} gt 5 or {value} eq 5))"
    )
    assert said("orbit = 1.5", PLAIN) is None


names = st.builds(
    lambda one, two, end: f"{one}{two}{end}" or "A", words, words, st.sampled_from(["", ".EOF", ".B.zip"])
)


@st.composite
def entities(draw: st.DrawFn) -> products.Product:
    """Products whose times lie on and beside those of the filters, some without attributes."""
    begin, end = sorted((draw(moments), draw(moments)))
    more = [
        schema.Attribute("orbitNumber", schema.Kind.INTEGER, draw(st.integers(-1, 2))),
        schema.Attribute("baseline", schema.Kind.DOUBLE, draw(st.sampled_from([0.0, 1.0, 1.5]))),
        schema.Attribute("evicted", schema.Kind.DATE, draw(moments)),
    ]
    return products.Product(
        id="00000000-0000-0000-0000-000000000001",
        name=draw(names),
        size=1,
        key=b"",
        published=draw(moments),
        origin=draw(moments),
        evicted=draw(moments),
        start=begin,
        end=draw(st.sampled_from([end, end, OPEN_END])),
        product_type=draw(words),
        center=draw(words),
        more=tuple(draw(st.lists(st.sampled_from(more), unique=True))),
    )


def item_of(product: products.Product, *, whole_name: bool) -> Item:
    """The item that a product becomes, as the vocabulary has it."""
    attributes = {attribute.name: attribute.value for attribute in product.more}
    evicted = attributes.get("evicted") if whole_name else product.evicted
    properties: dict[str, Any] = {
        "start_datetime": format_time(product.start),
        "end_datetime": format_time(product.end),
        "created": format_time(product.origin),
        "published": format_time(product.published),
        "expires": format_time(evicted) if isinstance(evicted, datetime) else None,
        "product:type": product.product_type or None,
        "processing:facility": product.center or None,
        "orbit": attributes.get("orbitNumber"),
        "version": attributes.get("baseline"),
        "platform": "A",
    }
    return Item(product.name if whole_name else stem(product.name), None, None, product.start, properties)


def passes(clause: str | None, product: products.Product) -> bool:
    return clause is None or predicate.compile_filter(parse_odata(clause), entity.PRODUCTS)(product)


A_PRODUCT = products.Product(
    id="00000000-0000-0000-0000-000000000001",
    name="A.EOF",
    size=1,
    key=b"",
    published=DAY,
    origin=DAY + HOUR,
    evicted=DAY,
    start=DAY,
    end=OPEN_END,
)


@settings(max_examples=400)
@given(expressions, entities())
@example(parse("id <> 'A.EOF'"), A_PRODUCT)
@example(parse("NOT id LIKE 'A%F'"), replace(A_PRODUCT, name="AF"))
@example(parse("published >= '2026-11-01T00:00:00Z'"), A_PRODUCT)
def test_the_query_never_excludes_what_the_filter_accepts(tree: Expression, product: products.Product) -> None:
    for vocabulary, whole_name in ((AUXIP_VOCABULARY, False), (PLAIN, True)):
        if matches(tree, item_of(product, whole_name=whole_name)):
            clause = odata_superset(tree, vocabulary)
            assert passes(clause, product), clause


def test_the_query_does_exclude_what_is_far_from_the_filter() -> None:
    wanted = create_valcover_filter(DAY, DAY + HOUR, "AUX_X")
    product = replace(A_PRODUCT, product_type="AUX_X")
    clause = said(wanted)

    assert passes(clause, product)
    assert not passes(clause, replace(product, product_type="AUX_Y"))
    assert not passes(clause, replace(product, start=DAY + timedelta(seconds=2)))
    assert not passes(clause, replace(product, end=DAY))
