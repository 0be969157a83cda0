"""To which mission and satellite a product belongs: by its platform, else by its name."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rs_assets.settings import OTHER_MISSION, Mission


@dataclass(frozen=True, slots=True)
class Belonging:
    """What a product belongs to."""

    mission: Mission | None
    """None: to no mission of the settings."""
    satellite: str | None
    """E.g. ``S1A``; None for a product that is valid for every satellite of its mission."""
    contradiction: str | None = None
    """What the product's name says where its platform says something else."""

    @property
    def mission_name(self) -> str:
        """The partition's mission, `OTHER_MISSION` for a product of none."""
        return self.mission.name if self.mission else OTHER_MISSION

    @property
    def platform(self) -> str | None:
        """STAC platform, e.g. ``sentinel-1a``; None for a product without a satellite."""
        if self.mission is None or self.satellite is None:
            return None
        return self.mission.constellation + self.satellite.removeprefix(self.mission.name).lower()


def belonging(
    missions: Iterable[Mission], *, name: str, short_name: str | None = None, serial: str | None = None
) -> Belonging:
    """The mission and satellite of a product, from the attributes of its platform, or else from its name.

    Where the two differ the platform holds, unless it is none of the settings'; the contradiction is noted.

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
    if attributed.mission is None:
        return replace(named, contradiction=f"its platform is {short_name}, its name says {named.mission_name}")
    if attributed.mission is named.mission and not serial:
        return replace(attributed, satellite=attributed.satellite or named.satellite)
    said = (named.mission_name, named.satellite or attributed.satellite)
    if said == (attributed.mission_name, attributed.satellite):
        return attributed
    found = attributed.satellite or attributed.mission_name
    return replace(attributed, contradiction=f"its platform says {found}, its name {named.satellite or said[0]}")


def _by_platform(missions: list[Mission], short_name: str, serial: str | None) -> Belonging:
    wanted = short_name.strip().casefold()
    for mission in missions:
        if wanted in {name.casefold() for name in mission.platform_short_names}:
            return Belonging(mission, _satellite(mission, serial))
    for mission in missions:
        for satellite in mission.satellites:
            if wanted == Belonging(mission, satellite).platform:
                return Belonging(mission, satellite)
    return Belonging(None, None)


def _satellite(mission: Mission, serial: str | None) -> str | None:
    if len(mission.satellites) == 1:
        return mission.satellites[0]
    code = mission.name + (serial or "").strip().upper()
    return code if code in mission.satellites else None


def _by_name(missions: list[Mission], name: str) -> Belonging:
    matches = [
        (len(prefix), mission) for mission in missions for prefix in mission.name_prefixes if name.startswith(prefix)
    ]
    if not matches:
        return Belonging(None, None)
    _, mission = max(matches, key=lambda match: match[0])
    satellite = next((satellite for satellite in mission.satellites if name.startswith(satellite)), None)
    return Belonging(mission, satellite)
