"""Sessions, files and quality as the CADIP interface shows them at one moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rs_assets.simulator.cadip.oddities import FinalBlock, Oddities
from rs_assets.simulator.cadip.sessions import NEVER, Chunk, Session
from rs_assets.simulator.odata.notation import Json, iso
from rs_assets.simulator.odata.schema import Field, Kind, Schema

_S, _I, _B, _D = Kind.STRING, Kind.INTEGER, Kind.BOOLEAN, Kind.DATE
_SYNC_BYTES = 1912
"""Bytes of a transfer frame, by which its number follows from a volume."""


@dataclass(frozen=True)
class Row:
    """What the station says of a session, a file or a channel at one moment."""

    key: str
    facts: Json
    """By the interface's names, before the oddities of notation; dates are datetimes."""
    session: Session
    now: datetime
    chunk: Chunk | None = None

    @property
    def dated(self) -> datetime:
        """The date that decides in which day's list it comes."""
        moment: datetime = self.facts["DeliveryStart" if "DeliveryStart" in self.facts else "PublicationDate"]
        return moment


def _schema(
    name: str, kinds: dict[str, Kind], *, daily: str = "PublicationDate", expandable: tuple[str, ...] = ()
) -> Schema[Row]:
    def field(name: str, kind: Kind) -> Field[Row]:
        return Field(kind, lambda row: row.facts[name])

    fields = {name: field(name, kind) for name, kind in kinds.items()}
    return Schema(name, fields, key=lambda row: row.key, daily=daily, expandable=frozenset(expandable))


SESSIONS = _schema(
    "Session",
    {
        "Id": _S,
        "SessionId": _S,
        "NumChannels": _I,
        "PublicationDate": _D,
        "Satellite": _S,
        "StationId": _S,
        "StationUnitId": _S,
        "DownlinkOrbit": _I,
        "AcquisitionId": _S,
        "AntennaId": _S,
        "FrontEndId": _S,
        "Retransfer": _B,
        "AntennaStatusOK": _B,
        "FrontEndStatusOK": _B,
        "DownlinkStatusOK": _B,
        "DeliveryPushOK": _B,
        "PlannedDataStart": _D,
        "PlannedDataStop": _D,
        "DownlinkStart": _D,
        "DownlinkStop": _D,
    },
    expandable=("Files", "QualityInfo"),
)
FILES = _schema(
    "File",
    {
        "Id": _S,
        "Name": _S,
        "SessionId": _S,
        "Channel": _I,
        "BlockNumber": _I,
        "FinalBlock": _B,
        "PublicationDate": _D,
        "EvictionDate": _D,
        "Size": _I,
        "Retransfer": _B,
    },
)
_TOTALS = (
    "AcquiredTFs",
    "ErrorTFs",
    "CorrectedTFs",
    "UncorrectableTFs",
    "DataTFs",
    "ErrorDataTFs",
    "CorrectedDataTFs",
    "UncorrectableDataTFs",
    "TotalChunks",
    "TotalVolume",
)
QUALITY = _schema(
    "QualityInfo",
    {"Channel": _I, "SessionId": _S, **dict.fromkeys(_TOTALS, _I), "DeliveryStart": _D, "DeliveryStop": _D},
    daily="DeliveryStart",
)


def session_row(session: Session, now: datetime) -> Row:
    """A session; what is not known before the end of the downlink, or of the delivery, is null until then."""
    odd = session.oddities
    downlinked, delivered = now >= session.stop, now >= session.delivered
    facts: Json = {
        "Id": session.id,
        "SessionId": session.session_id,
        "NumChannels": len(session.blocks) if odd.num_channels is None else odd.num_channels,
        "PublicationDate": session.published,
        "Satellite": session.satellite,
        "StationId": session.station,
        "StationUnitId": session.unit,
        "DownlinkOrbit": session.orbit,
        "AcquisitionId": f"{session.satellite}-{session.orbit}",
        "AntennaId": f"{session.station}{1 + session.key[0] % 3:02d}",
        "FrontEndId": f"{1 + session.key[1] % 2:02d}",
        "Retransfer": session.retransfer,
        "AntennaStatusOK": True,
        "FrontEndStatusOK": True,
        "DownlinkStatusOK": True if downlinked else None,
        "DeliveryPushOK": True if delivered else None,
        "PlannedDataStart": _second(session.start),
        "PlannedDataStop": _second(session.stop + timedelta(seconds=2)),
        "DownlinkStart": session.start,
        "DownlinkStop": session.stop if downlinked else None,
    }
    return Row(session.id, _with_nulls(facts, odd), session, now)


def file_row(chunk: Chunk, session: Session, now: datetime, kept: timedelta) -> Row:
    """A file; ``kept`` is the time from its publication to its EvictionDate."""
    published = None if chunk.published == NEVER else chunk.published
    facts: Json = {
        "Id": chunk.id,
        "Name": chunk.name,
        "SessionId": session.session_id,
        "Channel": chunk.channel,
        "BlockNumber": chunk.number,
        "FinalBlock": chunk.final,
        "PublicationDate": published,
        "EvictionDate": published and _evicted(published, kept),
        "Size": chunk.size + session.oddities.size_error,
        "Retransfer": session.retransfer,
    }
    return Row(chunk.id, _with_nulls(facts, session.oddities), session, now, chunk)


def quality_rows(session: Session, now: datetime) -> list[Row]:
    """The quality of each channel; its totals are zero until the session is delivered."""
    return [_quality_row(session, channel, now) for channel in range(1, len(session.blocks) + 1)]


def _quality_row(session: Session, channel: int, now: datetime) -> Row:
    odd = session.oddities
    delivered = now >= session.delivered and not odd.quality_zero
    chunks = session.channel(channel)
    volume = sum(chunk.size for chunk in chunks)
    data = volume // _SYNC_BYTES
    corrected, lost = data * session.key[2] // 100_000, session.key[3] // 128
    totals = {
        "AcquiredTFs": data + data // 50 + 3,
        "ErrorTFs": corrected + lost + 2,
        "CorrectedTFs": corrected + 1,
        "UncorrectableTFs": lost + 1,
        "DataTFs": data,
        "ErrorDataTFs": corrected + lost,
        "CorrectedDataTFs": corrected,
        "UncorrectableDataTFs": lost,
        "TotalChunks": len(chunks),
        "TotalVolume": volume + odd.quality_error,
    }
    facts: Json = {
        "Channel": channel,
        "SessionId": session.session_id,
        **(totals if delivered else dict.fromkeys(totals, 0)),
        "DeliveryStart": session.published,
        "DeliveryStop": session.delivered if delivered else None,
    }
    return Row(f"{session.id}/{channel}", _with_nulls(facts, odd), session, now)


def entity(row: Row) -> Json:
    """The row as the interface writes it, with the oddities of its session."""
    odd = row.session.oddities
    absent = odd.without | ({"FinalBlock"} if odd.final_block is FinalBlock.ABSENT else set())
    texts: set[str] = {"Size"} if odd.text_sizes else set()
    if odd.text_quality:
        texts.update(_TOTALS)
    return {name: _written(value, name in texts) for name, value in row.facts.items() if name not in absent}


def _written(value: Any, as_text: bool) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    return str(value) if as_text and value is not None else value


def _with_nulls(facts: Json, odd: Oddities) -> Json:
    # The date by which an entity is found is always known to the station.
    hidden = odd.nulls - {"PublicationDate", "DeliveryStart", "Id"}
    return {name: None if name in hidden else value for name, value in facts.items()} if hidden else facts


def _evicted(published: datetime, kept: timedelta) -> datetime:
    try:
        return _second(published + kept)
    except OverflowError:
        return NEVER


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
