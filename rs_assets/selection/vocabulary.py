"""What a station calls the properties of STAC, and where in its entities it holds them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Test: TypeAlias = Callable[[str], str]
"""What is said of the path that it is given, as a clause of OData."""


def quoted(text: str) -> str:
    """A text as a literal of OData; a quote in it is doubled."""
    return "'" + text.replace("'", "''") + "'"


class Kind(StrEnum):
    """What a field or an attribute holds; the value is the name of the attribute's OData type."""

    TEXT = "String"
    INTEGER = "Integer"
    DOUBLE = "Double"
    TIME = "DateTimeOffset"


@dataclass(frozen=True, slots=True)
class Field:
    """A property of the station's entity."""

    path: str
    """E.g. ``ContentDate/Start``."""
    kind: Kind
    starts_with: bool = False
    """Whether the STAC property is only how the field begins, as an item's id is of a product's name."""

    def holding(self, test: Test) -> str:
        """The entities whose field passes the test."""
        return test(self.path)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One of the entity's named attributes."""

    name: str
    kind: Kind
    starts_with: bool = False
    """As a field's."""

    def holding(self, test: Test) -> str:
        """The entities with an attribute of that name that passes the test."""
        kind = f"OData.CSC.{self.kind}Attribute"
        return f"Attributes/{kind}/any(att:att/Name eq {quoted(self.name)} and {test(f'att/{kind}/Value')})"


Place: TypeAlias = Field | Attribute


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Where a station holds what STAC calls by another name."""

    places: Mapping[str, tuple[Place, ...]]
    """By STAC property: the places one of which holds its value. A property that is not here cannot be asked for."""
