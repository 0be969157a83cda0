"""A filter as an OData ``$filter`` that never excludes what the filter accepts.

Stations understand a part of OData each (``ge``, ``le`` and most functions fail somewhere), so a clause is only
written in the forms that all of them know, times are widened, and what cannot be said is left out. What comes back
is more than is wanted, and is to be filtered again.

A negation is not written but carried inwards, where it turns into the opposite comparison; so a part that cannot be
said is left out of an ``and`` and makes an ``or`` unsayable, under any number of negations.
"""

from collections.abc import Callable, Iterable
from functools import partial, singledispatch
from typing import NamedTuple

from rs_assets.selection.expression import (
    And,
    Between,
    Comparison,
    Date,
    Expression,
    In,
    Interval,
    Like,
    Not,
    Or,
    Property,
    Temporal,
    Timestamp,
)
from rs_assets.selection.odata_terms import compared, like, listed, unlike
from rs_assets.selection.operators import DEFINITIONS, ComparisonOperator, Condition, Side
from rs_assets.selection.vocabulary import Place, Test, Vocabulary


def odata_superset(expression: Expression, vocabulary: Vocabulary) -> str | None:
    """An OData ``$filter`` that passes at least what `expression` accepts; None: nothing can be left out.

    Times are UTC with milliseconds, a second wider than asked on both sides.
    """
    clause = _clause(expression, vocabulary, wanted=True)
    return clause and clause.text


class _Clause(NamedTuple):
    text: str
    junction: str = ""
    """``and`` or ``or`` where it is a chain of these."""


@singledispatch
def _clause(_node: Expression, _vocabulary: Vocabulary, *, wanted: bool) -> _Clause | None:
    """What passes at least the entities for which the node is True, or False, as wanted; None: any may be."""
    del wanted
    return None


@_clause.register
def _(node: Not, vocabulary: Vocabulary, *, wanted: bool) -> _Clause | None:
    return _clause(node.operand, vocabulary, wanted=not wanted)


@_clause.register
def _(node: And, vocabulary: Vocabulary, *, wanted: bool) -> _Clause | None:
    parts = [_clause(operand, vocabulary, wanted=wanted) for operand in node.operands]
    return _every(parts) if wanted else _some(parts)


@_clause.register
def _(node: Or, vocabulary: Vocabulary, *, wanted: bool) -> _Clause | None:
    parts = [_clause(operand, vocabulary, wanted=wanted) for operand in node.operands]
    return _some(parts) if wanted else _every(parts)


@_clause.register
def _(node: Comparison, vocabulary: Vocabulary, *, wanted: bool) -> _Clause | None:
    relation, left, right = node.operator, node.left, node.right
    if not wanted:
        relation = relation.opposite
    if isinstance(right, Property):
        relation, left, right = relation.mirrored, right, left
    if not isinstance(left, Property):
        return None
    return _anywhere(left, vocabulary, partial(compared, relation, right))


@_clause.register
def _(node: Between, vocabulary: Vocabulary, *, wanted: bool) -> _Clause | None:
    least = Comparison(ComparisonOperator.GREATER_OR_EQUAL, node.value, node.low)
    most = Comparison(ComparisonOperator.LESS_OR_EQUAL, node.value, node.high)
    return _clause(And((least, most)), vocabulary, wanted=wanted)


@_clause.register
def _(node: In, vocabulary: Vocabulary, *, wanted: bool) -> _Clause | None:
    texts = node.plain_texts
    if wanted and texts is not None and len(texts) > 1 and isinstance(node.value, Property):
        return _anywhere(node.value, vocabulary, partial(listed, texts))
    equals = tuple(Comparison(ComparisonOperator.EQUAL, node.value, choice) for choice in node.choices)
    return _clause(Or(equals), vocabulary, wanted=wanted)


@_clause.register
def _(node: Like, vocabulary: Vocabulary, *, wanted: bool) -> _Clause | None:
    if not isinstance(node.value, Property) or node.ignores_case:
        return None
    return _anywhere(node.value, vocabulary, partial(like if wanted else unlike, node.pattern.value))


@_clause.register
def _(node: Temporal, vocabulary: Vocabulary, *, wanted: bool) -> _Clause | None:
    def said(condition: Condition) -> _Clause | None:
        left, right = _bound(node.left, condition.left), _bound(node.right, condition.right)
        if left is None or right is None:
            return None
        return _clause(Comparison(condition.relation, left, right), vocabulary, wanted=wanted)

    alternatives = [[said(condition) for condition in conditions] for conditions in DEFINITIONS[node.operator]]
    if wanted:
        return _some([_every(parts) for parts in alternatives])
    return _every([_some(parts) for parts in alternatives])


def _anywhere(node: Property, vocabulary: Vocabulary, test_for: Callable[[Place], Test | None]) -> _Clause | None:
    """What passes the entities of which at least one place of the property passes its test."""
    tests = [(place, test_for(place)) for place in vocabulary.places.get(node.name, ())]
    return _some([_Clause(place.holding(test)) if test else None for place, test in tests])


def _every(parts: Iterable[_Clause | None]) -> _Clause | None:
    return _joined("and", [part for part in parts if part])


def _some(parts: Iterable[_Clause | None]) -> _Clause | None:
    known = list(parts)
    return None if None in known else _joined("or", [part for part in known if part])


def _joined(junction: str, parts: list[_Clause]) -> _Clause | None:
    distinct = list(dict.fromkeys(parts))
    if len(distinct) <= 1:
        return distinct[0] if distinct else None
    texts = [part.text if part.junction in {"", junction} else f"({part.text})" for part in distinct]
    return _Clause(f" {junction} ".join(texts), junction)


def _bound(node: Property | Timestamp | Date | Interval, side: Side) -> Property | Timestamp | Date | None:
    if not isinstance(node, Interval):
        return node
    return node.start if side is Side.START else node.end
