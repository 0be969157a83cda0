"""Sessions that are made by hand: new ones, transfers of old ones, and changes to what is there."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid4

from rs_assets.simulator.bodies import moment
from rs_assets.simulator.cadip.oddities import Oddities
from rs_assets.simulator.cadip.sessions import Session
from rs_assets.simulator.errors import QueryError

_DELIVERY = {"channels", "chunks", "chunk_size", "last_size", "downlink_seconds", "lag_seconds", "start"}
_NEW = {"Id", "SessionId", "Satellite", "StationUnitId", "Retransfer", "DownlinkOrbit"} | _DELIVERY
_MOST = 100_000
"""Files of a session."""
_LAST_YEAR = 9980
"""Leaves room for the longest downlink, delays and eviction before the end of time."""


def made(order: Mapping[str, Any], station: str, now: datetime, chunk_size: int) -> Session:
    """A new session; what is absent is made up. ``QueryError`` for what cannot be."""
    _only(order, _NEW)
    start = _start(order, now)
    satellite = _text(order, "Satellite", "S1A")
    seconds = _number(order, "downlink_seconds", 0.0)
    uuid = _text(order, "Id", str(uuid4())).lower()
    session = Session(
        id=uuid,
        session_id=_text(order, "SessionId", f"{satellite}_{start:%Y%m%d%H%M%S%f}"),
        satellite=satellite,
        station=station.upper(),
        unit=_text(order, "StationUnitId", "01"),
        orbit=_count(order, "DownlinkOrbit", 1),
        start=start,
        stop=start + timedelta(seconds=seconds),
        begun=start,
        pace=timedelta(seconds=seconds),
        lag=timedelta(seconds=_number(order, "lag_seconds", 0.0)),
        blocks=_blocks(order, (10, 10)),
        chunk_size=_count(order, "chunk_size", chunk_size),
        last_size=_count(order, "last_size", 0) if order.get("last_size") is not None else None,
        retransfer=order.get("Retransfer") is True,
        key=blake2b(uuid.encode(), digest_size=32).digest(),
        identify=partial(_file_id, uuid),
    )
    return changed(session, order)


def transferred(old: Session, order: Mapping[str, Any], now: datetime) -> Session:
    """The same session delivered again from now on: other ids, and other bytes unless ``changed`` is false."""
    _only(order, {"session", "changed"} | _DELIVERY)
    uuid = str(uuid4())
    session = replace(
        old,
        id=uuid,
        begun=_start(order, now),
        pace=timedelta(seconds=_number(order, "downlink_seconds", 0.0)),
        lag=timedelta(seconds=_number(order, "lag_seconds", 0.0)),
        blocks=_blocks(order, old.blocks),
        chunk_size=_count(order, "chunk_size", old.chunk_size),
        last_size=_count(order, "last_size", 0) if order.get("last_size") is not None else old.last_size,
        retransfer=True,
        key=old.key if order.get("changed") is False else blake2b(uuid.encode(), digest_size=32).digest(),
        identify=partial(_file_id, uuid),
        oddities=Oddities(),
        released=None,
    )
    return changed(session, order)


def changed(session: Session, order: Mapping[str, Any]) -> Session:
    """The session with the oddities that an order names."""
    session = replace(session, oddities=replace(session.oddities, **Oddities.read(order)))
    for channel, place in session.oddities.withheld | session.oddities.block_gaps:
        if not (0 < channel <= len(session.blocks) and 0 < place <= session.blocks[channel - 1]):
            raise QueryError(f"The session has no block {place} on channel {channel}.")
    if "withheld" in order:
        session = replace(session, released=None)
    return session


def only_oddities(order: Mapping[str, Any]) -> None:
    """``QueryError`` for a field of an order that is none."""
    _only(order, {"session"})


def _only(order: Mapping[str, Any], known: set[str]) -> None:
    allowed = known | Oddities.__dataclass_fields__.keys()
    if unknown := order.keys() - allowed:
        raise QueryError(f"The order has an unknown field {min(unknown)!r}; it may have {', '.join(sorted(allowed))}.")


def _file_id(session: str, channel: int, place: int) -> str:
    return str(UUID(bytes=blake2b(f"{session}/{channel}/{place}".encode(), digest_size=16).digest(), version=4))


def _start(order: Mapping[str, Any], now: datetime) -> datetime:
    start = moment(order["start"]) if order.get("start") is not None else now
    if start.year > _LAST_YEAR:
        raise QueryError(f"The session cannot end if it starts in the year {start.year}.")
    return start


def _text(order: Mapping[str, Any], name: str, default: str) -> str:
    value = order.get(name, default)
    if not isinstance(value, str) or not value:
        raise QueryError(f"The field {name!r} is a text, not {value!r}.")
    return value


def _count(order: Mapping[str, Any], name: str, default: int) -> int:
    value = order.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise QueryError(f"The field {name!r} is a whole number, zero or more, not {value!r}.")
    return value


def _number(order: Mapping[str, Any], name: str, default: float) -> float:
    value = order.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 10**8:
        raise QueryError(f"The field {name!r} is a number of seconds, zero or more, not {value!r}.")
    return value


def _blocks(order: Mapping[str, Any], default: tuple[int, ...]) -> tuple[int, ...]:
    """How many files each channel has: ``chunks`` is a number for all ``channels``, or a list with one for each."""
    chunks = order.get("chunks")
    if isinstance(chunks, list):
        blocks = tuple(_count({"chunks": count}, "chunks", 0) for count in chunks)
    else:
        channels = _count(order, "channels", len(default))
        blocks = (*default, *default[-1:] * channels)[:channels]
        if chunks is not None:
            blocks = (_count(order, "chunks", 0),) * channels
    if not blocks or 0 in blocks or sum(blocks) > _MOST:
        raise QueryError(f"A session has one channel or more, a file or more on each, and at most {_MOST} in all.")
    return blocks
