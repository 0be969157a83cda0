"""Removing what has ended longer ago than the settings keep it, in small steps between which others have their turn.

Killed in between, it goes on the next time: documents go before the row that names them.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from rs_assets.ingest import Platform
from rs_assets.requests import Inbox
from rs_assets.state import Requests
from rs_assets.state.retention import Retention

_log = logging.getLogger(__name__)

_STEP = 500
"""Rows that are removed in one transaction."""
_SILENT = timedelta(days=2)
"""A run that gave no sign of life for so long has ended, whatever Dagster knows of it."""

Step = Callable[[datetime, int], int]
"""Removes at most so many of what ended before a time; how many there were."""


def keep_house(
    platform: Platform, now: datetime, *, budget: float = 600.0, clock: Callable[[], float] = time.monotonic
) -> dict[str, int]:
    """Remove what the settings' ``retention`` does not keep at `now` (aware UTC); how much of each kind there was.

    Args:
        platform: the installation.
        now: the time.
        budget: seconds after which no further step begins; the next time goes on.
        clock: in seconds.

    Raises:
        StateError, StoreError, CatalogError: what is kept there cannot be removed.
    """
    begun, removed = clock(), {}
    for what, before, step in _kinds(platform, now):
        removed[what] = 0
        while clock() - begun < budget:
            count = step(before, _STEP)
            removed[what] += count
            if count < _STEP:
                break
        if removed[what]:
            _log.info("housekeeping: %d %s from before %s removed", removed[what], what, before.date())
    return removed


def _kinds(platform: Platform, now: datetime) -> Iterator[tuple[str, datetime, Step]]:
    """What may be removed, with the time before which it must have ended."""
    kept, rows = platform.settings.retention, Retention(platform.state)

    def of_rows(what: str) -> Step:
        return lambda before, most: rows.remove(what, before, most)

    spans: Mapping[str, tuple[timedelta | None, Step]] = {
        "transfers": (kept.transfers, of_rows("transfers")),
        "failures": (kept.failures, of_rows("failures")),
        "requests": (kept.requests, lambda before, most: _remove_requests(platform, rows, before, most)),
        "rejected": (kept.rejected, Inbox(platform.documents).forget_rejected),
        "sessions": (kept.sessions, of_rows("sessions")),
        "asked_runs": (kept.asked_runs, of_rows("asked_runs")),
        "heartbeats": (_SILENT, of_rows("heartbeats")),
        "history": (kept.history, platform.catalog.forget_history),
    }
    for what, (span, step) in spans.items():
        if span is not None:
            yield what, now - span, step


def _remove_requests(platform: Platform, rows: Retention, before: datetime, most: int) -> int:
    """Remove the documents of requests, then what the state knows of them."""
    for request_id in Requests(platform.state).ended_before(before, most):
        platform.documents.delete_folder(f"requests/{request_id}")
    return rows.remove("requests", before, most)
