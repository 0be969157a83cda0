"""The requests: which wait, which are in a batch, how they ended."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from rs_assets.errors import StateError
from rs_assets.state.database import StateDatabase, insert_into
from rs_assets.state.schema import requests

_MAX_VARIABLES = 500
_ROWS_A_QUERY = 32
"""Rows that one statement of a transaction adds."""


class RequestState(StrEnum):
    """How far a request has come."""

    PENDING = "pending"
    """It waits for a place in a batch."""
    QUEUED = "queued"
    """It is in a batch, whose run has been asked for or is under way."""
    ANSWERED = "answered"
    """Everything that was selected is in the catalogue."""
    PARTIAL = "partial"
    """Some of what was selected is in the catalogue."""
    FAILED = "failed"
    """It could not be answered."""

    @property
    def is_ended(self) -> bool:
        """Whether nothing more is done for it."""
        return self in ENDED


ENDED = frozenset({RequestState.ANSWERED, RequestState.PARTIAL, RequestState.FAILED})
"""The states in which nothing more is done for a request."""


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """The figures of an answer."""

    found: int = 0
    """Items that the source showed."""
    selected: int = 0
    """Items that the policy or the limit took of them."""
    staged: int = 0
    """Files that were moved for it."""
    catalogued: int = 0
    """Selected items that the catalogue has."""
    gaps: int = 0
    """Parts of the interval that no selected item covers, over all product types."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request, as far as it has come. Times are aware UTC."""

    id: str
    state: RequestState
    priority: int
    source: str
    requester: str
    digest: str
    """Of its document when it was accepted."""
    attempt: int
    """From 1; greater by one each time that it went back to the pending ones."""
    batch: str | None
    """The batch that it is, or was last, in."""
    run_id: str | None
    """The run that works, or worked last, on it."""
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    message: str
    """What became of it, in one sentence; empty before its end."""
    counts: RequestCounts


@dataclass(frozen=True, slots=True)
class SubmittedRequest:
    """What the state keeps of a request that is taken in."""

    id: str
    digest: str
    """Of what it asks for."""
    priority: int
    source: str
    requester: str


class Requests:
    """All requests that were ever accepted."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def accept(self, submitted: Collection[SubmittedRequest], *, at: datetime) -> None:
        """Add pending requests, in one transaction; one that is known already stays as it is."""
        rows = [
            {**asdict(request), "state": RequestState.PENDING, "attempt": 1, "submitted_at": at}
            for request in submitted
        ]
        if rows:
            with self._database.transaction() as connection:
                statement = insert_into(connection, requests).on_conflict_do_nothing()
                for first in range(0, len(rows), _ROWS_A_QUERY):
                    connection.execute(statement, rows[first : first + _ROWS_A_QUERY])

    def known(self, ids: Iterable[str]) -> dict[str, RequestRecord]:
        """The records of these ids, by id; without those that were never accepted."""
        with self._database.reading() as connection:
            return {
                row["id"]: _record(row)
                for some in _parts(ids)
                for row in connection.execute(select(requests).where(requests.c.id.in_(some))).mappings()
            }

    def pending(self, limit: int) -> list[RequestRecord]:
        """At most `limit` requests that wait for a batch: by priority, the highest first, then the oldest first."""
        statement = (
            select(requests)
            .where(requests.c.state == RequestState.PENDING)
            .order_by(requests.c.priority.desc(), requests.c.submitted_at, requests.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(statement).mappings()]

    def queue(self, ids: Sequence[str], batch: str) -> None:
        """Put pending requests into a batch, in this order; those that are not pending are left alone."""
        with self._database.transaction() as connection:
            last = connection.scalar(select(func.max(requests.c.place))) or 0
            for place, request_id in enumerate(ids, start=last + 1):
                connection.execute(
                    update(requests)
                    .where(requests.c.id == request_id, requests.c.state == RequestState.PENDING)
                    .values(state=RequestState.QUEUED, batch=batch, place=place)
                )

    def open_batches(self) -> dict[str, list[RequestRecord]]:
        """What is left of each batch, in the order in which it was queued: its requests that have not ended."""
        statement = select(requests).where(requests.c.state == RequestState.QUEUED).order_by(requests.c.place)
        batches: dict[str, list[RequestRecord]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(statement).mappings():
                batches.setdefault(row["batch"], []).append(_record(row))
        return batches

    def started(self, request_id: str, run_id: str, *, at: datetime) -> None:
        """Note the run that has begun to work on a request.

        Raises:
            StateError: there is no such request.
        """
        self._change(request_id, {"run_id": run_id, "started_at": at})

    def ended(self, request_id: str, state: RequestState, message: str, counts: RequestCounts, at: datetime) -> None:
        """Note how a request has ended; a later end replaces an earlier one.

        Raises:
            ValueError: the state is not an end.
            StateError: there is no such request.
        """
        if not state.is_ended:
            raise ValueError(f"a request does not end as {state.value}")
        self._change(request_id, {"state": state, "message": message, "ended_at": at, **asdict(counts)})

    def again(self, ids: Iterable[str]) -> list[str]:
        """Send queued and failed requests back to the pending ones, for one more attempt; which those are.

        Requests that are pending, or have ended otherwise, are left alone.
        """
        fresh = {"batch": None, "place": None, "run_id": None, "started_at": None, "ended_at": None, "message": ""}
        back = []
        with self._database.transaction() as connection:
            for request_id in ids:
                statement = (
                    update(requests)
                    .where(requests.c.id == request_id)
                    .where(or_(requests.c.state == RequestState.QUEUED, requests.c.state == RequestState.FAILED))
                    .values(state=RequestState.PENDING, attempt=requests.c.attempt + 1)
                    .values(**fresh, **asdict(RequestCounts()))
                )
                if connection.execute(statement).rowcount:
                    back.append(request_id)
        return back

    def listed(self, states: Collection[RequestState] | None = None, limit: int = 100) -> list[RequestRecord]:
        """At most `limit` requests, the newest first; of these states only, if given."""
        statement = select(requests).order_by(requests.c.submitted_at.desc(), requests.c.id.desc()).limit(limit)
        if states is not None:
            statement = statement.where(requests.c.state.in_(list(states)))
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(statement).mappings()]

    def ended_before(self, moment: datetime, limit: int) -> list[str]:
        """The ids of at most `limit` requests that ended before `moment`, the longest ago first."""
        statement = (
            select(requests.c.id)
            .where(requests.c.state.in_(list(ENDED)), requests.c.ended_at < moment)
            .order_by(requests.c.ended_at, requests.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return list(connection.scalars(statement))

    def _change(self, request_id: str, values: Mapping[str, object]) -> None:
        with self._database.transaction() as connection:
            _require(connection, request_id)
            connection.execute(update(requests).where(requests.c.id == request_id).values(**values))


def _require(connection: Connection, request_id: str) -> None:
    if connection.scalar(select(requests.c.id).where(requests.c.id == request_id)) is None:
        raise StateError(f"the state knows no request {request_id!r}; see `rs-assets requests`")


def _record(row: Mapping[Any, Any]) -> RequestRecord:
    counts = RequestCounts(**{field.name: row[field.name] for field in fields(RequestCounts)})
    own = {field.name: row[field.name] for field in fields(RequestRecord) if field.name != "counts"}
    return RequestRecord(**own | {"state": RequestState(row["state"]), "counts": counts})


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids, few enough at a time for one statement."""
    every = list(dict.fromkeys(ids))
    return (every[start : start + _MAX_VARIABLES] for start in range(0, len(every), _MAX_VARIABLES))
