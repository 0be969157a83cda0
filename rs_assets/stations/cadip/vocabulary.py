"""What STAC's properties are called by a CADIP station."""

from types import MappingProxyType

from rs_assets.selection.vocabulary import Field, Kind, Vocabulary

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
