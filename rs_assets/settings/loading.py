"""Reading the settings document, and saying at which line and key it is wrong.

Plain values may hold ``${NAME}`` or ``${NAME:-default}``, which the environment fills in here; secrets are
named in the document and read at first use.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rs_assets.errors import SettingsError
from rs_assets.settings.authentication import Secret
from rs_assets.settings.document import Settings
from rs_assets.settings.model import Key, MisplacedValueError

CONFIG_VARIABLE = "RS_ASSETS_CONFIG"
"""Environment variable with the path of the settings document; unset: the packaged demo settings."""

DEMO_SETTINGS = Path(str(files("rs_assets") / "demo.yaml"))
"""The packaged demo settings, a document to copy and change."""

_EXPECTED = {
    "time_delta": "an ISO 8601 duration, e.g. PT2H or P1D",
    "date_": "a day, e.g. 2024-01-31",
    "url_": "an address that begins with http:// or https://",
    "model_type": "a mapping of keys; see `rs-assets config schema`",
    "string_type": "a text; YAML reads a bare no, yes, on or number as something else, so quote it",
}
"""What pydantic's own sentence leaves out, by how the kind of its error begins."""

_PLACEHOLDER = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a settings document."""

    line: int
    """Line in the document, from 1."""
    key: str
    """Where in the document, e.g. ``stations.0.url``; empty for the document itself."""
    message: str
    """What is wrong, and what is expected."""


class InvalidSettingsError(SettingsError):
    """The settings document is wrong; every problem with its line and key."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source = source
        self.problems = problems
        lines = (f"{source}:{p.line}: {f'{p.key}: ' if p.key else ''}{p.message}" for p in problems)
        super().__init__("\n".join(lines))


def default_path() -> Path:
    """The settings document that is used: `CONFIG_VARIABLE`, else the packaged demo settings."""
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else DEMO_SETTINGS


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings.

    Relative paths in them start at the document's own directory; those of the packaged demo settings, at the
    current one.

    Raises:
        InvalidSettingsError: the document is wrong, with every problem's line and key.
        SettingsError: the document cannot be read.
    """
    path = default_path() if path is None else path
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings {path} cannot be read: {error}") from error
    return parse_settings(text, source=str(path), base=Path.cwd() if path == DEMO_SETTINGS else path.resolve().parent)


def parse_settings(text: str, *, source: str = "settings", base: Path | None = None) -> Settings:
    """Read the settings from YAML text; `base` is where relative paths start.

    Raises:
        InvalidSettingsError: the document is wrong, with every problem's line and key.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidSettingsError(source, [Problem(line, "", f"not YAML: {error.problem}")]) from error
    except yaml.YAMLError as error:
        raise InvalidSettingsError(source, [Problem(1, "", f"not YAML: {error}")]) from error
    if not isinstance(root, yaml.MappingNode):
        raise InvalidSettingsError(source, [Problem(1, "", "expected a mapping with schema_version, stations …")])
    problems = [*_wrong_keys(root, ()), *_fill_in(root, (), os.environ)]
    if problems:
        raise InvalidSettingsError(source, problems)
    try:
        settings = Settings.model_validate(_Loader("").construct_document(root))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidSettingsError(source, [Problem(line, "", str(error.problem))]) from error
    except ValidationError as error:
        lines = dict(_lines(root, ()))
        problems = [problem for detail in error.errors() for problem in _problems(detail, lines)]
        raise InvalidSettingsError(source, problems) from None
    return settings.resolved_against(base) if base else settings


class _Loader(yaml.SafeLoader):
    """Leaves dates as text, so that a wrong one is reported with its key like any other value."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _inner(node: yaml.Node, key: Key) -> Iterator[tuple[Key, yaml.Node, yaml.Node]]:
    """What stands directly in a node: each with its key, the node to show for it, and the node of its value."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield (*key, name.value if isinstance(name, yaml.ScalarNode) else "?"), name, value
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*key, index), value, value


def _lines(node: yaml.Node, key: Key) -> Iterator[tuple[Key, int]]:
    for inner, place, value in _inner(node, key):
        yield inner, _line(place)
        yield from _lines(value, inner)


def _wrong_keys(node: yaml.Node, key: Key) -> Iterator[Problem]:
    """Keys that are not text, and keys that stand in one mapping twice."""
    seen: set[Key] = set()
    for inner, place, value in _inner(node, key):
        if not isinstance(place, yaml.ScalarNode) and isinstance(node, yaml.MappingNode):
            yield Problem(_line(place), _dotted(key), "expected a name as key; quote a value that begins with '{'")
        elif inner in seen:
            yield Problem(_line(place), _dotted(inner), "this key stands here a second time")
        seen.add(inner)
        yield from _wrong_keys(value, inner)


def _fill_in(node: yaml.Node, key: Key, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Replace the placeholders of every scalar in place; a missing variable is a problem."""
    for inner, _, value in _inner(node, key):
        yield from _fill_in(value, inner, environment)
    if isinstance(node, yaml.ScalarNode) and "${" in node.value:
        missing = [
            match["name"]
            for match in _PLACEHOLDER.finditer(node.value)
            if match["default"] is None and match["name"] not in environment
        ]
        if missing:
            message = f"the environment variable {missing[0]} is not set, and no default is given as ${{NAME:-default}}"
            yield Problem(_line(node), _dotted(key), message)
            return
        node.value = _PLACEHOLDER.sub(
            lambda match: environment.get(match["name"]) or match["default"] or "", node.value
        )


def _problems(detail: ErrorDetails, lines: Mapping[Key, int]) -> Iterator[Problem]:
    location: Key = tuple(part for part in detail["loc"] if part != "[key]")
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, MisplacedValueError):
        for inner, message in cause.problems:
            yield _problem((*location, *inner), message, lines)
    else:
        yield _problem(location, _message(detail, location), lines)


def _problem(location: Key, message: str, lines: Mapping[Key, int]) -> Problem:
    key = location
    while key not in lines and key:
        # A discriminated union puts its branch's name into the location, where the document has no key.
        shorter = [key[:i] + key[i + 1 :] for i in range(len(key)) if key[:i] + key[i + 1 :] in lines]
        key = max(shorter, key=len) if shorter else key[:-1]
    return Problem(lines.get(key, 1), _dotted(key), message)


def _message(detail: ErrorDetails, location: Key) -> str:
    if detail["type"] == "missing":
        return f"the key {location[-1]!r} is missing"
    if detail["type"] == "extra_forbidden":
        return f"{location[-1]!r} is not a key here; see `rs-assets config schema`"
    message = detail["msg"].removeprefix("Value error, ")
    kind = detail["type"]
    if kind == "model_type" and detail.get("ctx", {}).get("class_name") == Secret.__name__:
        return "a secret never stands here: name where it is, as {env: NAME} or {file: PATH}"
    expected = next((hint for start, hint in _EXPECTED.items() if kind.startswith(start)), None)
    return f"{message}; expected {expected}" if expected else message


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _dotted(key: Key) -> str:
    return ".".join(str(part) for part in key)
