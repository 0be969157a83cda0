"""OData filter expressions: from text to a tree, and what the tree's nodes say."""

from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime
from typing import Any, cast

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser

from rs_assets.simulator.errors import QueryError

Node = ast._Node


def parse(text: str) -> Node:
    """The tree of a filter; ``QueryError`` says where it is not OData."""
    try:
        tokens = _one_item_lists(ODataLexer().tokenize(text))
        tree = ODataParser().parse(tokens)
    except (ODataException, RecursionError) as error:
        raise QueryError(f"$filter is malformed: {error}") from error
    if tree is None:
        raise QueryError("$filter is empty")
    return cast(Node, tree)


def operands(node: Node) -> list[Node]:
    """The operands of a chain of the same ``and`` or ``or``, in order."""
    assert isinstance(node, ast.BoolOp)
    right: list[Node] = []
    left: Node = node
    while isinstance(left, ast.BoolOp) and left.op == node.op:
        right.append(left.right)
        left = left.left
    return [left, *reversed(right)]


def path(node: Node) -> str | None:
    """The slash-separated path that a node names, or None if it is not a path."""
    if isinstance(node, ast.Identifier):
        return node.name
    if isinstance(node, ast.Attribute):
        owner = path(node.owner)
        return owner and f"{owner}/{node.attr}"
    return None


def literal(node: Node) -> Any:
    """The Python value of a literal: str, int, float, bool, None, or an aware UTC datetime.

    A date is its midnight. Fractions of seconds count to the microsecond.
    """
    match node:
        case ast.DateTime() | ast.Date():
            return _moment(node.val)
        case ast.GUID():
            return node.val.lower()
        case ast.Integer(val=digits) if len(digits) > 20:
            raise QueryError("$filter has a number that no property can have")
        case _:
            return cast(ast._Literal, node).py_val


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise QueryError(f"{text} is not a point in time") from error


def _one_item_lists(tokens: Iterator[Any]) -> Iterator[Any]:
    """Tokens in which ``in ('A')`` reads ``in ('A',)``, the only list of one that the parser knows."""
    depth: int | None = None
    single = False
    for token in tokens:
        if token.type == "IN":
            depth, single = 0, True
        elif depth is not None and token.type == "(":
            depth += 1
        elif depth == 1 and token.type == ",":
            single = False
        elif depth is not None and token.type == ")":
            depth -= 1
            if depth == 0:
                if single:
                    comma = copy(token)
                    comma.type = comma.value = ","
                    yield comma
                depth = None
        yield token
