"""Opening the object store that the settings name, and saying what its errors mean.

The store itself repeats a request that breaks off, or that is answered by a status of 500 and above, for at most
45 seconds; so a store that is down is an error within about a minute.
"""

import atexit
import re
import sys
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from obstore.exceptions import BaseError, InvalidPathError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store as Bucket

from rs_assets.errors import SettingsError
from rs_assets.settings import S3Store, Secret

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

FAULTS = (BaseError, OSError)
"""What the object store raises besides `ValueError` for a key that it cannot have."""

RETRY: "RetryConfig" = {
    "max_retries": 30,
    "retry_timeout": timedelta(seconds=45),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=5), "base": 2},
}
_CONNECT_SECONDS = 10
_SILENCE_SECONDS = 55
"""Until an answer begins, the sending of a part included, and between any two pieces of it."""
_LONGEST_READING = timedelta(days=1)

_STATUS = re.compile(r"status code: (?P<status>[1-5]\d\d)\b")
_CODE = re.compile(r"<Code>\s*(?P<code>\w{1,64})\s*</Code>")
_METADATA_SERVICES = ("169.254.169.254", "169.254.170.2", "fd00:ec2::254")
_BUSY = 503
_REFUSED = frozenset({401, 403})
_MISPLACED = frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"})
_NO_CREDENTIALS = (
    "no credentials were found: give access_key_id and secret_access_key, or set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or give skip_signature"
)
_RIGHTS = "get, put, delete and list objects and abort multipart uploads"
_LONGEST_TEXT = 200
_UNREPRESENTABLE = re.compile(r'[\x00-\x20"%#?<>\\^`{|}\x7f]')


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an error of the object store means."""

    reason: str
    """A part of a sentence, without secrets, and without what the server wrote but its status and error code."""
    for_all: bool
    """Whether every object would meet it."""


def open_bucket(settings: S3Store) -> Bucket:
    """The bucket below its prefix. Reads the secrets, and opens no connection.

    Raises:
        SettingsError: a secret, or the file with the certificates, is not where the settings say.
    """
    config: S3Config = {
        "skip_signature": settings.skip_signature,
        "virtual_hosted_style_request": settings.virtual_hosted_style,
        "unsigned_payload": _unsigned(settings),
    }
    if settings.endpoint is not None:
        config["endpoint"] = str(settings.endpoint).rstrip("/")
    if settings.region is not None:
        config["region"] = settings.region
    client: ClientConfig = {
        "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
        "read_timeout": timedelta(seconds=_SILENCE_SECONDS),
        "timeout": _LONGEST_READING,
        "allow_http": settings.endpoint is not None and settings.endpoint.scheme == "http",
    }
    if settings.ca_file is not None:
        try:
            client["root_certificate"] = settings.ca_file.read_bytes()
        except OSError as error:
            raise SettingsError(f"the store's ca_file {settings.ca_file} cannot be read: {error.strerror}") from error
    credential = _credential(settings)
    return Bucket(
        settings.bucket,
        prefix=settings.prefix,
        config=config,
        client_options=client,
        retry_config=RETRY,
        # A key in the configuration would be mixed with a session token that the environment has for another one.
        credential_provider=None if credential is None else lambda: credential,
    )


def object_url(place: str, key: str) -> str:
    """The URL of an object below `place`: the key as it is, but for what no URL may hold."""
    return f"{place}/{_UNREPRESENTABLE.sub(lambda match: quote(match[0], safe=''), key)}"


def key_below(place: str, url: str) -> str | None:
    """The key of the object at `url`; None if that is not below `place`."""
    return unquote(url.removeprefix(f"{place}/")) if url.startswith(f"{place}/") else None


def explained(error: BaseException) -> Trouble:
    """What an error of the object store means, and what to check."""
    text = str(error)
    status = int(found["status"]) if (found := _STATUS.search(text)) else 0
    code = found["code"] if (found := _CODE.search(text)) else ""
    answer = f"{status} {code}".strip()
    refused = isinstance(error, PermissionDeniedError | UnauthenticatedError) or status in _REFUSED
    elsewhere = code in _MISPLACED or status // 100 == 3 or "without LOCATION" in text  # noqa: PLR2004
    for_all = (
        (any(service in text for service in _METADATA_SERVICES), _NO_CREDENTIALS),
        (code == "NoSuchBucket", "there is no such bucket: check the store's url, endpoint and region"),
        (refused, f"it refuses the credentials ({answer}): check the keys, and that they may {_RIGHTS}"),
        (elsewhere, f"the bucket is elsewhere ({answer}): check the store's region and endpoint"),
        (status == _BUSY, f"it answered {answer}"),
        (
            not status and "certificate" in text.lower(),
            "its certificate is not trusted: check the store's endpoint and ca_file",
        ),
        (not status and "HTTP error" in text, "it does not answer: check the store's endpoint, and that it runs"),
    )
    if reason := next((reason for applies, reason in for_all if applies), None):
        return Trouble(reason, True)
    if isinstance(error, FileNotFoundError):
        return Trouble("there is no such object", False)
    if isinstance(error, InvalidPathError):
        # What lists objects refuses all of them for one such key.
        return Trouble("it holds a key with an empty part, '.' or '..' there; delete that object", False)
    return Trouble(f"it answered {answer}" if status else _beginning(text) or type(error).__name__, False)


def wait_for_foreign_threads(most_seconds: float = 1.0) -> None:
    """Let the threads come to an end that are in Python just now without being Python's own.

    A thread of obstore that has just delivered a result may still wait for the interpreter's lock. Before Python 3.14
    it would abort the process if the interpreter ended meanwhile, after all the work was done.
    """
    own = {thread.ident for thread in threading.enumerate()}
    end = time.monotonic() + most_seconds
    while sys._current_frames().keys() - own and time.monotonic() < end:
        time.sleep(0.001)


atexit.register(wait_for_foreign_threads)


def _beginning(text: str) -> str:
    """The first line of obstore's own words, without what a server or a URL may have put into it."""
    return re.split(r"[\n<?]", text, maxsplit=1)[0].strip()[:_LONGEST_TEXT]


def _unsigned(settings: S3Store) -> bool:
    if settings.unsigned_payload is not None:
        return settings.unsigned_payload
    return settings.endpoint is None or settings.endpoint.scheme == "https"


def _credential(settings: S3Store) -> "S3Credential | None":
    if settings.access_key_id is None or settings.secret_access_key is None:
        return None
    return {
        "access_key_id": settings.access_key_id.reveal(),
        "secret_access_key": settings.secret_access_key.reveal(),
        "token": _revealed(settings.session_token),
        "expires_at": None,
    }


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()
