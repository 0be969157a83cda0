"""Looking what a station has, without storing anything of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rs_assets.errors import FilterError
from rs_assets.ingest.opening import open_station
from rs_assets.ingest.platform import Platform
from rs_assets.items.identity import publication_order
from rs_assets.items.times import format_time
from rs_assets.selection import Expression, parse
from rs_assets.settings import Settings, Station, TimeField
from rs_assets.stations.search import Answer

_TIMES = {TimeField.PUBLICATION: "published", TimeField.CONTENT: "datetime"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for; what is left out restricts nothing."""

    start: datetime | None = None
    """The earliest time of publication, or of the content where the station's ``time_field`` says so; aware UTC."""
    end: datetime | None = None
    """The time before which that is; aware UTC."""
    missions: Sequence[str] = ()
    """By their names in the settings."""
    product_types: Sequence[str] = ()
    name: str = ""
    """What the item's id contains; ``*`` stands for anything in it."""
    bbox: tuple[float, float, float, float] | None = None
    """West, south, east and north in degrees; a west greater than the east is across the antimeridian."""
    filter: str = ""
    """More in CQL2 text."""

    def expression(self, settings: Settings, station: Station) -> Expression:
        """All of it as one filter.

        Raises:
            FilterError: nothing is restricted, or a part cannot be understood.
        """
        time = _TIMES[station.time_field]
        clauses = []
        if self.start is not None:
            clauses.append(f"{time} >= TIMESTAMP({_text(format_time(self.start))})")
        if self.end is not None:
            clauses.append(f"{time} < TIMESTAMP({_text(format_time(self.end))})")
        if self.missions:
            known = settings.missions
            if unknown := [name for name in self.missions if name not in known]:
                raise FilterError(f"{unknown[0]!r} is not a mission of the settings; they have {', '.join(known)}")
            clauses.append(f"constellation IN ({_texts(known[name].constellation for name in self.missions)})")
        if self.product_types:
            clauses.append(f'"product:type" IN ({_texts(self.product_types)})')
        if self.name:
            escaped = self.name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
            clauses.append(f"id LIKE {_text(f'%{escaped}%')}")
        if self.bbox is not None:
            clauses.append(f"S_INTERSECTS(geometry, {_area(*self.bbox)})")
        if self.filter:
            clauses.append(f"({self.filter})")
        if not clauses:
            raise FilterError("nothing is asked for: give a start, a name, or a filter")
        return parse(" AND ".join(clauses))


async def look_up(platform: Platform, station: str, sought: Sought, *, limit: int | None = None) -> Answer:
    """What a station has of what is sought, the newest publications first, at most `limit` of them.

    The store, the catalogue and the state are neither read nor changed.

    Args:
        platform: the installation, whose other runs share the station's limits.
        station: its name in the settings.
        sought: what is looked for.
        limit: the most items; all of them where None.

    Raises:
        SettingsError: there is no such station.
        FilterError: what is sought cannot be understood.
        StationError: the station could not be asked, or would have to list its whole archive.
    """
    settings = platform.settings.station(station)
    expression = sought.expression(platform.settings, settings)
    async with open_station(platform, settings) as opened:
        answer = await opened.search.find(expression)
    answer.items = sorted(answer.items, key=publication_order, reverse=True)[:limit]
    return answer


def _area(west: float, south: float, east: float, north: float) -> str:
    """The box in WKT; two where it is across the antimeridian.

    Raises:
        FilterError: it is none.
    """
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):  # noqa: PLR2004 - degrees
        raise FilterError(
            f"{west:g},{south:g},{east:g},{north:g} is no box: west, south, east and north in degrees, south first"
        )
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    boxes = [f"(({w} {south},{e} {south},{e} {north},{w} {north},{w} {south}))" for w, e in spans]
    return f"POLYGON{boxes[0]}" if len(boxes) == 1 else f"MULTIPOLYGON({','.join(boxes)})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _texts(values: Iterable[str]) -> str:
    return ",".join(map(_text, values))
