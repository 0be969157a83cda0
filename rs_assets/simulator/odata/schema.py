"""What a kind of entity can be filtered, sorted and expanded by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

E = TypeVar("E")
"""An entity as the station knows it."""


class Kind(StrEnum):
    """The OData type of a value."""

    STRING = "String"
    INTEGER = "Integer"
    DOUBLE = "Double"
    BOOLEAN = "Boolean"
    DATE = "DateTimeOffset"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One named, typed fact about an entity."""

    name: str
    kind: Kind
    value: str | float | bool | datetime | None


@dataclass(frozen=True)
class Field(Generic[E]):
    """A property that can be filtered and sorted on."""

    kind: Kind
    get: Callable[[E], Any]


@dataclass(frozen=True)
class Schema(Generic[E]):
    """One kind of entity."""

    name: str
    """Of the entity type, such as ``Product``."""
    fields: Mapping[str, Field[E]]
    key: Callable[[E], str]
    """Sorts what ``$orderby`` leaves equal."""
    daily: str = "PublicationDate"
    """The date that decides in which day's list an entity comes; also the default order."""
    expandable: frozenset[str] = field(default_factory=frozenset)
    """Navigation properties that ``$expand`` knows."""
    attributes: Callable[[E], tuple[Attribute, ...]] | None = None
    """The attributes over which ``any`` and ``all`` go; None where the entity has none."""
