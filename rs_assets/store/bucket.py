"""A bucket that is opened at first use, and what every kind of bucket has in common.

The store itself repeats a request that breaks off, or that is answered by a status of 500 and above, for at most
45 seconds; so a store that is down is an error within about a minute.
"""

import atexit
import re
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from obstore.store import ObjectStore

from rs_assets.errors import SettingsError
from rs_assets.settings import BucketStore
from rs_assets.store.problems import Vocabulary, explained

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

RETRY: "RetryConfig" = {
    "max_retries": 30,
    "retry_timeout": timedelta(seconds=45),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=5), "base": 2},
}
_CONNECT_SECONDS = 10
_SILENCE_SECONDS = 55
"""Until an answer begins, the sending of a part included, and between any two pieces of it."""
_MAX_READING = timedelta(days=1)
_UNREPRESENTABLE = re.compile(r'[\x00-\x20"%#?<>\\^`{|}\x7f]')


class Bucket:
    """A bucket below a prefix. Its objects and its documents share one client."""

    def __init__(
        self,
        place: str,
        opening: Callable[[], ObjectStore],
        words: Vocabulary,
        list_strange: Callable[[str], list[str]] | None = None,
    ) -> None:
        """Take a bucket that is opened at first use.

        Args:
            place: its URL with the prefix, e.g. ``s3://bucket/prefix``; a key follows after a slash.
            opening: opens it, below its prefix.
            words: what its kind of store calls its things.
            list_strange: the names directly in a folder where its client cannot list it for a key that it cannot name.
        """
        self.place = place
        self.explain = partial(explained, words=words)
        """What an error of its client means, and what to check."""
        self.list_strange = list_strange
        self._opening = opening

    @cached_property
    def client(self) -> ObjectStore:
        """What sends the requests.

        Raises:
            SettingsError: a secret, or the file with the certificates, is not where the settings say.
        """
        return self._opening()

    def url(self, key: str) -> str:
        """The URL of the object of that key: the key as it is, but for what no URL may hold."""
        return f"{self.place}/{_UNREPRESENTABLE.sub(lambda match: quote(match[0], safe=''), key)}"

    def key_of(self, url: str) -> str | None:
        """The key of the object at `url`; None if that is not in this bucket."""
        return unquote(url.removeprefix(f"{self.place}/")) if url.startswith(f"{self.place}/") else None


def client_config(settings: BucketStore) -> "ClientConfig":
    """How the client of a bucket connects, and for how long it waits.

    Raises:
        SettingsError: the file with the certificates cannot be read.
    """
    config: ClientConfig = {
        "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
        "read_timeout": timedelta(seconds=_SILENCE_SECONDS),
        "timeout": _MAX_READING,
        "allow_http": settings.is_http,
    }
    if (ca_file := settings.ca_file) is not None:
        try:
            config["root_certificate"] = ca_file.read_bytes()
        except OSError as error:
            raise SettingsError(f"the store's ca_file {ca_file} cannot be read: {error.strerror}") from error
    return config


def wait_for_foreign_threads(max_seconds: float = 1.0) -> None:
    """Let the threads come to an end that are in Python just now without being Python's own.

    A thread of obstore that has just delivered a result may still wait for the interpreter's lock. Before Python 3.14
    it would abort the process if the interpreter ended meanwhile, after all the work was done.
    """
    own = {thread.ident for thread in threading.enumerate()}
    end = time.monotonic() + max_seconds
    while sys._current_frames().keys() - own and time.monotonic() < end:
        time.sleep(0.001)


atexit.register(wait_for_foreign_threads)
