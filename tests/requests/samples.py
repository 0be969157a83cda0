"""What tests of requests share: an installation that asks no station, requests to file, and crashes."""

import functools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rs_assets.ingest import Platform
from rs_assets.requests import AuxRequest, parse_request
from rs_assets.settings import parse_settings
from rs_assets.state import Requests
from rs_assets.store import Documents
from rs_assets.store.directory_documents import DirectoryDocuments
from tests.platform import settings_text

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)

_CHANGES = (
    (Documents, "create"),
    (DirectoryDocuments, "write_bytes"),
    (Documents, "copy"),
    (Documents, "delete"),
    (Requests, "accept"),
    (Requests, "queue"),
    (Requests, "ended"),
    (Requests, "again"),
)


def quiet_platform(directory: Path) -> Platform:
    """An installation whose only station, ``adgs``, does not answer."""
    return Platform.open(parse_settings(settings_text("http://127.0.0.1:9"), base=directory))


def asked(**more: Any) -> AuxRequest:
    """A request that the settings know."""
    document = {
        "source": "adgs",
        "product_types": ["AUX_RESORB"],
        "start": "2026-11-01T10:00:00Z",
        "end": "2026-11-01T11:00:00Z",
    }
    return parse_request(document | more)


def content_of(directory: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


class CrashError(Exception):
    """The process dies here."""


class Crash:
    """Lets the process die before or after the n-th change that it makes to the store or to the state."""

    def __init__(self, place: int, *, after: bool) -> None:
        """Die at change number `place`, from 0."""
        self._left = place
        self._after = after

    def arm(self, patch: pytest.MonkeyPatch) -> None:
        """Watch for the changes, until the patch is undone."""
        for owner, name in _CHANGES:
            patch.setattr(owner, name, self._deadly(getattr(owner, name)))

    def _deadly(self, change: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(change)
        def deadly(*arguments: object, **options: object) -> object:
            if self._left == 0 and not self._after:
                raise CrashError
            result = change(*arguments, **options)
            if self._left == 0:
                raise CrashError
            self._left -= 1
            return result

        return deadly


def crashes(act: Callable[[Platform], object], platforms: Callable[[], Platform]) -> Iterator[Platform]:
    """The installations that are left when `act` dies at each of its changes, before it and after it."""
    for after in (False, True):
        for place in range(100):
            platform = platforms()
            with pytest.MonkeyPatch.context() as patch:
                Crash(place, after=after).arm(patch)
                try:
                    act(platform)
                except CrashError:
                    pass
                else:
                    assert place, "nothing was changed"
                    break
            yield platform
