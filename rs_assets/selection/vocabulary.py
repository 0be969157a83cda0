"""What a station calls the properties of STAC, and where in its entities it holds them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

Test: TypeAlias = Callable[[str], str]
"""What is said of the path that it is given, as a clause of OData."""


def quoted(text: str) -> str:
    """A text as a literal of OData; a quote in it is doubled."""
    return "'" + text.replace("'", "''") + "'"


class Kind(StrEnum):
    """What a field or an attribute holds; the value is the name of the attribute's OData type."""

    TEXT = "String"
    INTEGER = "Integer"
    DOUBLE = "Double"
    TIME = "DateTimeOffset"


@dataclass(frozen=True, slots=True)
class Field:
    """A property of the station's entity."""

    path: str
    """E.g. ``ContentDate/Start``."""
    kind: Kind
    starts_with: bool = False
    """Whether the STAC property is only how the field begins, as an item's id is of a product's name."""

    def holding(self, test: Test) -> str:
        """The entities whose field passes the test."""
        return test(self.path)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One of the entity's named attributes."""

    name: str
    kind: Kind
    starts_with: bool = False
    """As a field's."""

    def holding(self, test: Test) -> str:
        """The entities with an attribute of that name that passes the test."""
        kind = f"OData.CSC.{self.kind}Attribute"
        return f"Attributes/{kind}/any(att:att/Name eq {quoted(self.name)} and {test(f'att/{kind}/Value')})"


Place: TypeAlias = Field | Attribute


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Where a station holds what STAC calls by another name."""

    places: Mapping[str, tuple[Place, ...]]
    """By STAC property: the places one of which holds its value. A property that is not here cannot be asked for."""


AUXIP_VOCABULARY = Vocabulary(
    MappingProxyType(
        {
            "id": (Field("Name", Kind.TEXT, starts_with=True),),
            "datetime": (Field("ContentDate/Start", Kind.TIME),),
            "start_datetime": (Field("ContentDate/Start", Kind.TIME),),
            "end_datetime": (Field("ContentDate/End", Kind.TIME),),
            "created": (Field("OriginDate", Kind.TIME), Field("PublicationDate", Kind.TIME)),
            "published": (Field("PublicationDate", Kind.TIME),),
            "expires": (Field("EvictionDate", Kind.TIME),),
            "product:type": (Attribute("productType", Kind.TEXT),),
            "processing:facility": (Attribute("processingCenter", Kind.TEXT),),
            "processing:version": (Attribute("processorVersion", Kind.TEXT),),
        }
    )
)
"""What an AUXIP station can be asked for.

A product without ContentDate, which the interface requires, is not found by its validity. Left out are properties
that an item can have without the field: the platform and constellation may come from the product's name,
``updated`` is a field that many stations lack, and stations type ``processingDate`` differently.
"""

_BEGINS = ("DownlinkStart", "PlannedDataStart", "PublicationDate")
"""Where a session's begin may stand."""

CADIP_VOCABULARY = Vocabulary(
    MappingProxyType(
        {
            "id": (Field("SessionId", Kind.TEXT),),
            "datetime": tuple(Field(name, Kind.TIME) for name in _BEGINS),
            "start_datetime": tuple(Field(name, Kind.TIME) for name in _BEGINS),
            "end_datetime": tuple(Field(name, Kind.TIME) for name in ("DownlinkStop", "PlannedDataStop", *_BEGINS)),
            "created": (Field("PublicationDate", Kind.TIME),),
            "published": (Field("PublicationDate", Kind.TIME),),
            "sat:absolute_orbit": (Field("DownlinkOrbit", Kind.INTEGER),),
            "cadip:station_unit_id": (Field("StationUnitId", Kind.TEXT),),
            "cadip:acquisition_id": (Field("AcquisitionId", Kind.TEXT),),
            "cadip:antenna_id": (Field("AntennaId", Kind.TEXT),),
            "cadip:front_end_id": (Field("FrontEndId", Kind.TEXT),),
            "cadip:num_channels": (Field("NumChannels", Kind.INTEGER),),
        }
    )
)
"""What a CADIP station can be asked for, of its sessions.

While a session is being acquired its times are the planned ones, or that of its publication. Left out is the
platform, since a station's Satellite may say nothing where the SessionId does, and what comes from several entities.
"""
