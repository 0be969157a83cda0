"""How values are written."""

from datetime import datetime
from typing import Any

Json = dict[str, Any]
"""An entity, or a whole answer."""


def iso(moment: datetime) -> str:
    """The interface's notation of a UTC time: ``2024-05-01T00:00:00.000Z``."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
