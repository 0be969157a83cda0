"""The settings of a CADIP station: when a downlink session is complete, and what becomes of one that is not."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, field_validator

from rs_assets.settings import Station
from rs_assets.settings.model import SettingsModel


class Completeness(StrEnum):
    """When a session counts as complete. Each delivery is judged, and what all of them give together."""

    STRICT = "strict"
    """Count and volume of every channel equal the totals of QualityInfo; where it states none, each of NumChannels
    channels has its blocks without a gap from the first to one that is final."""
    LENIENT = "lenient"
    """Any one test holds: the totals, the final blocks, or that no chunk came for `quiet_after`."""
    OFF = "off"
    """Whatever is there is complete."""


class Incomplete(StrEnum):
    """What becomes of a session that is not complete; its chunks are staged in either case."""

    HOLD = "hold"
    """It waits for its completion outside the catalogue."""
    PARTIAL = "partial"
    """It is catalogued as far as it goes, marked as incomplete, and updated as it grows."""


def _off(value: object) -> object:
    """YAML reads a bare ``off`` as false."""
    return "off" if value is False else value


class Sessions(SettingsModel):
    """How a downlink station's sessions are followed and judged."""

    completeness: Annotated[Completeness, BeforeValidator(_off)] = Completeness.STRICT
    """Which test a session must pass to be complete: strict, lenient or off."""
    quiet_after: timedelta = timedelta(minutes=10)
    """How long after the downlink's end, and after its newest chunk, nothing more is expected."""
    incomplete: Incomplete = Incomplete.HOLD
    """Whether a session that is not complete is held back from the catalogue or published as partial."""
    follow_every: timedelta | None = timedelta(seconds=10)
    """How often the station is asked for what it has just published; not at all where null."""

    @field_validator("quiet_after", "follow_every")
    @classmethod
    def _some_time(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value <= timedelta(0):
            raise ValueError("a duration must be longer than nothing")
        return value


class CadipStation(Station):
    """A station of downlink sessions; ``/Sessions`` and ``/Files`` are added to its url."""

    interface: Literal["cadip"]
    """The interface that it speaks."""
    collection: str = "{mission}_chunk"
    """Pattern of the catalogue's collection; ``{mission}`` is the mission's name in lower case."""
    sessions: Sessions = Sessions()
    """When a downlink session is complete, and how it is followed."""


def sessions_of(station: Station) -> Sessions:
    """How the sessions of a CADIP station are followed and judged."""
    assert isinstance(station, CadipStation)
    return station.sessions
