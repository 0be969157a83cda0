"""What the errors of a bucket's client mean, in words that a user can act on."""

import re
from dataclasses import dataclass

from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)

FAULTS = (BaseError, OSError)
"""What the client raises besides `ValueError` for a key that it cannot have."""

_STATUS = re.compile(r"status code: (?P<status>[1-5]\d\d)\b")
_CODE = re.compile(r"<Code>\s*(?P<code>\w{1,64})\s*</Code>")
_BUSY = 503
_REFUSED = frozenset({401, 403})
_MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class StoreProblem:
    """What an error of the store means."""

    reason: str
    """A part of a sentence, without secrets, and without what the server wrote but its status and error code."""
    for_all: bool
    """Whether every object would meet it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """What a kind of store calls its things, so that its problems can be distinguished and put in its words."""

    container: str
    """What holds the objects, e.g. ``bucket``."""
    no_container: frozenset[str]
    """Error codes that say that it does not exist."""
    misplaced: frozenset[str] = frozenset()
    """Error codes that say that it is served elsewhere."""
    place: str
    """The settings that say where it is, besides its URL, e.g. ``endpoint and region``."""
    credentials: str
    """What the requests are signed with, e.g. ``keys``."""
    rights: str
    """What the credentials must allow, e.g. ``get and put objects``."""
    no_credentials: str
    """What to do where none were found."""
    metadata_services: tuple[str, ...]
    """Hosts that are asked for the machine's own credentials where no others are given."""


def explained(error: BaseException, words: Vocabulary) -> StoreProblem:
    """What an error of the client means, and what to check."""
    text = str(error)
    status = int(found["status"]) if (found := _STATUS.search(text)) else 0
    code = found["code"] if (found := _CODE.search(text)) else ""
    answer = f"{status} {code}".strip()
    refused = isinstance(error, PermissionDeniedError | UnauthenticatedError) or status in _REFUSED
    elsewhere = code in words.misplaced or status // 100 == 3 or "without LOCATION" in text  # noqa: PLR2004
    container = words.container
    remedy = f"check the {words.credentials}, and that they may {words.rights}"
    for_all = (
        (any(service in text for service in words.metadata_services), words.no_credentials),
        (code in words.no_container, f"there is no such {container}: check the store's url, {words.place}"),
        (
            refused,
            f"it refuses the credentials ({answer}): {remedy}",
        ),
        (elsewhere, f"the {container} is elsewhere ({answer}): check the store's {words.place}"),
        (status == _BUSY, f"it answered {answer}"),
        (
            not status and "certificate" in text.lower(),
            "its certificate is not trusted: check the store's endpoint and ca_file",
        ),
        (not status and "HTTP error" in text, "it does not answer: check the store's endpoint, and that it runs"),
    )
    if reason := next((reason for applies, reason in for_all if applies), None):
        return StoreProblem(reason, True)
    if isinstance(error, FileNotFoundError):
        return StoreProblem("there is no such object", False)
    if isinstance(error, InvalidPathError):
        # What lists objects refuses all of them for one such key.
        return StoreProblem("it holds a key with an empty part, '.' or '..' there; delete that object", False)
    return StoreProblem(f"it answered {answer}" if status else _beginning(text) or type(error).__name__, False)


def is_unsupported(error: BaseException) -> bool:
    """Whether the store does not have what was asked for, e.g. a conditional write."""
    return isinstance(error, NotSupportedError) or "status code: 501" in str(error)


def _beginning(text: str) -> str:
    """The first line of the client's own words, without what a server or a URL may have put into it."""
    return re.split(r"[\n<?]", text, maxsplit=1)[0].strip()[:_MAX_TEXT]
