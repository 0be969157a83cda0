"""A filter's tree as a Python predicate over entities, checked before it sees the first one."""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic

from odata_query import ast
from odata_query.visitor import NodeVisitor

from rs_assets.simulator.errors import QueryError
from rs_assets.simulator.odata.expressions import Node, literal, operands, path
from rs_assets.simulator.odata.schema import Attribute, E, Kind, Schema

Predicate = Callable[[E], bool]


def compile_filter(tree: Node, schema: Schema[E]) -> Predicate[E]:
    """A predicate that tells whether an entity passes; ``QueryError`` for what no entity has."""
    try:
        expression = _Compiler(schema).visit(tree)
    except RecursionError as error:
        raise QueryError("$filter is nested too deeply") from error
    _expect(expression, Kind.BOOLEAN)
    evaluate = expression.evaluate
    return lambda entity: evaluate(entity, None) is True


_Evaluate = Callable[[Any, Attribute | None], Any]


@dataclass(frozen=True)
class _Expression:
    kind: Kind | None
    """None where only the entity can tell: null, and an attribute's value without a cast."""
    evaluate: _Evaluate


class _Compiler(NodeVisitor, Generic[E]):
    """Turns each node into an expression with a kind, so that nonsense is refused before it is evaluated."""

    def __init__(self, schema: Schema[E]) -> None:
        self._schema = schema
        self._variable: str | None = None

    def visit(self, node: Node) -> _Expression:
        name = f"visit_{type(node).__name__.lower()}"
        visitor: Callable[[Node], _Expression] = getattr(self, name, self.generic_visit)
        return visitor(node)

    def generic_visit(self, node: Node) -> _Expression:
        if isinstance(node, ast._Literal) and type(node) in _LITERAL_KINDS:
            value = literal(node)
            return _Expression(_LITERAL_KINDS[type(node)], lambda _e, _a: value)
        raise QueryError(f"{type(node).__name__} is not supported in $filter")

    def visit_boolop(self, node: ast.BoolOp) -> _Expression:
        parts = [_expect(self.visit(part), Kind.BOOLEAN).evaluate for part in operands(node)]
        if isinstance(node.op, ast.And):
            return _Expression(Kind.BOOLEAN, lambda e, a: all(part(e, a) for part in parts))
        return _Expression(Kind.BOOLEAN, lambda e, a: any(part(e, a) for part in parts))

    def visit_unaryop(self, node: ast.UnaryOp) -> _Expression:
        if not isinstance(node.op, ast.Not):
            raise QueryError("arithmetic is not supported in $filter")
        inner = _expect(self.visit(node.operand), Kind.BOOLEAN).evaluate
        return _Expression(Kind.BOOLEAN, lambda e, a: not inner(e, a))

    def visit_compare(self, node: ast.Compare) -> _Expression:
        left = self.visit(node.left)
        get = left.evaluate
        if isinstance(node.comparator, ast.In):
            if not isinstance(node.right, ast.List):
                raise QueryError("in wants a list in parentheses")
            values = {self._item(item, left.kind) for item in node.right.val}
            return _Expression(Kind.BOOLEAN, lambda e, a: get(e, a) in values)
        right = _expect(self.visit(node.right), left.kind)
        return _Expression(Kind.BOOLEAN, _comparison(node.comparator, get, right.evaluate))

    def visit_identifier(self, node: ast.Identifier) -> _Expression:
        return self._property(node)

    def visit_attribute(self, node: ast.Attribute) -> _Expression:
        return self._property(node)

    def visit_call(self, node: ast.Call) -> _Expression:
        name = node.func.name.lower()
        if name not in _FUNCTIONS:
            raise QueryError(f"the function {node.func.name} is not supported")
        takes, gives, function = _FUNCTIONS[name]
        arguments = [
            _expect(self.visit(argument), kind).evaluate for argument, kind in zip(node.args, takes, strict=False)
        ]

        def evaluate(entity: Any, attribute: Attribute | None) -> Any:
            values = [argument(entity, attribute) for argument in arguments]
            try:
                return None if None in values else function(*values)
            except (AttributeError, TypeError):
                # an attribute without a cast turned out to be of another type
                return None

        return _Expression(gives, evaluate)

    def visit_collectionlambda(self, node: ast.CollectionLambda) -> _Expression:
        collection, _, cast_to = (path(node.owner) or "").partition("/")
        listed = self._schema.attributes
        if collection != "Attributes" or listed is None or self._variable is not None:
            raise QueryError("any and all go over the Attributes of products, and are not nested")
        kind = _attribute_kind(cast_to) if cast_to else None
        if node.lambda_ is None:
            return _Expression(Kind.BOOLEAN, lambda e, _a: any(True for _ in _of_kind(listed(e), kind)))
        self._variable = node.lambda_.identifier.name
        inner = _expect(self.visit(node.lambda_.expression), Kind.BOOLEAN).evaluate
        self._variable = None
        quantifier = any if isinstance(node.operator, ast.Any) else all
        return _Expression(
            Kind.BOOLEAN, lambda e, _a: quantifier(inner(e, attribute) for attribute in _of_kind(listed(e), kind))
        )

    def _item(self, node: Node, kind: Kind | None) -> Any:
        if type(node) not in _LITERAL_KINDS:
            raise QueryError("the list of in holds literals")
        _expect(self.visit(node), kind)
        return literal(node)

    def _property(self, node: Node) -> _Expression:
        name = path(node) or ""
        variable, _, rest = name.partition("/")
        if self._variable is not None and variable == self._variable:
            return _attribute_property(rest)
        field = self._schema.fields.get(name)
        if field is None:
            raise QueryError(f"there is no property {name!r} to filter on")
        get = field.get
        return _Expression(field.kind, lambda e, _a: get(e))


_LITERAL_KINDS: dict[type[Node], Kind | None] = {
    ast.String: Kind.STRING,
    ast.GUID: Kind.STRING,
    ast.Integer: Kind.INTEGER,
    ast.Float: Kind.DOUBLE,
    ast.Boolean: Kind.BOOLEAN,
    ast.Date: Kind.DATE,
    ast.DateTime: Kind.DATE,
    ast.Null: None,
}

_NUMBERS = {Kind.INTEGER, Kind.DOUBLE}


def _indexof(text: str, part: str) -> int:
    return text.find(part)


def _substring(text: str, start: int, length: int | None = None) -> str:
    return text[max(start, 0) :][:length]


_S, _I = Kind.STRING, Kind.INTEGER
_FUNCTIONS: dict[str, tuple[tuple[Kind, ...], Kind, Callable[..., Any]]] = {
    "contains": ((_S, _S), Kind.BOOLEAN, operator.contains),
    "startswith": ((_S, _S), Kind.BOOLEAN, str.startswith),
    "endswith": ((_S, _S), Kind.BOOLEAN, str.endswith),
    "length": ((_S,), _I, len),
    "indexof": ((_S, _S), _I, _indexof),
    "substring": ((_S, _I, _I), _S, _substring),
    "tolower": ((_S,), _S, str.lower),
    "toupper": ((_S,), _S, str.upper),
    "trim": ((_S,), _S, str.strip),
    "concat": ((_S, _S), _S, operator.add),
    "year": ((Kind.DATE,), _I, operator.attrgetter("year")),
    "month": ((Kind.DATE,), _I, operator.attrgetter("month")),
    "day": ((Kind.DATE,), _I, operator.attrgetter("day")),
    "hour": ((Kind.DATE,), _I, operator.attrgetter("hour")),
    "minute": ((Kind.DATE,), _I, operator.attrgetter("minute")),
    "second": ((Kind.DATE,), _I, operator.attrgetter("second")),
}

_COMPARATORS: dict[type[Node], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _comparison(comparator: Node, left: _Evaluate, right: _Evaluate) -> _Evaluate:
    compare = _COMPARATORS[type(comparator)]
    if compare in (operator.eq, operator.ne):
        return lambda e, a: compare(left(e, a), right(e, a))

    def evaluate(entity: Any, attribute: Attribute | None) -> bool:
        try:
            return compare(left(entity, attribute), right(entity, attribute))
        except TypeError:
            return False

    return evaluate


def _expect(expression: _Expression, kind: Kind | None) -> _Expression:
    same = expression.kind == kind or (expression.kind in _NUMBERS and kind in _NUMBERS)
    if not same and expression.kind is not None and kind is not None:
        raise QueryError(f"$filter has a {expression.kind} where a {kind} is wanted")
    return expression


def _attribute_property(name: str) -> _Expression:
    cast_to, _, last = name.rpartition("/")
    kind = _attribute_kind(cast_to) if cast_to else None
    if last == "Name":
        return _Expression(Kind.STRING, lambda _e, a: a and a.name)
    if last == "ValueType":
        return _Expression(Kind.STRING, lambda _e, a: a and a.kind.value)
    if last != "Value":
        raise QueryError(f"an attribute has a Name, a ValueType and a Value, no {name!r}")
    return _Expression(kind, lambda _e, a: a.value if a and kind in (None, a.kind) else None)


def _attribute_kind(cast_to: str) -> Kind:
    name = cast_to.removesuffix("Attribute")
    if name == cast_to or name not in set(Kind):
        raise QueryError(f"there is no attribute type {cast_to!r}")
    return Kind(name)


def _of_kind(attributes: tuple[Attribute, ...], kind: Kind | None) -> Iterator[Attribute]:
    return (attribute for attribute in attributes if kind in (None, attribute.kind))
