"""What a request asks a source for, and which of the items found it gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pystac import Item

from rs_assets.items.times import OPEN_END, parse_time
from rs_assets.requests.model import AuxRequest
from rs_assets.selection import Coverage, Expression, Policy, Selection, coverage, parse, select
from rs_assets.selection.expression import And, Comparison, In, IsNull, Json, Or, Property, Text, Timestamp
from rs_assets.selection.operators import ComparisonOperator
from rs_assets.selection.rules import JobInterval
from rs_assets.settings import Mission, Need, Settings

_BOUNDED = frozenset(
    {
        Policy.VAL_COVER,
        Policy.LATEST_VAL_COVER,
        Policy.LATEST_VAL_COVER_CLOSEST,
        Policy.BEST_CENTRED_COVER,
        Policy.VAL_INTERSECT,
        Policy.LATEST_VAL_INTERSECT,
        Policy.VAL_INTERSECT_WITHOUT_DUPLICATES,
        Policy.LARGEST_OVERLAP,
        Policy.LARGEST_OVERLAP_85,
        Policy.FULL_COVERAGE,
    }
)
"""Policies that choose among files which share an instant with the interval; the others look at all of a type."""


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """What was chosen of one product type."""

    product_type: str
    found: tuple[Item, ...]
    """All that the source has of the type and that could matter."""
    selection: Selection
    coverage: Coverage
    """What of the interval, with its margins, the chosen files leave uncovered."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the items found a request gets."""

    items: tuple[Item, ...]
    types: tuple[TypeChoice, ...]
    """By product type; empty for a request by filter, which asks for no interval."""

    @property
    def gaps(self) -> int:
        """How many gaps the chosen files leave, over all types."""
        return sum(len(entry.coverage.gaps) for entry in self.types)


def asked_for(request: AuxRequest, settings: Settings) -> Expression:
    """The filter that holds for everything which the request might get.

    A file that is valid for all satellites of a mission answers a request for one of them.
    """
    clauses: list[Expression] = []
    if request.filter is not None:
        clauses.append(parse(request.filter))
    else:
        by_need = [_type_and_time(request, need) for need in request.each_need]
        clauses.append(by_need[0] if len(by_need) == 1 else Or(tuple(by_need)))
    if request.satellite is not None:
        clauses.append(_of_satellite(request.satellite, settings))
    elif request.mission is not None:
        clauses.append(_is("constellation", settings.missions[request.mission].constellation))
    return clauses[0] if len(clauses) == 1 else And(tuple(clauses))


def bounds(request: AuxRequest) -> JobInterval | None:
    """The interval that everything which the request might get has an instant of; None where it has no such bounds."""
    needs = request.each_need
    if request.start is None or request.end is None or not all(need.policy in _BOUNDED for need in needs):
        return None
    return JobInterval.of(request.start, request.end, *widest_margins(request))


def widest_margins(request: AuxRequest) -> tuple[timedelta, timedelta]:
    """How far any of its needs widens the request's interval, before its start and after its end."""
    needs = request.each_need
    none = timedelta(0)
    return max((need.dt0 for need in needs), default=none), max((need.dt1 for need in needs), default=none)


def choose(request: AuxRequest, found: Sequence[Item]) -> Choice:
    """The items that the request gets, of those that a source has found.

    Raises:
        FilterError: an item's validity cannot be read.
    """
    if request.filter is not None:
        return Choice(tuple(_sorted(found, request.sortby)[: request.limit]), ())
    types = tuple(_choose_of_type(request, need, name, found) for need in request.each_need for name in need.types)
    return Choice(tuple(item for entry in types for item in entry.selection.items), types)


def mission_of(item: Item, missions: Mapping[str, Mission]) -> Mission | None:
    """The mission of the settings that an item belongs to."""
    constellation = item.properties.get("constellation")
    return next((mission for mission in missions.values() if mission.constellation == constellation), None)


def validity(item: Item) -> tuple[datetime, datetime]:
    """From when to when an item is valid, aware UTC; `OPEN_END` where it has no end."""
    moment = item.properties.get("datetime") or item.properties.get("published")
    begin = item.properties.get("start_datetime") or moment
    end = item.properties.get("end_datetime") or moment
    return parse_time(str(begin)), min(parse_time(str(end)), OPEN_END)


def _choose_of_type(request: AuxRequest, need: Need, name: str, found: Sequence[Item]) -> TypeChoice:
    assert request.start is not None
    assert request.end is not None
    of_type = tuple(item for item in found if item.properties.get("product:type") == name)
    selection = select(of_type, need.policy, request.start, request.end, dt0=need.dt0, dt1=need.dt1)
    interval = selection.interval
    covered = coverage((validity(item) for item in selection.items), interval.s0, interval.s1)
    return TypeChoice(name, of_type, selection, covered)


def _type_and_time(request: AuxRequest, need: Need) -> Expression:
    clauses: list[Expression] = [In(Property("product:type"), tuple(Text(name) for name in need.types))]
    if request.start is not None and request.end is not None and need.policy in _BOUNDED:
        job = JobInterval.of(request.start, request.end, need.dt0, need.dt1)
        clauses.append(Comparison(ComparisonOperator.LESS_OR_EQUAL, Property("start_datetime"), Timestamp(job.s1)))
        clauses.append(Comparison(ComparisonOperator.GREATER_OR_EQUAL, Property("end_datetime"), Timestamp(job.s0)))
    return clauses[0] if len(clauses) == 1 else And(tuple(clauses))


def _of_satellite(satellite: str, settings: Settings) -> Expression:
    mission = next(mission for mission in settings.missions.values() if satellite in mission.satellites)
    platform = mission.constellation + satellite.removeprefix(mission.name).lower()
    unit_less = And((_is("constellation", mission.constellation), IsNull(Property("platform"))))
    return Or((_is("platform", platform), unit_less))


def _is(name: str, value: str) -> Expression:
    return Comparison(ComparisonOperator.EQUAL, Property(name), Text(value))


def _sorted(items: Sequence[Item], sortby: str | None) -> list[Item]:
    """By one property, descending where a minus stands before it; what lacks the property comes last."""
    if not sortby:
        return list(items)
    name = sortby.lstrip("+-").removeprefix("properties.")

    def value(item: Item) -> Json:
        return item.id if name == "id" else item.properties.get(name)

    known = [item for item in items if value(item) is not None]
    known.sort(key=lambda item: (str(value(item)), item.id), reverse=sortby.startswith("-"))
    return known + [item for item in items if value(item) is None]
