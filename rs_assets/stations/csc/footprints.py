"""Where a product was seen: GeoJSON, or WKT as ``geography'SRID=4326;POLYGON((…))'`` in any case."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

Geometry = dict[str, Any]
"""A geometry of GeoJSON (RFC 7946)."""

_DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""How deep the positions of each kind of geometry are nested."""
_KINDS = {kind.upper(): kind for kind in _DEPTHS}
_WKT = re.compile(
    r"\s*(?:geography')?\s*(?:SRID=(?P<srid>\d+);)?\s*(?P<kind>[A-Z]+?)\s*(?:Z\b)?\s*(?P<places>\(.*\))\s*'?\s*",
    re.IGNORECASE | re.DOTALL,
)
_MAX_POSITIONS = 10_000
_HALF_TURN, _TURN, _QUARTER_TURN = 180.0, 360.0, 90.0


class FootprintError(ValueError):
    """It is not a footprint; the message says why."""


def footprint_of(geojson: object, wkt: object) -> tuple[Geometry, list[float]] | None:
    """The geometry and its bounding box (west, south, east, north; degrees, WGS 84), GeoJSON first.

    A polygon across the antimeridian is cut there, and one round a pole goes up to it (RFC 7946, 3.1.9); a box across
    the antimeridian has a west greater than its east (5.2). A ring that is not closed is closed. None where neither is
    given.

    Raises:
        FootprintError: what is given cannot be read, or is not on the Earth.
    """
    if isinstance(geojson, dict):
        kind, places = geojson.get("type"), geojson.get("coordinates")
    elif isinstance(wkt, str) and wkt.strip():
        kind, places = _from_wkt(wkt)
    else:
        return None
    if not isinstance(kind, str) or kind not in _DEPTHS:
        raise FootprintError(f"the geometry {kind!r} is not one of {', '.join(_DEPTHS)}")
    coordinates = _checked(places, _DEPTHS[kind])
    positions = list(_positions(coordinates, _DEPTHS[kind]))
    if not positions:
        raise FootprintError("the geometry has no position")
    if len(positions) > _MAX_POSITIONS:
        raise FootprintError(f"the geometry has more than {_MAX_POSITIONS} positions")
    geometry: Geometry = {"type": kind, "coordinates": coordinates}
    if kind.endswith("Polygon"):
        rings = list(_lists_of_positions(coordinates, _DEPTHS[kind]))
        for ring in rings:
            _close(ring)
        if any(_jumps(ring) for ring in rings):
            geometry = _cut(geometry, rings)
            positions = list(_positions(geometry["coordinates"], _DEPTHS[geometry["type"]]))
    return geometry, _box(positions)


def _close(ring: list[Any]) -> None:
    if ring and ring[0] != ring[-1]:
        ring.append(ring[0])
    if len(ring) < 4:  # noqa: PLR2004 - three corners, and the first again
        raise FootprintError("a ring of the geometry has less than three corners")


def _jumps(ring: Sequence[Sequence[float]]) -> bool:
    """Whether the ring goes from one side of the antimeridian to the other."""
    return any(abs(one[0] - other[0]) > _HALF_TURN for one, other in pairwise(ring))


def _cut(geometry: Geometry, rings: Sequence[Sequence[Sequence[float]]]) -> Geometry:
    """The geometry, cut at the antimeridian, and with the pole that it goes round."""
    import antimeridian

    # What goes round a pole ends a whole turn from where it began.
    turns = [sum(math.remainder(there[0] - here[0], _TURN) for here, there in pairwise(ring)) for ring in rings]
    is_round = any(abs(turn) > _HALF_TURN for turn in turns)
    is_north = sum(position[1] for ring in rings for position in ring) > 0
    try:
        cut = antimeridian.fix_geojson(
            geometry,
            fix_winding=True,
            great_circle=False,  # GeoJSON's edges are straight in longitude and latitude
            force_north_pole=is_round and is_north,
            force_south_pole=is_round and not is_north,
        )
    except ValueError as error:
        raise FootprintError(f"it cannot be cut at the antimeridian: {error}") from error
    fixed: Geometry = json.loads(json.dumps(cut))
    return fixed


def _from_wkt(text: str) -> tuple[str, Any]:
    match = _WKT.fullmatch(text)
    kind = match and _KINDS.get(match["kind"].upper())
    if match is None or kind is None:
        raise FootprintError("it is not WKT of a known geometry")
    if match["srid"] not in {None, "4326"}:
        raise FootprintError(f"its coordinates are of SRID {match['srid']}, not 4326")
    places = match["places"]
    if kind == "MultiPoint":
        places = re.sub(r"\(([^()]*)\)", r"\1", places[1:-1]).join("()")
    return kind, _WktPlaces(places, _DEPTHS[kind]).read()


class _WktPlaces:
    """Reads nested lists of positions, e.g. ``((0 0, 1 0, 1 1, 0 0))``."""

    def __init__(self, text: str, depth: int) -> None:
        self._tokens = re.findall(r"[(),]|[^(),]+", text)
        self._depth = depth
        self._next = 0

    def read(self) -> Any:
        if self._depth == 0:
            inner = self._list(1)
            found = inner[0] if len(inner) == 1 else None
        else:
            found = self._list(self._depth)
        if found is None or self._next != len(self._tokens):
            raise FootprintError("its WKT ends in the midst, or goes on behind its end")
        return found

    def _list(self, depth: int) -> list[Any]:
        self._expect("(")
        found = [self._list(depth - 1) if depth > 1 else self._position()]
        while self._peek() == ",":
            self._expect(",")
            found.append(self._list(depth - 1) if depth > 1 else self._position())
        self._expect(")")
        return found

    def _position(self) -> list[float]:
        try:
            numbers = [float(number) for number in self._take().split()]
        except ValueError as error:
            raise FootprintError("a coordinate of its WKT is not a number") from error
        return numbers[:2]

    def _peek(self) -> str:
        tokens = (token for token in self._tokens[self._next :] if token.strip())
        return next(tokens, "").strip()

    def _take(self) -> str:
        while self._next < len(self._tokens) and not self._tokens[self._next].strip():
            self._next += 1
        self._next += 1
        return self._tokens[self._next - 1] if self._next <= len(self._tokens) else ""

    def _expect(self, sign: str) -> None:
        if self._take().strip() != sign:
            raise FootprintError(f"its WKT lacks a {sign!r}")


def _checked(places: object, depth: int) -> list[Any]:
    if not isinstance(places, list | tuple):
        raise FootprintError("a coordinate is not in a list")
    if depth > 0:
        return [_checked(place, depth - 1) for place in places]
    numbers = [float(n) for n in places if isinstance(n, int | float) and not isinstance(n, bool)]
    if len(numbers) != len(places) or len(numbers) not in {2, 3} or not all(map(math.isfinite, numbers)):
        raise FootprintError("a position is not two numbers")
    longitude, latitude = numbers[:2]
    if abs(longitude) > _TURN or abs(latitude) > _QUARTER_TURN:
        raise FootprintError(f"the position {longitude:g}, {latitude:g} is not on the Earth")
    if abs(longitude) > _HALF_TURN:
        longitude -= math.copysign(_TURN, longitude)
    return [longitude, latitude]


def _lists_of_positions(coordinates: list[Any], depth: int) -> Iterator[list[Any]]:
    if depth == 1:
        yield coordinates
    else:
        for inner in coordinates:
            yield from _lists_of_positions(inner, depth - 1)


def _positions(coordinates: list[Any], depth: int) -> Iterator[Sequence[float]]:
    if depth == 0:
        yield coordinates
    else:
        for inner in _lists_of_positions(coordinates, depth):
            yield from inner


def _box(positions: Sequence[Sequence[float]]) -> list[float]:
    longitudes = [position[0] for position in positions]
    latitudes = [position[1] for position in positions]
    west, east = min(longitudes), max(longitudes)
    gap, lower, upper = max(
        ((high - low, low, high) for low, high in pairwise(sorted(set(longitudes)))), default=(0.0, west, east)
    )
    if _HALF_TURN < gap < _TURN:
        # Closer across the antimeridian than around the Earth.
        west, east = upper, lower
    return [west, min(latitudes), east, max(latitudes)]
