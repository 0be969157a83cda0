"""Faults on demand: rules that say which requests go wrong, and how."""

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any, Self
from uuid import uuid4

from starlette.responses import Response

from rs_assets.simulator.errors import QueryError, error_body
from rs_assets.simulator.odata.envelope import Envelope


class Gzip(StrEnum):
    """What is behind ``Content-Encoding: gzip``."""

    ENCODED = "encoded"
    """The body is compressed, and its length is not announced."""
    CLAIMED = "claimed"
    """The body is as it always is."""


@dataclass(kw_only=True)
class Fault:
    """A rule: which requests it is for, and what goes wrong with them."""

    id: str = field(default_factory=lambda: uuid4().hex[:12])
    path_contains: str | None = None
    query_contains: str | None = None
    """Looked for in the percent-decoded query."""
    method: str | None = None
    skip: int = 0
    """How many of its requests pass before the first that it is applied to, …"""
    every: int = 1
    """… and of which number in a row it is applied to the last only."""
    times: int | None = None
    """How many requests are left to it; None for all until it is removed."""
    delay_seconds: float = 0.0
    status: int | None = None
    """Answers with this status in place of the station."""
    body: str | None = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    without_headers: list[str] = field(default_factory=list)
    """Headers that are taken out of the answer; without Content-Length the body is sent in chunks."""
    retry_after_seconds: int | None = None
    """Adds Retry-After as a number."""
    retry_after_date: int | None = None
    """Adds Retry-After as a date, so many seconds from now."""
    redirect_to: str | None = None
    """Sends the client there (307, unless ``status`` says otherwise)."""
    hops: int | None = None
    """Sends the client round to the same address so often, before the redirect or the true answer."""
    truncate_bytes: int | None = None
    """Closes the connection after so many bytes of the body; Content-Length stays."""
    reset: bool = False
    """Resets the connection (TCP RST): before the answer, or after so many ``after_bytes`` of the body."""
    after_bytes: int | None = None
    """Where in the body ``reset``, ``corrupt``, ``stall_seconds`` and ``bytes_per_second`` set in."""
    stall_seconds: float = 0.0
    """Stops in the body for so long."""
    bytes_per_second: float | None = None
    corrupt: bool = False
    """Inverts one byte of the body."""
    empty: bool = False
    """Sends no body, and says so in Content-Length."""
    ignore_range: bool = False
    """Answers as if no Range had been asked for."""
    change_etag: bool = False
    """Gives the answer an ETag that no other has."""
    gzip: Gzip | None = None
    envelope: Envelope | None = None
    seen: int = field(default=0, init=False)
    """Requests that it could have been applied to so far."""

    def __post_init__(self) -> None:
        for name in ("times", "every", "hops"):
            if (number := getattr(self, name)) is not None and number < 1:
                raise QueryError(f"The field {name!r} of a fault is one or more, or null.")
        for name in ("skip", "after_bytes", "delay_seconds", "stall_seconds", "truncate_bytes"):
            if (number := getattr(self, name)) is not None and not number >= 0:
                raise QueryError(f"The field {name!r} of a fault is zero or more.")
        if self.bytes_per_second is not None and not self.bytes_per_second > 0:
            raise QueryError("The field 'bytes_per_second' of a fault is more than zero, or null.")

    @classmethod
    def read(cls, rule: object) -> Self:
        """A rule from JSON; ``QueryError`` for a field that no rule has, or a value that it cannot have."""
        if not isinstance(rule, dict):
            raise QueryError("A fault is a JSON object.")
        unknown = rule.keys() - {known.name for known in fields(cls) if known.init}
        if unknown:
            raise QueryError(f"A fault has no field {min(unknown)!r}.")
        for name, kinds in _KINDS.items():
            if rule.get(name) is not None and not _is(rule[name], kinds):
                raise QueryError(f"The field {name!r} of a fault cannot be {rule[name]!r}.")
        given = {name: value for name, value in rule.items() if value is not None}
        for name, known in _CHOICES.items():
            if name in given and given[name] not in set(known):
                raise QueryError(f"There is no {name} {given[name]!r}.")
            if name in given:
                given[name] = known(given[name])
        if "body" in given and "status" not in given:
            given["status"] = 200
        return cls(**given)

    def concerns(self, method: str, path: str, query: str) -> bool:
        """Whether the rule is for this request."""
        return (
            (self.method is None or self.method.upper() == method)
            and (self.path_contains is None or self.path_contains in path)
            and (self.query_contains is None or self.query_contains in query)
        )

    def is_due(self) -> bool:
        """Count a request that the rule is for; whether it is to be applied to this one."""
        self.seen += 1
        return self.seen > self.skip and (self.seen - self.skip) % self.every == 0

    def response(self, hop: int, again: str) -> Response | None:
        """The answer in place of the station's, if there is one.

        ``hop`` is how often the client was sent round already, ``again`` where the next hop leads.
        """
        target = again if self.hops is not None and hop < self.hops else self.redirect_to
        if target is not None:
            headers = self.headers | {"location": target}
            return Response(self.body, self.status or 307, headers, media_type=self.content_type)
        if self.status is None or self.hops is not None:
            return None
        if self.body is None and self.status >= 400:
            return error_body(self.status, "This fault was asked for.", dict(self.headers))
        return Response(self.body, self.status, dict(self.headers), media_type=self.content_type or "text/plain")

    def more_headers(self) -> dict[str, str]:
        """Headers that the answer gets, whoever gives it."""
        more = dict(self.headers)
        if self.content_type is not None:
            more["content-type"] = self.content_type
        if self.retry_after_seconds is not None:
            more["retry-after"] = str(self.retry_after_seconds)
        if self.retry_after_date is not None:
            then = datetime.now(UTC) + timedelta(seconds=self.retry_after_date)
            more["retry-after"] = format_datetime(then, usegmt=True)
        if self.change_etag:
            more["etag"] = f'"changed-{uuid4().hex}"'
        if self.gzip is not None:
            more["content-encoding"] = "gzip"
        if self.empty:
            more["content-length"] = "0"
        return more


class FaultBook:
    """The rules in force, in the order in which they were made; the first that is due is applied to a request."""

    def __init__(self) -> None:
        self.rules: dict[str, Fault] = {}
        self._chains: dict[str, Fault] = {}

    def take(self, method: str, path: str, query: str) -> Fault | None:
        """The rule for a request, which is one of its ``times``; a rule that is used up goes."""
        fitting = (rule for rule in self.rules.values() if rule.concerns(method, path, query))
        rule = next((rule for rule in fitting if rule.is_due()), None)
        if rule is None:
            return None
        if rule.hops is not None:
            self._chains[rule.id] = rule
        if rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                del self.rules[rule.id]
        return rule

    def chain(self, rule_id: str) -> Fault | None:
        """The rule that sent a client round, though it may be used up."""
        return self._chains.get(rule_id)

    def clear(self) -> None:
        """Take all rules away, also for clients that are being sent round."""
        self.rules.clear()
        self._chains.clear()


_KINDS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "path_contains": str,
    "query_contains": str,
    "method": str,
    "skip": int,
    "every": int,
    "times": int,
    "delay_seconds": (int, float),
    "status": int,
    "body": str,
    "content_type": str,
    "headers": dict,
    "without_headers": list,
    "retry_after_seconds": int,
    "retry_after_date": int,
    "redirect_to": str,
    "hops": int,
    "truncate_bytes": int,
    "reset": bool,
    "after_bytes": int,
    "stall_seconds": (int, float),
    "bytes_per_second": (int, float),
    "corrupt": bool,
    "empty": bool,
    "ignore_range": bool,
    "change_etag": bool,
    "gzip": str,
    "envelope": str,
}


_CHOICES: dict[str, type[StrEnum]] = {"envelope": Envelope, "gzip": Gzip}


def _is(value: Any, kinds: type | tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return kinds is bool
    if isinstance(value, dict | list) and not all(isinstance(part, str) for part in _parts(value)):
        return False
    return isinstance(value, kinds)


def _parts(value: dict[Any, Any] | list[Any]) -> list[Any]:
    return [*value, *value.values()] if isinstance(value, dict) else value
