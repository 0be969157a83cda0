"""What was requested automatically for a session, and how far the answer has come."""

from dataclasses import dataclass
from datetime import datetime

from pystac import Item

from rs_assets.ingest import Platform
from rs_assets.items.times import format_time, parse_time
from rs_assets.requests.choosing import mission_of
from rs_assets.requests.for_sessions import session_request_id
from rs_assets.requests.inbox import Inbox
from rs_assets.requests.results import items_path
from rs_assets.state import Requests

NOT_NEEDED = "not needed"
NOT_FILED = "not filed"
WAITING = "waiting"
REJECTED = "rejected"
"""States beside those of a request."""


@dataclass(frozen=True, slots=True)
class TypeCoverage:
    """How far the files of one product type cover what the session needs."""

    product_type: str
    covered: bool | None
    """None where the request has no answer yet."""
    by: tuple[str, ...] = ()
    """Ids of the chosen items."""
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    """What they leave uncovered, aware UTC."""


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """The request that was filed for a session, or why there is none."""

    state: str
    """That of the request; or ``not needed``, ``not filed``, ``waiting`` (in the inbox), ``rejected``."""
    message: str
    """What became of it, or why there is none."""
    request_id: str | None = None
    types: tuple[TypeCoverage, ...] = ()
    """By product type."""
    ended_at: datetime | None = None
    """When it was answered, aware UTC."""


def auxiliary_of(platform: Platform, session: Item, collection: str, *, is_catalogued: bool) -> Auxiliary:
    """What was requested automatically for a session.

    Raises:
        StoreError, StateError: store or state cannot be read.
    """
    return _filed(platform, session) or _not_filed(platform, session, collection, is_catalogued=is_catalogued)


def _filed(platform: Platform, session: Item) -> Auxiliary | None:
    """The request of the session, wherever it is; None where there is none."""
    request_id = session_request_id(session.id)
    record = Requests(platform.state).known([request_id]).get(request_id)
    if record is not None:
        types = _answered_types(platform, request_id) or _asked_types(platform, session)
        message = record.message or f"submitted at {format_time(record.submitted_at)}, attempt {record.attempt}"
        return Auxiliary(record.state.value, message, request_id, types, record.ended_at)
    inbox = Inbox(platform.documents)
    rejection = inbox.rejection(request_id)
    if rejection is not None:
        return Auxiliary(REJECTED, rejection, request_id, _asked_types(platform, session))
    if inbox.has(request_id):
        message = "in the inbox, from which the sensor aux_request_inbox takes it"
        return Auxiliary(WAITING, message, request_id, _asked_types(platform, session))
    return None


def _not_filed(platform: Platform, session: Item, collection: str, *, is_catalogued: bool) -> Auxiliary:
    mission = mission_of(session, platform.settings.missions)
    entry = next((each for each in platform.entries.of([session.id]) if each.collection == collection), None)
    if mission is None or mission.name not in platform.settings.session_requests:
        whose = mission.name if mission else "its mission"
        return Auxiliary(NOT_NEEDED, f"the settings name no session_requests of {whose}")
    if entry is not None and entry.settled_at is not None:
        return Auxiliary(NOT_FILED, entry.message)
    if entry is None and is_catalogued:
        return Auxiliary(NOT_FILED, "it was in the catalogue before its mission had session_requests")
    message = "the sensor session_requests is about to file it"
    if not is_catalogued:
        message = "it is filed when the session enters the catalogue"
    return Auxiliary(NOT_FILED, message, types=_asked_types(platform, session))


def _answered_types(platform: Platform, request_id: str) -> tuple[TypeCoverage, ...]:
    document = platform.documents.read(items_path(request_id))
    facts = document.get("rs_assets", {}) if document else {}
    return tuple(
        TypeCoverage(
            product_type=str(entry["product_type"]),
            covered=bool(entry["covered"]),
            by=tuple(entry["by"]),
            gaps=tuple((parse_time(start), parse_time(end)) for start, end in entry["gaps"]),
        )
        for entry in facts.get("coverage", ())
    )


def _asked_types(platform: Platform, session: Item) -> tuple[TypeCoverage, ...]:
    mission = mission_of(session, platform.settings.missions)
    asked = platform.settings.session_requests.get(mission.name) if mission else None
    names = [name for need in asked.needs for name in need.types] if asked else []
    return tuple(TypeCoverage(name, None) for name in names)
