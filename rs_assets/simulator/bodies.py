"""The JSON bodies of control requests, and what stands in them."""

import json
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from rs_assets.simulator.errors import QueryError


async def read_json(request: Request) -> object:
    """The body of a request; ``QueryError`` if it is not JSON."""
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise QueryError(f"The body is not JSON: {error}") from error


async def read_object(request: Request, *, empty: bool = False) -> dict[str, Any]:
    """The body of a request, which is an object, or may be ``empty`` instead; ``QueryError`` otherwise."""
    if empty and not await request.body():
        return {}
    order = await read_json(request)
    if not isinstance(order, dict):
        raise QueryError("The body is not a JSON object.")
    return order


def moment(text: object) -> datetime:
    """A point in time from ISO 8601, UTC where it names no zone; ``QueryError`` if it is none."""
    try:
        parsed = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise QueryError(f"{text!r} is not a point in time.") from error
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
