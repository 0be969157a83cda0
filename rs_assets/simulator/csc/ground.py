"""Where a satellite of the Sentinels' kind of orbit is, and what it sees below it: near enough for a simulation."""

import math
from datetime import UTC, datetime, timedelta

Position = tuple[float, float]
"""Longitude and latitude in degrees, WGS 84."""

_EPOCH = datetime(2014, 1, 1, tzinfo=UTC)
_PERIOD = timedelta(minutes=98.6)
_INCLINATION = math.radians(98.18)
_DAY = timedelta(days=1)
_EARTH_RADIUS_KM = 6371.0
_STEP = timedelta(seconds=1)


def direction(moment: datetime) -> str:
    """Whether the satellite flies to the north or to the south."""
    return "ASCENDING" if math.cos(_phase(moment)) > 0 else "DESCENDING"


def seen(start: datetime, end: datetime, kilometres: float) -> tuple[Position, ...]:
    """The closed ring round what lies within half so many kilometres of the track between two times.

    Longitudes are between -180 and 180, so a ring across the antimeridian jumps from one to the other.
    """
    half = kilometres / 2 / _EARTH_RADIUS_KM
    track = [_below(start), _below(end)]
    courses = [_course(_below(moment - _STEP), _below(moment + _STEP)) for moment in (start, end)]
    corners = [
        _away(track[0], courses[0] - math.pi / 2, half),
        _away(track[1], courses[1] - math.pi / 2, half),
        _away(track[1], courses[1] + math.pi / 2, half),
        _away(track[0], courses[0] + math.pi / 2, half),
    ]
    ring = [(round(math.degrees(longitude), 4), round(math.degrees(latitude), 4)) for longitude, latitude in corners]
    return (*ring, ring[0])


def _phase(moment: datetime) -> float:
    return (moment - _EPOCH) / _PERIOD * 2 * math.pi


def _below(moment: datetime) -> Position:
    """The point of the Earth below the satellite, in radians."""
    phase = _phase(moment)
    latitude = math.asin(math.sin(_INCLINATION) * math.sin(phase))
    turned = (moment - _EPOCH) / _DAY * 2 * math.pi
    longitude = math.atan2(math.cos(_INCLINATION) * math.sin(phase), math.cos(phase)) - turned
    return _within(longitude), latitude


def _course(one: Position, other: Position) -> float:
    """The direction from one point to another, clockwise from north, in radians."""
    span = other[0] - one[0]
    y = math.sin(span) * math.cos(other[1])
    x = math.cos(one[1]) * math.sin(other[1]) - math.sin(one[1]) * math.cos(other[1]) * math.cos(span)
    return math.atan2(y, x)


def _away(point: Position, course: float, distance: float) -> Position:
    """The point at a distance (in radii of the Earth) in a direction."""
    longitude, latitude = point
    there = math.asin(
        math.sin(latitude) * math.cos(distance) + math.cos(latitude) * math.sin(distance) * math.cos(course)
    )
    span = math.atan2(
        math.sin(course) * math.sin(distance) * math.cos(latitude),
        math.cos(distance) - math.sin(latitude) * math.sin(there),
    )
    return _within(longitude + span), there


def _within(longitude: float) -> float:
    return math.remainder(longitude, 2 * math.pi)
