"""The life cycle of requests: from the inbox into batches, and out of the inbox when they have ended.

Every step can be interrupted at any point and is done again by the next call: nothing is lost, nothing is done twice.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import uuid4

from rs_assets.errors import LockError, StoreError
from rs_assets.ingest import Platform
from rs_assets.items.times import format_time
from rs_assets.items.untrusted import printable
from rs_assets.requests.inbox import Inbox, request_id_of
from rs_assets.requests.model import AuxRequest, RequestError, parse_request
from rs_assets.state import RequestCounts, RequestRecord, Requests, RequestState, SubmittedRequest

_log = logging.getLogger(__name__)


_THREADS = 32
"""Files of the inbox that are read at the same time: in a bucket each takes two requests."""
_FILES_AT_ONCE = 512
"""Files that are accepted in one transaction."""

MOST_ATTEMPTS = 3
"""How often a request is tried by runs that end without answering it. The last time it has a run of its own, so that
one that breaks its run fails no other."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A file that is not a request, or none that this installation can answer."""

    name: str
    """Its name, with what cannot be printed written out."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of the files in the inbox."""

    accepted: tuple[str, ...]
    """Ids of requests that are pending now."""
    rejected: tuple[Rejection, ...]
    waiting: tuple[str, ...]
    """Names of files left for the next time: those still being written, those that cannot be read or moved, and those
    for which there was no time."""
    cleaned: tuple[str, ...]
    """Ids of requests that had ended, and were still there."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that one run answers."""

    id: str
    """Differs from that of every other batch, also of one with the same requests."""
    request_ids: tuple[str, ...]
    """Those that have not ended, in the order in which they are to be answered."""
    attempt: int
    """Which attempt this is, from 1; the same for all of them."""
    priority: int
    """The highest among them."""


def take_in(
    platform: Platform, now: datetime, *, budget: float = 8.0, clock: Callable[[], float] = time.monotonic
) -> TakenIn:
    """Look at the files in the inbox that the state does not know: accept requests, move all else out of it.

    A file that cannot be read or moved holds no other one back.

    Args:
        platform: the installation.
        now: the current time, aware UTC.
        budget: seconds after which no more files are looked at; they wait for the next time.
        clock: in seconds.

    Raises:
        StoreError, StateError: the inbox or the state cannot be read or written.
    """
    inbox, begun = Inbox(platform.documents), clock()
    names = inbox.names()
    known = Requests(platform.state).known(filter(None, map(request_id_of, names)))
    new = [name for name in names if (record := known.get(request_id_of(name) or "")) is None or record.state.is_ended]
    if len(new) > _FILES_AT_ONCE:
        random.shuffle(new)  # those that cannot be read are not always the first
    taken: dict[str, _Disposition | Rejection] = {}
    with ThreadPoolExecutor(_THREADS) as threads:
        for start in range(0, len(new), _FILES_AT_ONCE):
            if clock() - begun >= budget:
                break
            records = {name: known.get(request_id_of(name) or "") for name in new[start : start + _FILES_AT_ONCE]}
            taken |= _take_some(platform, inbox, records, threads, now)
    by_end: dict[_Disposition, list[str]] = {kind: [] for kind in _Disposition}
    for name in sorted(new):
        if isinstance(found := taken.get(name, _Disposition.WAITING), _Disposition):
            by_end[found].append(name)
    return TakenIn(
        accepted=tuple(str(request_id_of(name)) for name in by_end[_Disposition.ACCEPTED]),
        rejected=tuple(found for _, found in sorted(taken.items()) if isinstance(found, Rejection)),
        waiting=tuple(printable(name) for name in by_end[_Disposition.WAITING]),
        cleaned=tuple(str(request_id_of(name)) for name in by_end[_Disposition.CLEANED]),
    )


def plan(platform: Platform, *, batch_size: int, max_batches: int) -> list[Batch]:
    """Make batches of the pending requests, those of the highest priority first, and mark them queued.

    Requests that were tried a different number of times never share a batch.

    Args:
        platform: the installation.
        batch_size: most requests of one batch.
        max_batches: most batches that are open, those of earlier calls included.

    Returns:
        Every open batch, in the order in which they were queued: also those of earlier calls, since one of these may
        have been interrupted before it could ask for its runs.
    """
    requests = Requests(platform.state)
    free = max_batches - len(requests.open_batches())
    waiting = requests.pending(batch_size * free) if free > 0 else []
    for _ in range(free):
        if not waiting:
            break
        attempt = waiting[0].attempt
        size = batch_size if attempt < MOST_ATTEMPTS else 1
        ids = [record.id for record in waiting if record.attempt == attempt][:size]
        requests.queue(ids, f"{ids[0]}#{attempt}-{uuid4().hex[:8]}")
        waiting = [record for record in waiting if record.id not in ids]
    return [
        Batch(
            id=batch,
            request_ids=tuple(record.id for record in records),
            attempt=max(record.attempt for record in records),
            priority=max(record.priority for record in records),
        )
        for batch, records in requests.open_batches().items()
    ]


def begin(platform: Platform, request_id: str, *, run_id: str, at: datetime) -> AuxRequest:
    """Begin to answer a request: note the run, and read what it asks for.

    Raises:
        RequestError: the state knows no such request; or its document is gone, or cannot be answered with these
            settings any more, and so it has failed.
    """
    requests = Requests(platform.state)
    if request_id not in requests.known([request_id]):
        raise RequestError(f"there is no request {request_id!r}; see `rs-assets requests`")
    requests.started(request_id, run_id, at=at)
    request = None
    try:
        request = Inbox(platform.documents).read(request_id)
        request.checked_against(platform.settings)
    except RequestError as error:
        end(platform, request_id, request, RequestState.FAILED, str(error), RequestCounts(), at)
        raise
    return request


def end(  # noqa: PLR0917 - in the order of the record
    platform: Platform,
    request_id: str,
    request: AuxRequest | None,
    state: RequestState,
    message: str,
    counts: RequestCounts,
    at: datetime,
) -> None:
    """End a request: keep it beside its result, note how it ended, and take it out of the inbox.

    Args:
        platform: the installation.
        request_id: its id.
        request: the request; None if it could not be read.
        state: how it has ended.
        message: what became of it, in one sentence.
        counts: the figures of its answer.
        at: when it ended, aware UTC.

    Raises:
        StateError: the state knows no such request.
    """
    inbox = Inbox(platform.documents)
    if request is not None:
        inbox.archive(request_id, request)
    Requests(platform.state).ended(request_id, state, message, counts, at)
    if request is not None:
        inbox.remove(request_id, request)


def give_back(platform: Platform, batch_id: str, *, reason: str, at: datetime) -> None:
    """Send the requests that a batch's run has left unanswered back to the pending ones.

    Those that were tried `MOST_ATTEMPTS` times fail for this reason. Call it when the run has ended for certain.
    """
    requests = Requests(platform.state)
    left = requests.open_batches().get(batch_id, [])
    for record in left:
        if record.attempt >= MOST_ATTEMPTS:
            message = f"given up at attempt {record.attempt}: {reason}"
            request = _readable(platform, record.id)
            end(platform, record.id, request, RequestState.FAILED, message, RequestCounts(), at)
    requests.again(record.id for record in left if record.attempt < MOST_ATTEMPTS)


def retry(platform: Platform, request_id: str) -> None:
    """Send a failed request back to the pending ones.

    Raises:
        RequestError: there is none of this id, it has not failed, or it is not in the archive.
    """
    requests = Requests(platform.state)
    record = requests.known([request_id]).get(request_id)
    if record is None:
        raise RequestError(f"there is no request {request_id!r}; see `rs-assets requests`")
    if record.state is not RequestState.FAILED:
        raise RequestError(f"the request {request_id!r} is {record.state.value}; only a failed one can be tried again")
    Inbox(platform.documents).restore(request_id)
    requests.again([request_id])


class _Disposition(Enum):
    """What becomes of a file that is not rejected."""

    ACCEPTED = auto()
    CLEANED = auto()
    WAITING = auto()
    GONE = auto()
    """Someone has taken it away meanwhile."""


def _take_some(
    platform: Platform,
    inbox: Inbox,
    records: Mapping[str, RequestRecord | None],
    threads: Executor,
    now: datetime,
) -> dict[str, _Disposition | Rejection]:
    """What became of some files of the inbox, each with what the state knows of its request."""

    submitted: list[SubmittedRequest] = []

    def taken(name: str) -> _Disposition | Rejection:
        try:
            return _take(platform, inbox, name, records[name], now, submitted.append)
        except (StoreError, LockError) as error:
            _log.warning("a file of the inbox is left for the next time: %s", printable(str(error)))
            return _Disposition.WAITING

    found = dict(zip(records, threads.map(taken, records), strict=True))
    Requests(platform.state).accept(submitted, at=now)
    return found


def _take(  # noqa: PLR0917 - what is done with one file
    platform: Platform,
    inbox: Inbox,
    name: str,
    record: RequestRecord | None,
    now: datetime,
    accept: Callable[[SubmittedRequest], None],
) -> _Disposition | Rejection:
    content = None
    try:
        request_id = _named_id(name)
        content = inbox.content(name)
        if content is None:
            return _Disposition.GONE
        request = parse_request(content)
        if record is None:
            request.checked_against(platform.settings)
            accept(SubmittedRequest(request_id, request.digest, request.priority, request.source, request.requester))
            return _Disposition.ACCEPTED
        _clean(inbox, request, record)
    except RequestError as error:
        if content is not None and inbox.is_unfinished(name, content, now):
            return _Disposition.WAITING
        inbox.reject(name, error.problems)
        return Rejection(printable(name), error.problems)
    return _Disposition.CLEANED


def _readable(platform: Platform, request_id: str) -> AuxRequest | None:
    try:
        return Inbox(platform.documents).read(request_id)
    except RequestError:
        return None


def _named_id(name: str) -> str:
    request_id = request_id_of(name)
    if request_id is None:
        raise RequestError(
            "this is not a name of a request: expected <id>.json, the id being up to 100 letters, digits, '.', '_' and "
            "'-', not beginning with '.'"
        )
    return request_id


def _clean(inbox: Inbox, request: AuxRequest, record: RequestRecord) -> None:
    """Take a request that has ended out of the inbox, which an interrupted `end` has left there."""
    if request.digest != record.digest:
        when = f" since {format_time(record.ended_at)}" if record.ended_at else ""
        raise RequestError(f"the id {record.id!r} is used by another request, {record.state.value}{when}; file it anew")
    if not inbox.is_archived(record.id):
        inbox.archive(record.id, request)
    inbox.remove(record.id, request)
