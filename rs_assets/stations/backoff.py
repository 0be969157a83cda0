"""How long to wait before a request is tried again."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from rs_assets.settings import Retries

PASSING_STATUSES = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Answers that may be another one next time; every other 4xx is final."""

BUSY_STATUSES = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""Those of them by which a station says that it is asked too much."""


def wait_before(attempt: int, retries: Retries, retry_after: str | None = None) -> float:
    """Seconds to wait before `attempt` (2 is the first repetition).

    Full jitter over an exponentially growing bound, or what the station's Retry-After header asks for; never
    more than `retries.max_wait`.
    """
    asked = retry_after_seconds(retry_after)
    if asked is not None:
        return min(asked, retries.max_wait)
    bound = min(retries.first_wait * 2.0 ** min(attempt - 2, 30), retries.max_wait)
    return random.uniform(0, bound)  # noqa: S311 - spreads load, keeps no secret


def retry_after_seconds(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3: a number or a date); None if it says nothing."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
