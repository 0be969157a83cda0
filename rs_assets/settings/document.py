"""The whole settings document: missions, stations, store, catalogue, state and limits."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from rs_assets.errors import SettingsError
from rs_assets.settings.model import MisplacedValueError, SettingsModel
from rs_assets.settings.station import Station

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


class DirectoryStore(SettingsModel):
    """Objects and documents in a directory of this machine."""

    kind: Literal["directory"] = "directory"
    path: Path
    """The directory; made when it is first written to."""
    keep_superseded: timedelta = timedelta(days=1)
    """How long the objects of a replaced publication stay, for those who still read them."""


class SqliteCatalogSettings(SettingsModel):
    """The catalogue in one SQLite file, on a local disk."""

    kind: Literal["sqlite"] = "sqlite"
    path: Path


class StateSettings(SettingsModel):
    """Where the operational facts are kept."""

    url: str
    """SQLAlchemy URL without a password, e.g. ``sqlite:////data/state.sqlite``."""

    @field_validator("url")
    @classmethod
    def _usable(cls, url: str) -> str:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise ValueError("expected a SQLAlchemy URL, e.g. sqlite:////data/state.sqlite") from error
        if parsed.password is not None:
            raise ValueError("a URL must not hold a password")
        if parsed.get_backend_name() != "sqlite":
            raise ValueError(f"{parsed.get_backend_name()!r} cannot be used yet; use a sqlite:/// URL")
        return url

    def resolved_against(self, base: Path) -> Self:
        """The same settings with a relative SQLite path made absolute, starting at `base`."""
        parsed = make_url(self.url)
        if not parsed.database or parsed.database == ":memory:":
            return self
        absolute = parsed.set(database=str(base / parsed.database))
        return self.model_copy(update={"url": absolute.render_as_string()})


class Settings(SettingsModel):
    """The whole document."""

    schema_version: Literal[1]
    """Version of the document's form."""
    missions: dict[str, Mission]
    """The missions by name, e.g. ``S1``."""
    store: DirectoryStore
    catalog: SqliteCatalogSettings
    state: StateSettings
    keys_per_run: Annotated[int, Field(ge=1, le=1000)] = 31
    """Most partitions of one run; a longer backfill is split."""
    stations: tuple[Station, ...]

    @field_validator("missions")
    @classmethod
    def _named(cls, missions: dict[str, Mission]) -> dict[str, Mission]:
        for name in missions:
            if name == OTHER_MISSION or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
                raise ValueError(f"{name!r} cannot name a mission: use letters, digits, '_' or '-', not 'other'")
        return {name: mission.model_copy(update={"name": name}) for name, mission in missions.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = {*self.missions, OTHER_MISSION}
        names: set[str] = set()
        for index, station in enumerate(self.stations):
            if station.name in names:
                raise MisplacedValueError(("stations", index, "name"), f"a second station is called {station.name!r}")
            names.add(station.name)
            for place, mission in enumerate(station.missions):
                if mission not in known:
                    raise MisplacedValueError(
                        ("stations", index, "missions", place),
                        f"{mission!r} is no mission of these settings; known are {', '.join(sorted(known))}",
                    )
        return self

    def resolved_against(self, base: Path) -> Self:
        """The same settings with every relative path made absolute, starting at `base`."""
        stations = tuple(station.resolved_against(base) for station in self.stations)
        return self.model_copy(
            update={
                "store": self.store.model_copy(update={"path": base / self.store.path}),
                "catalog": self.catalog.model_copy(update={"path": base / self.catalog.path}),
                "state": self.state.resolved_against(base),
                "stations": stations,
            }
        )

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
