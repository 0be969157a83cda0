"""Byte ranges (RFC 9110, section 14), single ones."""

import re
from typing import NamedTuple

_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)


class Slice(NamedTuple):
    """Bytes from ``start`` up to, but not including, ``stop``."""

    start: int
    stop: int


class UnsatisfiableError(Exception):
    """A range that has no byte of the body in it."""


def requested(header: str | None, size: int) -> Slice | None:
    """The part of a body that a ``Range`` header asks for; None for the whole.

    A header that is malformed or asks for several ranges is ignored, as the RFC allows.
    Raises ``UnsatisfiableError`` when the range begins behind the end.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        return _checked(max(size - int(match[2]), 0), size, size)
    start = int(match[1])
    if match[2] == "":
        return _checked(start, size, size)
    last = int(match[2])
    return None if last < start else _checked(start, min(last + 1, size), size)


def _checked(start: int, stop: int, size: int) -> Slice:
    if start >= size:
        raise UnsatisfiableError
    return Slice(start, stop)
