"""What a request asks for: auxiliary files of some types for an interval, or whatever a filter holds for."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NoReturn, Self
from uuid import uuid4

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from rs_assets.errors import RsAssetsError
from rs_assets.policies import Policy
from rs_assets.selection.cql2 import parse
from rs_assets.selection.errors import FilterError
from rs_assets.selection.instants import aware, zoned_moment
from rs_assets.selection.rules import JobInterval
from rs_assets.settings import CATALOG_SOURCE, RESERVED_COLLECTIONS, Need, Settings
from rs_assets.settings.model import DocumentModel
from rs_assets.settings.needs import Margin, Needs, PolicyName

_COLLECTION = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")

_TYPES = ("product_types", "needs")
_INTERVAL = ("start", "end")
_ONLY_BY_TYPE = ("policy", "dt0", "dt1")
_ONLY_BY_FILTER = ("limit", "sortby")
_TWO_FORMS = "a request asks either by filter, or by product_types (or needs), start and end"

_MAX_PROBLEMS = 20
_MAX_MESSAGE_LENGTH = 300
_MAX_KEY_LENGTH = 40


class RequestError(RsAssetsError):
    """A request cannot be understood, or asks for what is not there."""

    def __init__(self, *problems: str) -> None:
        """Take everything that is wrong, one sentence each, which begins with the key that it is about."""
        self.problems = problems
        super().__init__("\n".join(problems))


@contextmanager
def _for_pydantic() -> Iterator[None]:
    """Let a filter's error be gathered with the others."""
    try:
        yield
    except FilterError as error:
        raise ValueError(str(error)) from error


def _moment(value: object) -> object:
    with _for_pydantic():
        match value:
            case datetime():
                return aware(value)
            case str():
                return zoned_moment(value.strip())
            case None:
                return None
    raise ValueError("expected a date with time and zone, as in 2026-11-01T12:00:00Z")


def _filter(value: object) -> object:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _json(value)
    if value is None:
        return None
    if not isinstance(value, dict | str):
        raise ValueError("expected CQL2: a JSON object, or text")  # noqa: TRY004 - only a ValueError is gathered
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"expected CQL2 in JSON: {error}") from error
    with _for_pydantic():
        parse(value)
    return value


def _timeout(value: float | None) -> float | None:
    if value == 0:
        raise ValueError("expected seconds, or a negative number for no limit")
    return None if value is None or value < 0 else value


def _collection(name: str) -> str:
    if not _COLLECTION.fullmatch(name):
        raise ValueError("expected letters, digits, '_', '-' and '.', not beginning with '.'")
    if name in RESERVED_COLLECTIONS:
        raise ValueError(f"{name!r} is a folder of the store's own documents; name another collection")
    return name


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class AuxRequest(DocumentModel):
    """One request, in either of two forms: by filter, or by product types, interval and policy.

    Where the types are not all chosen alike, `needs` names them instead, each with its own policy and margins. Its id
    is not part of it: that is the name of its document in the inbox.
    """

    schema_version: Literal[1] = 1
    """Version of the document's form."""
    source: Name
    """Where to look: the name of a station of the settings, or ``catalog``."""
    filter: Annotated[dict[str, JsonValue] | str | None, BeforeValidator(_filter)] = None
    """What the items must fulfil: CQL2 as a JSON object or as text."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Most items to take of those that a filter holds for."""
    sortby: Annotated[str, StringConstraints(pattern=r"^[+-]?[A-Za-z_][A-Za-z0-9_:.-]{0,127}$")] | None = None
    """The property by which a limit takes them, ``-`` before it for the greatest first, e.g. ``-created``."""
    product_types: Annotated[tuple[Name, ...], AfterValidator(lambda names: tuple(dict.fromkeys(names)))] = ()
    """Product types, e.g. ``AUX_RESORB``; the policy chooses for each of them."""
    needs: Needs = ()
    """Instead of product_types, policy, dt0 and dt1: several of them, all for the same interval."""
    start: Moment = None
    """Start of the interval, with its zone; kept in UTC."""
    end: Moment = None
    """End of the interval, with its zone; kept in UTC."""
    policy: PolicyName = Policy.VAL_COVER
    """How files are chosen for the interval, e.g. ``LatestValCover``."""
    dt0: Margin = timedelta(0)
    """How much the interval is widened before its start: seconds, or an ISO 8601 duration."""
    dt1: Margin = timedelta(0)
    """How much the interval is widened after its end: seconds, or an ISO 8601 duration."""
    mission: Name | None = None
    """Only products of this mission of the settings, e.g. ``S1``."""
    satellite: Name | None = None
    """Only products of this satellite, e.g. ``S1A``, and those that are valid for every satellite of its mission."""
    collection: Annotated[str, StringConstraints(max_length=128), AfterValidator(_collection)] | None = None
    """The catalogue's collection for the items; where empty, the one that the source's settings give."""
    selected_assets: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Only these assets of an item, by key; where empty, all of them."""
    search_timeout: Annotated[float, Field(allow_inf_nan=False), AfterValidator(_timeout)] | None = None
    """How long the search may take, in seconds; without limit where empty or negative."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Higher ones are answered first."""
    requester: Annotated[str, StringConstraints(max_length=200)] = ""
    """Who asks, for those who read the list of requests."""
    error_if_empty: bool = False
    """Whether finding nothing is a failure."""

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        given = {name for name, field in type(self).model_fields.items() if getattr(self, name) != field.default}
        problems = list(_form_problems(given))
        if problems:
            raise ValueError("\n".join(problems))
        if self.start is not None and self.end is not None:
            try:
                for need in self.each_need:
                    JobInterval.of(self.start, self.end, need.dt0, need.dt1)
            except FilterError as error:
                raise ValueError(f"end: {error}") from error
        return self

    @property
    def each_need(self) -> tuple[Need, ...]:
        """What is to be chosen for the interval, however the request says it; nothing where it asks by filter."""
        if not self.product_types:
            return self.needs
        return (Need(types=self.product_types, policy=self.policy, dt0=self.dt0, dt1=self.dt1),)

    @property
    def every_type(self) -> tuple[str, ...]:
        """All product types that it asks for, in their order."""
        return tuple(name for need in self.each_need for name in need.types)

    @property
    def digest(self) -> str:
        """Equal for requests that ask for the same, however their documents are written."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The request as a JSON document, without what is as by default."""
        return {"schema_version": 1, **self.model_dump(mode="json", exclude_defaults=True)}

    def checked_against(self, settings: Settings) -> Self:
        """The same request, if the settings know its source, mission and satellite.

        Raises:
            RequestError: they do not; with those that they know.
        """
        sources = [*(station.name for station in settings.stations), CATALOG_SOURCE]
        satellites = [name for mission in settings.missions.values() for name in mission.satellites]
        problems = [
            f"{key}: {_cut(name, _MAX_KEY_LENGTH)!r} is not known; known are {', '.join(known)}"
            for key, name, known in (
                ("source", self.source, sources),
                ("mission", self.mission, settings.missions),
                ("satellite", self.satellite, satellites),
            )
            if name is not None and name not in known
        ]
        if problems:
            raise RequestError(*problems)
        return self


def parse_request(document: bytes | str | Mapping[str, object]) -> AuxRequest:
    """Read a request.

    Raises:
        RequestError: it is not a request; with every wrong key and what is expected there.
    """
    try:
        content = document if isinstance(document, Mapping) else _json(document)
    except ValueError as error:
        raise RequestError(_cut(str(error), _MAX_MESSAGE_LENGTH)) from error
    if not isinstance(content, Mapping):
        raise RequestError("expected a JSON object, with the keys of a request")
    try:
        return AuxRequest.model_validate(dict(content))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems = [line for detail in details for line in _problems(detail)]
        if all(detail["loc"] for detail in details):
            problems += _form_problems({str(key) for key, value in content.items() if value is not None})
        left = len(problems) - _MAX_PROBLEMS
        more = [f"and {left} more"] if left > 0 else []
        raise RequestError(*problems[:_MAX_PROBLEMS], *more) from None


def new_request_id(now: datetime) -> str:
    """An id that no other request has; ids sort by time, e.g. ``20261121T224501-5f0c91d2``."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"


def is_request_id(text: str) -> bool:
    """Whether it can be a request's id: up to 100 letters, digits, '.', '_', '-', not beginning with '.'.

    Three dots in a row are excluded, which mean a range of partitions elsewhere.
    """
    return _ID.fullmatch(text) is not None and "..." not in text


def checked_request_id(text: str) -> str:
    """The text, if it can be a request's id.

    Raises:
        RequestError: it cannot.
    """
    if not is_request_id(text):
        raise RequestError(
            f"{_cut(text, _MAX_KEY_LENGTH)!r} is not the id of a request: expected up to 100 letters, digits, '.', "
            "'_' and '-', not beginning with '.', without '...'"
        )
    return text


def _form_problems(given: Collection[str]) -> Iterator[str]:
    """What is wrong in which keys stand together."""
    by_type = [name for name in (*_TYPES, *_INTERVAL) if name in given]
    if "filter" in given and by_type:
        yield f"filter: {_TWO_FORMS}; this one has both"
    elif "filter" in given:
        yield from (f"{name}: only goes with product_types" for name in _ONLY_BY_TYPE if name in given)
    elif not by_type:
        yield f"filter: {_TWO_FORMS}; this one has neither"
    else:
        wanted = _INTERVAL if "needs" in given else ("product_types", *_INTERVAL)
        yield from (f"{name}: missing; {_TWO_FORMS}" for name in wanted if name not in given)
        yield from (f"{name}: only goes with a filter" for name in _ONLY_BY_FILTER if name in given)
    if set(_TYPES) <= set(given):
        yield "needs: name either product_types or needs"
    elif "needs" in given and "filter" not in given:
        yield from (f"{name}: stands in each of the needs instead" for name in _ONLY_BY_TYPE if name in given)
    if {"mission", "satellite"} <= set(given):
        yield "satellite: name either a mission or a satellite"


def _problems(detail: ErrorDetails) -> list[str]:
    message = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        return [_cut(line, _MAX_MESSAGE_LENGTH) for line in message.split("\n")]
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        message = f"missing; expected: {_model_of(detail).descriptions()[str(detail['loc'][-1])]}"
    elif detail["type"] == "extra_forbidden":
        key = repr(_cut(key, _MAX_KEY_LENGTH))
        model = _model_of(detail)
        message = f"no key of a {_NAMED[model]}; those are {', '.join(model.model_fields)}"
    elif detail["type"] == "tuple_type":
        message = "expected a list"
    elif detail["type"] == "model_type":
        message = f"expected a JSON object with the keys {', '.join(Need.model_fields)}"
    elif detail["type"].startswith("time_delta"):
        message = "expected seconds as a number, or an ISO 8601 duration, e.g. PT30M"
    return [f"{key}: {_cut(message, _MAX_MESSAGE_LENGTH)}"]


_NAMED: Mapping[type[DocumentModel], str] = {AuxRequest: "request", Need: "need"}


def _model_of(detail: ErrorDetails) -> type[DocumentModel]:
    """The model that has, or lacks, the key which an error is about."""
    return Need if len(detail["loc"]) > 1 and detail["loc"][0] == "needs" else AuxRequest


def _json(text: bytes | str) -> Any:
    """Read JSON strictly: no key twice, no NaN."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deep") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"this is not text in UTF-8: {error.reason}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"{_cut(twice, _MAX_KEY_LENGTH)!r}: this key stands here a second time")
    return content


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
