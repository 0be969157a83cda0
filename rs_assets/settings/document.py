"""The whole settings document: missions, stations, store, catalogue, state and limits."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from rs_assets.errors import SettingsError
from rs_assets.settings.interfaces import AnyStation, load_interface
from rs_assets.settings.model import Key, MisplacedValueError, SettingsModel
from rs_assets.settings.needs import CATALOG_SOURCE, SessionRequest
from rs_assets.settings.retention import Retention
from rs_assets.settings.state import StateSettings
from rs_assets.settings.station import Station
from rs_assets.settings.store import Store

OTHER_MISSION = "other"
"""The partition of products that match no mission."""


class Mission(SettingsModel):
    """One mission and how its products are known."""

    name: str = ""
    """The mission's key in the settings; filled in from there."""
    constellation: str
    """STAC constellation, e.g. ``sentinel-1``."""
    satellites: tuple[str, ...]
    """Satellites, e.g. ``S1A``; ``sentinel-1a`` is the STAC platform."""
    platform_short_names: tuple[str, ...]
    """The values of the attribute ``platformShortName``, e.g. ``SENTINEL-1``."""
    name_prefixes: tuple[str, ...]
    """How the names of its products begin, e.g. ``S1``."""


class SqliteCatalogSettings(SettingsModel):
    """The catalogue in one SQLite file, on a local disk."""

    kind: Literal["sqlite"] = "sqlite"
    path: Path
    kinds: ClassVar[frozenset[str]] = frozenset({"sqlite"})
    """The kinds that the UI shows of what is in it, besides ``stac``."""


class Settings(SettingsModel):
    """The whole document."""

    schema_version: Literal[1]
    """Version of the document's form."""
    missions: dict[str, Mission]
    """The missions by name, e.g. ``S1``."""
    store: Store
    catalog: SqliteCatalogSettings
    state: StateSettings
    retention: Retention = Retention()
    """How long operational facts are kept."""
    keys_per_run: Annotated[int, Field(ge=1, le=1000)] = 31
    """Most partitions of one run; a longer backfill is split."""
    requests_per_run: Annotated[int, Field(ge=1, le=1000)] = 100
    """Most on-demand requests that one run answers."""
    stations: tuple[AnyStation, ...]
    session_requests: dict[str, SessionRequest] = Field(default_factory=dict)
    """By mission: what is requested automatically when a downlink session of the mission enters the catalogue."""

    @field_validator("missions")
    @classmethod
    def _named(cls, missions: dict[str, Mission]) -> dict[str, Mission]:
        wrong = [name for name in missions if name == OTHER_MISSION or not re.fullmatch(r"[A-Za-z0-9_-]+", name)]
        if wrong:
            message = "cannot name a mission: use letters, digits, '_' or '-', not 'other'"
            raise MisplacedValueError(*(((name,), f"{name!r} {message}") for name in wrong))
        return {name: mission.model_copy(update={"name": name}) for name, mission in missions.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._repeated_stations(), *self._unknown_missions(), *self._unanswerable_sessions()]
        if problems:
            raise MisplacedValueError(*problems)
        return self

    def _repeated_stations(self) -> Iterator[tuple[Key, str]]:
        names: set[str] = set()
        for index, station in enumerate(self.stations):
            if station.name in names:
                yield ("stations", index, "name"), f"a second station is called {station.name!r}"
            names.add(station.name)

    def _unknown_missions(self) -> Iterator[tuple[Key, str]]:
        known = {*self.missions, OTHER_MISSION}
        message = f"is not a mission of these settings; known are {', '.join(sorted(known))}"
        for index, station in enumerate(self.stations):
            for place, mission in enumerate(station.missions):
                if mission not in known:
                    yield ("stations", index, "missions", place), f"{mission!r} {message}"

    def _unanswerable_sessions(self) -> Iterator[tuple[Key, str]]:
        sources = [station.name for station in self.stations if load_interface(station.interface).answers_product_types]
        sources.append(CATALOG_SOURCE)
        for name, asked in self.session_requests.items():
            if name not in self.missions:
                known = ", ".join(sorted(self.missions))
                yield ("session_requests", name), f"{name!r} is not a mission of these settings; known are {known}"
            if asked.source not in sources:
                message = f"{asked.source!r} has no auxiliary files; expected one of {', '.join(sources)}"
                yield ("session_requests", name, "source"), message

    def station(self, name: str) -> Station:
        """The station of that name.

        Raises:
            SettingsError: there is none.
        """
        for station in self.stations:
            if station.name == name:
                return station
        raise SettingsError(
            f"there is no station {name!r}; the settings have {', '.join(s.name for s in self.stations)}"
        )
