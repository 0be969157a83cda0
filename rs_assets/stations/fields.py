"""Reading the fields of OData entities leniently: what cannot be read is None, and no reason to lose the entity.

Services write numbers as strings, booleans as words, dates with 0 to 7 fraction digits or to the minute.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from rs_assets.items.times import parse_time
from rs_assets.items.untrusted import text_problem

_MAX_COUNT = 2**63 - 1

_WORDS = {"true": True, "1": True, "false": False, "0": False}


def moment_of(value: object) -> datetime | None:
    """A date as aware UTC."""
    try:
        return parse_time(value) if isinstance(value, str) and value.strip() else None
    except ValueError:
        return None


def count_of(value: object) -> int | None:
    """A number of things or bytes, 0 or more, that a database can keep."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        number = int(str(value).strip())
    except ValueError:
        return None
    return number if 0 <= number <= _MAX_COUNT else None


def size_of(value: object) -> int | None:
    """A number of bytes; stations that do not know it yet state 0."""
    return count_of(value) or None


def flag_of(value: object) -> bool | None:
    """A boolean, or the word for one."""
    return _WORDS.get(str(value).strip().casefold())


def text_of(value: object) -> str | None:
    """A text that says something and can be used; a number is one, too."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    text = str(value).strip()
    return text if text and text_problem(text) is None else None


def _key_text(value: object) -> object:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return value
    text = str(value).strip()
    problem = text_problem(text)
    if problem is not None:
        raise ValueError(problem)
    return text


Moment = Annotated[datetime | None, BeforeValidator(moment_of)]
Count = Annotated[int | None, BeforeValidator(count_of)]
Size = Annotated[int | None, BeforeValidator(size_of)]
Flag = Annotated[bool | None, BeforeValidator(flag_of)]
Text = Annotated[str | None, BeforeValidator(text_of)]
RequiredText = Annotated[str, BeforeValidator(_key_text)]
"""What identifies the entity: it must be there, as text or as a number."""
