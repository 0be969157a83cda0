"""Text and JSON that come from outside, read once where they enter, so that nothing behind sees what cannot be used."""

import json
import unicodedata
from typing import Any

_UNUSABLE = {"Cc": "control character", "Cs": "lone surrogate"}
"""By Unicode category: what no path, header, terminal or database takes."""
_MAX_DIGITS = 400


class UnreadableError(ValueError):
    """What came is not what it should be; the message says why."""


def json_of(content: str | bytes) -> Any:
    """What a JSON text says; NaN and infinities are null, and a number of hundreds of digits is a text.

    Raises:
        UnreadableError: it is not JSON, or is nested too deep.
    """
    try:
        return json.loads(content, parse_int=_number, parse_constant=lambda _: None)
    except RecursionError:
        raise UnreadableError("its JSON is nested too deep") from None
    except ValueError as error:
        raise UnreadableError(f"it is not JSON: {error}") from error


def text_problem(text: str) -> str | None:
    """Why a text cannot be a name or a value; None if it can."""
    kinds = (unicodedata.category(character) for character in text)
    return next((f"it holds a {_UNUSABLE[kind]}" for kind in kinds if kind in _UNUSABLE), None)


def printable(text: str) -> str:
    """The text with what a terminal or a log cannot show written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _number(digits: str) -> int | str:
    # Python refuses to read, and to write, integers of thousands of digits.
    return int(digits) if len(digits) <= _MAX_DIGITS else digits
