"""What every part of the settings shares."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator

_log = logging.getLogger(__name__)

Key = tuple[str | int, ...]
"""The way to a value of the document, e.g. ``("stations", 0, "url")``."""


class SettingsModel(BaseModel):
    """Frozen, refuses keys that it does not know, and takes field docstrings as descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Keys of earlier versions, each with its name of today; they are still read, with a warning."""

    @model_validator(mode="before")
    @classmethod
    def _read_earlier_names(cls, given: object) -> object:
        earlier = [name for name in cls.RENAMED if isinstance(given, dict) and name in given]
        if not earlier or not isinstance(given, dict):
            return given
        twice = [name for name in earlier if cls.RENAMED[name] in given]
        if twice:
            problems = (((name,), f"this is the earlier name of {cls.RENAMED[name]!r}; give one") for name in twice)
            raise MisplacedValueError(*problems)
        for name in earlier:
            _log.warning("the setting %r is now called %r; the earlier name is still read", name, cls.RENAMED[name])
        return {cls.RENAMED.get(name, name): value for name, value in given.items()}

    def resolved_against(self, base: Path) -> Self:
        """The same settings with every relative path in them made absolute, starting at `base`."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        resolved = {name: _resolved(value, base) for name, value in values.items()}
        return self.model_copy(update={name: resolved[name] for name in values if resolved[name] != values[name]})


class MisplacedValueError(ValueError):
    """Values that contradict other places of the document."""

    def __init__(self, *problems: tuple[Key, str]) -> None:
        """Take what is wrong, each with the key that leads to it from the model that found it."""
        self.problems = problems
        super().__init__("; ".join(message for _, message in problems))


def _resolved(value: Any, base: Path) -> Any:
    match value:
        case Path():
            return base / value
        case SettingsModel():
            return value.resolved_against(base)
        case tuple():
            return tuple(_resolved(part, base) for part in value)
        case dict():
            return {name: _resolved(part, base) for name, part in value.items()}
        case _:
            return value
