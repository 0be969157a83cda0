"""To which mission and satellite a product belongs: by its name, else by its platform."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rs_assets.settings import OTHER_MISSION, Mission


@dataclass(frozen=True, slots=True)
class Belonging:
    """What a product belongs to."""

    mission: Mission | None
    """None: to no mission of the settings."""
    satellite: str | None
    """E.g. ``S1A``, also one that the settings do not know; None for a product that is valid for every satellite."""
    contradiction: str | None = None
    """What the product's name says where its platform says something else."""

    @property
    def mission_name(self) -> str:
        """The partition's mission, `OTHER_MISSION` for a product of none."""
        return self.mission.name if self.mission else OTHER_MISSION

    @property
    def unknown_satellite(self) -> str | None:
        """The satellite, if the settings do not know it."""
        return None if self.mission is None or self.satellite in self.mission.satellites else self.satellite

    @property
    def platform(self) -> str | None:
        """STAC platform, e.g. ``sentinel-1a``; None for a product without a satellite."""
        if self.mission is None or self.satellite is None:
            return None
        return self.mission.constellation + self.satellite.removeprefix(self.mission.name).lower()


def belonging(
    missions: Iterable[Mission], *, name: str, short_name: str | None = None, serial: str | None = None
) -> Belonging:
    """The mission and satellite of a product, from its name, or else from the attributes of its platform.

    The naming convention fixes how a name begins, so it holds where it names a mission of the settings; the attributes
    decide where it says nothing. Where the two differ that is noted. A letter of a unit that the settings do not know
    is that unit all the same: only a name without one is valid for every satellite.

    Args:
        missions: those of the settings.
        name: the product's name, e.g. ``S1A_OPER_AUX_RESORB_…``.
        short_name: attribute ``platformShortName``, e.g. ``SENTINEL-1``.
        serial: attribute ``platformSerialIdentifier``, e.g. ``A``.
    """
    known = list(missions)
    named = _by_name(known, name)
    if not short_name:
        return named
    attributed = _by_platform(known, short_name, serial)
    if named.mission is None:
        return attributed
    if attributed.mission is not named.mission:
        return replace(named, contradiction=f"its platform is {short_name}, its name says {named.mission_name}")
    if named.satellite is None or attributed.satellite in {None, named.satellite}:
        return replace(named, satellite=named.satellite or attributed.satellite)
    return replace(named, contradiction=f"its platform says {attributed.satellite}, its name {named.satellite}")


def unknown_satellites(owners: Iterable[Belonging]) -> list[str]:
    """What to say of satellites that the settings do not know, each once."""
    found = {owner.unknown_satellite: owner.mission_name for owner in owners if owner.unknown_satellite is not None}
    return [
        f"{satellite} is not a satellite of {mission} in the settings; what it lists counts for that satellite alone"
        for satellite, mission in sorted(found.items())
    ]


def _by_platform(missions: list[Mission], short_name: str, serial: str | None) -> Belonging:
    wanted = short_name.strip().casefold()
    for mission in missions:
        if wanted in {name.casefold() for name in mission.platform_short_names}:
            return Belonging(mission, _satellite(mission, (serial or "").strip().upper()))
    for mission in missions:
        unit = wanted.removeprefix(mission.constellation.casefold()).upper()
        if unit != wanted.upper() and (satellite := _satellite(mission, unit)) is not None:
            return Belonging(mission, satellite)
    return Belonging(None, None)


def _satellite(mission: Mission, unit: str) -> str | None:
    """The satellite that a unit's letter stands for, whether or not the settings know it."""
    code = unit if unit.startswith(mission.name) else mission.name + unit
    if code in mission.satellites:
        return code
    if len(unit.removeprefix(mission.name)) == 1 and unit.isalnum():
        return code
    return mission.satellites[0] if len(mission.satellites) == 1 and not unit else None


def _by_name(missions: list[Mission], name: str) -> Belonging:
    matches = [
        (len(prefix), mission) for mission in missions for prefix in mission.name_prefixes if name.startswith(prefix)
    ]
    if not matches:
        return Belonging(None, None)
    _, mission = max(matches, key=lambda match: match[0])
    satellite = next((satellite for satellite in mission.satellites if name.startswith(satellite)), None)
    unit = re.match(rf"{re.escape(mission.name)}[A-Z0-9](?![A-Za-z0-9])", name)
    return Belonging(mission, satellite or (unit[0] if unit else None))
