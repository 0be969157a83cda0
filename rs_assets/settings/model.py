"""What every part of the settings shares."""

import ast
import inspect
import logging
import textwrap
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

_log = logging.getLogger(__name__)

Key = tuple[str | int, ...]
"""The way to a value of the document, e.g. ``("stations", 0, "url")``."""


class DocumentModel(BaseModel):
    """Frozen, refuses keys that it does not know, and describes each field in the JSON Schema by its docstring."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # Pydantic would read the source of every model at every start, whether a schema is wanted or not.
        made = handler(schema)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        for name, text in cls.descriptions().items():
            properties[name].setdefault("description", text)
        return made

    @classmethod
    def descriptions(cls) -> Mapping[str, str]:
        """The docstrings of the fields, by name."""
        found = {name: text for model in reversed(cls.__mro__) for name, text in _docstrings(model).items()}
        return {name: text for name, text in found.items() if name in cls.model_fields}


class SettingsModel(DocumentModel):
    """A part of the settings; keys of earlier versions are read, with a warning."""

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


@cache
def _docstrings(model: type) -> Mapping[str, str]:
    """The docstrings below the names that a model's own definition annotates."""
    if not issubclass(model, DocumentModel) or model is DocumentModel:
        return {}
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


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
