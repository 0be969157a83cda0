"""The JSON bodies of control requests."""

import json
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
