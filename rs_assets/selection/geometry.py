"""Geometries of a filter and of items, and whether two of them meet.

The exact test is that of the cql2 package (its geometry engine holds boundaries as part of a geometry); what it
cannot do is done before: boxes across the antimeridian are split, and what is not a geometry never gets there.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import cql2

from rs_assets.selection.errors import FilterError

_PAIR, _TRIPLE = 4, 6
"""Numbers of a bounding box in two and in three dimensions."""

_LINE, _RING = 2, 4
"""Least numbers of positions in a line and in a closed ring."""


def geometry_text(value: object) -> str:
    """A literal geometry, or an object with ``bbox``, as JSON in one way of writing.

    Raises:
        FilterError: it is neither.
    """
    if isinstance(value, Mapping) and "bbox" in value:
        if not _is_box(value["bbox"]):
            raise FilterError(f"{value['bbox']!r} is not a bounding box, four or six numbers from west to north")
        return _canonical({"bbox": value["bbox"]})
    if not is_geometry(value):
        raise FilterError(f"{str(value)[:100]} is not a GeoJSON geometry")
    return _canonical(value)


def intersection_test(text: str) -> Callable[[object], bool]:
    """A function that tells whether a GeoJSON geometry meets the literal one, written as by `geometry_text`."""
    literal = json.loads(text)
    shape = _box_geometry(literal["bbox"]) if "bbox" in literal else literal
    test = cql2.Expr({"op": "s_intersects", "args": [{"property": "geometry"}, shape]})
    return partial(_meets, test)


def is_geometry(value: object) -> bool:
    """Whether a value is a GeoJSON geometry with positions of finite numbers; collections are not nested."""
    if isinstance(value, Mapping) and value.get("type") == "GeometryCollection":
        return _is_list(1, _is_simple, value.get("geometries"))
    return _is_simple(value)


def _canonical(value: object) -> str:
    """JSON with sorted keys, in which 1 and 1.0 are the same."""
    return json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True)


def _meets(test: cql2.Expr, geometry: object) -> bool:
    return test.matches({"type": "Feature", "id": "", "geometry": geometry, "properties": {}})


def _box_geometry(box: Sequence[float]) -> dict[str, object]:
    half = len(box) // 2
    west, south, east, north = box[0], box[1], box[half], box[half + 1]
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    return {"type": "MultiPolygon", "coordinates": [[_rectangle(*span, south, north)] for span in spans]}


def _rectangle(west: float, east: float, south: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _is_simple(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    check = _CHECKS.get(str(value.get("type")))
    return check is not None and check(value.get("coordinates"))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf


def _is_box(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and len(value) in {_PAIR, _TRIPLE}
        and all(map(_is_number, value))
        and value[1] <= value[len(value) // 2 + 1]
    )


def _is_position(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) >= 2 and all(map(_is_number, value))  # noqa: PLR2004 - x and y


def _is_list(least: int, check: Callable[[object], bool], value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) >= least and all(map(check, value))


_is_line = partial(_is_list, _LINE, _is_position)
_is_polygon = partial(_is_list, 1, partial(_is_list, _RING, _is_position))

_CHECKS: dict[str, Callable[[object], bool]] = {
    "Point": _is_position,
    "MultiPoint": partial(_is_list, 1, _is_position),
    "LineString": _is_line,
    "MultiLineString": partial(_is_list, 1, _is_line),
    "Polygon": _is_polygon,
    "MultiPolygon": partial(_is_list, 1, _is_polygon),
}
