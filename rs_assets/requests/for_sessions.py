"""Requests that are filed by themselves: one for each downlink session that enters the catalogue.

So the auxiliary files that a mission's processor needs are there before it asks for them.

Publishing notes a session just before the catalogue gets it; here a request is filed for each that is there by then,
and only afterwards is the note settled. A crash at any point loses none, and doubles none: the request's id follows
from the SessionId, and an id that is used is not filed again.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pystac import Item

from rs_assets.ingest import Platform
from rs_assets.items.completeness import is_complete
from rs_assets.items.times import format_time, parse_time
from rs_assets.requests.choosing import mission_of
from rs_assets.requests.inbox import Inbox
from rs_assets.requests.model import AuxRequest, RequestError, is_request_id, parse_request
from rs_assets.settings import Mission, Settings
from rs_assets.state import Requests, SessionEntry
from rs_assets.stations.registry import interface_of

_MAX_AT_ONCE = 100
_MAX_REQUESTER_LENGTH = 200


@dataclass(frozen=True, slots=True)
class FiledForSessions:
    """What one look at the sessions has done."""

    filed: tuple[str, ...] = ()
    """Ids of the requests that were filed."""
    passed: tuple[tuple[str, str], ...] = ()
    """The sessions for which none is filed, each with the reason."""
    waiting: int = 0
    """Sessions that are looked at again: they are not in the catalogue yet, or their end is not known."""


def file_for_sessions(platform: Platform, now: datetime, *, most: int = _MAX_AT_ONCE) -> FiledForSessions:
    """File a request for each session that has entered the catalogue and for which none was filed.

    Args:
        platform: the installation.
        now: the current time, aware UTC.
        most: most requests to file; the others wait for the next call.

    Raises:
        StoreError, CatalogError, StateError: store, catalogue or state cannot be used.
    """
    filed: list[str] = []
    passed: list[tuple[str, str]] = []
    waiting = 0
    unsettled = platform.entries.unsettled()
    present = _in_catalog(platform, unsettled)
    for entry in unsettled:
        session = None
        if (entry.collection, entry.session_id) in present and len(filed) < most:
            session = platform.catalog.get(entry.collection, entry.session_id)
        if session is None or not _end_is_known(platform.settings, entry.station, session, now):
            waiting += 1
            continue
        request_id = session_request_id(entry.session_id)
        try:
            request = request_for(session, entry.station, platform.settings, now)
            if not _is_used(platform, request_id):
                Inbox(platform.documents).file(request, request_id)
                filed.append(request_id)
        except RequestError as error:
            passed.append((entry.session_id, str(error)))
            platform.entries.settle(entry, request_id=None, message=str(error), at=now)
        else:
            platform.entries.settle(entry, request_id=request_id, message="", at=now)
    return FiledForSessions(tuple(filed), tuple(passed), waiting)


def session_request_id(session_id: str) -> str:
    """The id of the request that is filed for a session, e.g. ``session-S3A_20261109100000054321``."""
    request_id = f"session-{session_id}"
    if is_request_id(request_id):
        return request_id
    digest = hashlib.blake2b(session_id.encode(errors="surrogateescape"), digest_size=8).hexdigest()
    return f"session-{re.sub(r'[^A-Za-z0-9_-]+', '-', session_id)[:60]}-{digest}"


def request_for(session: Item, station: str, settings: Settings, now: datetime) -> AuxRequest:
    """What is to be asked for when a session is in the catalogue.

    Args:
        session: its item.
        station: the station that it came from.
        settings: which say what its mission's processor needs.
        now: the current time, aware UTC.

    Raises:
        RequestError: nothing is to be asked for, with the reason.
    """
    mission = mission_of(session, settings.missions)
    asked = settings.session_requests.get(mission.name) if mission else None
    if mission is None or asked is None:
        whose = mission.name if mission else "its mission"
        raise RequestError(f"the settings name no session_requests of {whose}")
    start, end = interval_of(session)
    if asked.only_within is not None and end < now - asked.only_within:
        raise RequestError(f"its downlink ended at {format_time(end)}, longer ago than only_within allows")
    satellite = _satellite_of(session, mission)
    document: dict[str, object] = {
        "source": asked.source,
        "needs": [need.model_dump(mode="json") for need in asked.needs],
        "start": format_time(start),
        "end": format_time(end),
        "priority": asked.priority,
        "requester": f"session {station}/{session.id}"[:_MAX_REQUESTER_LENGTH],
    }
    document |= {"satellite": satellite} if satellite else {"mission": mission.name}
    return parse_request(document).checked_against(settings)


def interval_of(session: Item) -> tuple[datetime, datetime]:
    """From when to when a session's downlink lasted, or is planned to last, aware UTC.

    Raises:
        RequestError: the item does not say it.
    """
    begin, end = (session.properties.get(name) for name in ("start_datetime", "end_datetime"))
    try:
        return parse_time(str(begin)), parse_time(str(end))
    except ValueError as error:
        raise RequestError(f"the session {session.id} has no time that can be read: {error}") from error


def _in_catalog(platform: Platform, entries: Iterable[SessionEntry]) -> set[tuple[str, str]]:
    by_collection: dict[str, set[str]] = {}
    for entry in entries:
        by_collection.setdefault(entry.collection, set()).add(entry.session_id)
    return {
        (collection, session_id)
        for collection, ids in by_collection.items()
        for session_id in platform.catalog.existing(collection, ids)
    }


def _end_is_known(settings: Settings, station: str, session: Item, now: datetime) -> bool:
    """Whether the session says when its downlink ends, or ended.

    While it is acquired a station may state neither that nor the plan; its item's end is then that of its publication,
    until it is complete or nothing more is expected of it.
    """
    stated = session.properties.get("end_datetime")
    if is_complete(session) or stated not in {session.properties.get(name) for name in ("published", "start_datetime")}:
        return True
    known = {entry.name: entry for entry in settings.stations}
    if station not in known:
        return True
    return now >= interface_of(known[station]).expected_by(session, known[station])


def _is_used(platform: Platform, request_id: str) -> bool:
    """Whether a request of this id was filed before: it waits, has ended, or was rejected."""
    inbox = Inbox(platform.documents)
    return (
        request_id in Requests(platform.state).known([request_id])
        or inbox.has(request_id)
        or inbox.rejection(request_id) is not None
    )


def _satellite_of(session: Item, mission: Mission) -> str | None:
    """The session's satellite; None where its item does not say it.

    Raises:
        RequestError: the settings do not know it, so files of other satellites would be taken for it.
    """
    platform = session.properties.get("platform")
    named = {mission.constellation + name.removeprefix(mission.name).lower(): name for name in mission.satellites}
    if platform is not None and platform not in named:
        known = ", ".join(mission.satellites)
        raise RequestError(f"its platform {platform} is not one of the mission's in the settings; those are {known}")
    return named.get(str(platform))
