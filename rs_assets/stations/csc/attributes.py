"""The attributes of a product, each of the type that its ``@odata.type`` names."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from rs_assets.items.untrusted import text_problem
from rs_assets.stations.fields import flag_of, moment_of, text_of

Value = str | int | float | bool | datetime
"""Text; or what the type says: a number, a truth, a date as aware UTC."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a product."""

    text: str
    """Its value as the service wrote it."""
    value: Value
    """Its value as its type says; the text where it has no type, or cannot be read as one."""


def attributes_of(value: object) -> Mapping[str, Attribute]:
    """The attributes in an expanded ``Attributes``, by name; what has no name or says nothing is left out."""
    found = {}
    for entry in value if isinstance(value, list) else []:
        if not isinstance(entry, dict):
            continue
        name, content = text_of(entry.get("Name")), entry.get("Value")
        text = str(content).strip() if isinstance(content, str | int | float) else ""
        if name and text and text_problem(text) is None:
            found[name] = Attribute(text, _typed(text, entry))
    return found


Attributes = Annotated[Mapping[str, Attribute], BeforeValidator(attributes_of)]


def _typed(text: str, entry: Mapping[str, object]) -> Value:
    """The value by ``#OData.CSC.IntegerAttribute`` and the like, or by ``ValueType`` where that is missing."""
    stated = str(entry.get("@odata.type") or entry.get("ValueType") or "")
    kind = stated.rpartition(".")[2].removesuffix("Attribute").casefold()
    read = _READERS.get(kind)
    value = None if read is None else read(text)
    return text if value is None else value


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _double(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_READERS: Mapping[str, Callable[[str], Value | None]] = {
    "integer": _integer,
    "int64": _integer,
    "double": _double,
    "boolean": flag_of,
    "datetimeoffset": moment_of,
}
