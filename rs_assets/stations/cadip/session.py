"""One downlink session of a CADIP station with its files, and the STAC item that they become.

While a session is being acquired much of it is null or missing. What identifies a session or a file must be
readable; anything else that is not is left out.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pystac import Asset, Item

from rs_assets.items.extensions import declare_extensions
from rs_assets.items.growth import second_key
from rs_assets.items.times import format_time
from rs_assets.settings import Station
from rs_assets.stations.cadip.completeness import QUALITY, RETRANSFER_QUALITY
from rs_assets.stations.fields import Count, Flag, Moment, RequiredText, Size, Text
from rs_assets.stations.missions import Belonging

_CHANNEL_IN_NAME = re.compile(r"_ch_?(\d{1,4})_", re.IGNORECASE)
_BLOCK_IN_NAME = re.compile(r"_DSDB_(\d{1,9})(?:\.|$)", re.IGNORECASE)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

_LENIENT = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class ChannelQuality(BaseModel):
    """What the station says of one channel of a session: transfer frames, and the totals of its chunks."""

    model_config = _LENIENT

    channel: Annotated[Count, Field(alias="Channel")] = None
    acquired_tfs: Annotated[Count, Field(alias="AcquiredTFs")] = None
    error_tfs: Annotated[Count, Field(alias="ErrorTFs")] = None
    corrected_tfs: Annotated[Count, Field(alias="CorrectedTFs")] = None
    uncorrectable_tfs: Annotated[Count, Field(alias="UncorrectableTFs")] = None
    data_tfs: Annotated[Count, Field(alias="DataTFs")] = None
    error_data_tfs: Annotated[Count, Field(alias="ErrorDataTFs")] = None
    corrected_data_tfs: Annotated[Count, Field(alias="CorrectedDataTFs")] = None
    uncorrectable_data_tfs: Annotated[Count, Field(alias="UncorrectableDataTFs")] = None
    delivery_start: Annotated[Moment, Field(alias="DeliveryStart")] = None
    delivery_stop: Annotated[Moment, Field(alias="DeliveryStop")] = None
    total_chunks: Annotated[Count, Field(alias="TotalChunks")] = None
    total_volume: Annotated[Count, Field(alias="TotalVolume")] = None
    """Bytes."""

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of it, by name."""
        return {
            name: format_time(value) if isinstance(value, datetime) else value
            for name, value in self.model_dump().items()
            if value is not None
        }


def _qualities(value: object) -> object:
    """One object instead of a list, and null, are seen."""
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, dict)]


class Session(BaseModel):
    """A session as the interface defines it, read leniently: an optional field that cannot be read is None."""

    model_config = _LENIENT

    id: Annotated[RequiredText, Field(alias="Id", min_length=1)]
    """The key of this delivery; a retransfer has another."""
    session_id: Annotated[RequiredText, Field(alias="SessionId", min_length=1)]
    """E.g. ``S1A_20241114143038056552``."""
    num_channels: Annotated[Count, Field(alias="NumChannels")] = None
    publication_date: Annotated[Moment, Field(alias="PublicationDate")] = None
    satellite: Annotated[Text, Field(alias="Satellite")] = None
    station_id: Annotated[Text, Field(alias="StationId")] = None
    station_unit_id: Annotated[Text, Field(alias="StationUnitId")] = None
    downlink_orbit: Annotated[Count, Field(alias="DownlinkOrbit")] = None
    acquisition_id: Annotated[Text, Field(alias="AcquisitionId")] = None
    antenna_id: Annotated[Text, Field(alias="AntennaId")] = None
    front_end_id: Annotated[Text, Field(alias="FrontEndId")] = None
    retransfer: Annotated[Flag, Field(alias="Retransfer")] = None
    antenna_status_ok: Annotated[Flag, Field(alias="AntennaStatusOK")] = None
    front_end_status_ok: Annotated[Flag, Field(alias="FrontEndStatusOK")] = None
    downlink_status_ok: Annotated[Flag, Field(alias="DownlinkStatusOK")] = None
    delivery_push_ok: Annotated[Flag, Field(alias="DeliveryPushOK")] = None
    planned_data_start: Annotated[Moment, Field(alias="PlannedDataStart")] = None
    planned_data_stop: Annotated[Moment, Field(alias="PlannedDataStop")] = None
    downlink_start: Annotated[Moment, Field(alias="DownlinkStart")] = None
    downlink_stop: Annotated[Moment, Field(alias="DownlinkStop")] = None
    quality: Annotated[tuple[ChannelQuality, ...], BeforeValidator(_qualities), Field(alias="QualityInfo")] = ()

    @property
    def start(self) -> datetime | None:
        """Begin of the downlink, as it was or is planned."""
        return self.downlink_start or self.planned_data_start or self.publication_date

    @property
    def stop(self) -> datetime | None:
        """End of the downlink, as it was or is planned; never before its begin."""
        stop = self.downlink_stop or self.planned_data_stop or self.publication_date or self.start
        return max(stop, self.start) if stop and self.start else stop


class SessionFile(BaseModel):
    """One chunk of a session's channel, read leniently as a session is."""

    model_config = _LENIENT

    id: Annotated[RequiredText, Field(alias="Id", min_length=1)]
    name: Annotated[RequiredText, Field(alias="Name", min_length=1)]
    session_id: Annotated[RequiredText, Field(alias="SessionId", min_length=1)]
    stated_channel: Annotated[Count, Field(alias="Channel")] = None
    stated_block: Annotated[Count, Field(alias="BlockNumber")] = None
    final_block: Annotated[Flag, Field(alias="FinalBlock")] = None
    publication_date: Annotated[Moment, Field(alias="PublicationDate")] = None
    eviction_date: Annotated[Moment, Field(alias="EvictionDate")] = None
    size: Annotated[Size, Field(alias="Size")] = None
    """Bytes."""
    retransfer: Annotated[Flag, Field(alias="Retransfer")] = None

    @property
    def channel(self) -> int | None:
        """The channel, from the name where the station does not state it."""
        return _number(_CHANNEL_IN_NAME, self.name) if self.stated_channel is None else self.stated_channel

    @property
    def block_number(self) -> int | None:
        """The block's number within its channel, from the name where the station does not state it."""
        return _number(_BLOCK_IN_NAME, self.name) if self.stated_block is None else self.stated_block

    @property
    def contradiction(self) -> str | None:
        """What its name says where a field says something else."""
        facts = {"Channel": (self.stated_channel, _CHANNEL_IN_NAME), "BlockNumber": (self.stated_block, _BLOCK_IN_NAME)}
        for field, (stated, pattern) in facts.items():
            named = _number(pattern, self.name)
            if stated is not None and named is not None and stated != named:
                return f"its {field} is {stated}, its name says {named}"
        return None

    @property
    def order(self) -> tuple[bool, datetime, str]:
        """The order of delivery; the first of two files of one name keeps it."""
        return bool(self.retransfer), self.publication_date or _LONG_AGO, self.id


def session_item(
    deliveries: Sequence[Session], files: Iterable[SessionFile], station: Station, owner: Belonging
) -> Item:
    """The STAC item of a session, with an asset for each chunk.

    Args:
        deliveries: the session's entities, one at least; a retransfer comes with another of the same SessionId.
        files: its files, those of all deliveries.
        station: the station that has it.
        owner: the mission and satellite that it belongs to.

    Raises:
        ValueError: the station gives the session no time at all.
    """
    session = max(deliveries, key=lambda each: (each.publication_date or _LONG_AGO, each.id))
    if session.start is None:
        raise ValueError("it has neither DownlinkStart, PlannedDataStart nor PublicationDate")
    properties = _properties(session, station, owner)
    for name, is_retransfer in ((QUALITY, False), (RETRANSFER_QUALITY, True)):
        qualities = [each.quality for each in deliveries if bool(each.retransfer) is is_retransfer and each.quality]
        if qualities:
            properties[name] = [entry.facts for entry in qualities[-1]]
    item = Item(id=session.session_id, geometry=None, bbox=None, datetime=session.start, properties=properties)
    for file in sorted(files, key=lambda file: file.order):
        key = second_key(file.name, file.id, item.assets) if file.name in item.assets else file.name
        item.add_asset(key, _asset(file, station))
    declare_extensions(item)
    return item


def _properties(session: Session, station: Station, owner: Belonging) -> dict[str, Any]:
    times = {
        "start_datetime": session.start,
        "end_datetime": session.stop,
        "created": session.publication_date,
        "published": session.publication_date,
        "cadip:planned_data_start": session.planned_data_start,
        "cadip:planned_data_stop": session.planned_data_stop,
    }
    facts = {
        "platform": owner.platform,
        "constellation": owner.mission.constellation if owner.mission else None,
        "sat:absolute_orbit": session.downlink_orbit or None,
        "cadip:id": session.id,
        "cadip:num_channels": session.num_channels,
        "cadip:station": session.station_id or station.name,
        "cadip:station_unit_id": session.station_unit_id,
        "cadip:acquisition_id": session.acquisition_id,
        "cadip:antenna_id": session.antenna_id,
        "cadip:front_end_id": session.front_end_id,
        "cadip:retransfer": session.retransfer,
        "cadip:antenna_status_ok": session.antenna_status_ok,
        "cadip:front_end_status_ok": session.front_end_status_ok,
        "cadip:downlink_status_ok": session.downlink_status_ok,
        "cadip:delivery_push_ok": session.delivery_push_ok,
        "cadip:contradiction": owner.contradiction,
    }
    return _known(times) | _known(facts)


def _asset(file: SessionFile, station: Station) -> Asset:
    times = {
        "created": file.publication_date,
        "published": file.publication_date,
        "expires": file.eviction_date,
    }
    facts = {
        "file:size": file.size,
        "cadip:id": file.id,
        "cadip:channel": file.channel,
        "cadip:block_number": file.block_number,
        "cadip:final_block": file.final_block,
        "cadip:retransfer": file.retransfer,
        "cadip:contradiction": file.contradiction,
    }
    return Asset(
        href=f"{str(station.url).rstrip('/')}/Files({quote(file.id, safe='')})/$value",
        title=file.name,
        media_type="application/octet-stream",
        roles=["cadu"],
        extra_fields=_known(times) | _known(facts),
    )


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: format_time(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }


def _number(pattern: re.Pattern[str], name: str) -> int | None:
    found = pattern.search(name)
    return int(found[1]) if found else None
