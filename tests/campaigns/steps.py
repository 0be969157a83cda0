"""The places where what is on a disk changes, at each of which a process can be made to die."""

import inspect
import os
import signal
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from rs_assets.catalog.sqlite import SqliteCatalog
from rs_assets.state import Outcomes, SupersededObjects, Transfers
from rs_assets.store import Documents, publishing
from rs_assets.store.directory_sink import DirectorySink
from rs_assets.store.journal import Journal
from rs_assets.store.object_sink import ObjectStoreSink
from rs_assets.store.parts import Part
from rs_assets.store.upload import Upload

_Concerns = Callable[[tuple[Any, ...]], bool]


def _any(arguments: tuple[Any, ...]) -> bool:
    return True


def _is_part(descriptor_or_path: object, suffix: str = "") -> bool:
    path = descriptor_or_path
    if isinstance(path, int):
        path = Path(f"/proc/self/fd/{path}").readlink()
    return "/.parts/" in str(path) and str(path).endswith(suffix) and not str(path).endswith(".document.part")


def _document(folder: str) -> _Concerns:
    return lambda arguments: str(arguments[1]).startswith(folder)


_PLACES: dict[str, tuple[Any, str, _Concerns]] = {
    "search results": (Documents, "update", _document("search_results/")),
    "part": (Part, "open", _any),
    "bytes": (Part, "write", _any),
    "journal line": (Journal, "note", _any),
    "fsync": (os, "fsync", lambda arguments: _is_part(arguments[0])),
    "link": (os, "link", lambda arguments: _is_part(arguments[0])),
    "unlink": (os, "unlink", lambda arguments: _is_part(arguments[0], ".part")),
    "journal removal": (os, "unlink", lambda arguments: _is_part(arguments[0], ".journal")),
    "directory sync": (publishing, "sync_directory", _any),
    "put": (ObjectStoreSink, "put", _any),
    "upload piece": (Upload, "feed", _any),
    "completion": (Upload, "finish", _any),
    "transfer record": (Transfers, "record", _any),
    "outcome record": (Outcomes, "record", _any),
    "manifest": (Documents, "write", _document("staged_files/")),
    "superseded note": (SupersededObjects, "note", _any),
    "upsert": (SqliteCatalog, "upsert", _any),
    "collection": (DirectorySink, "delete", _any),
    "object collection": (ObjectStoreSink, "delete", _any),
    "forgetting": (SupersededObjects, "forget", _any),
}

STEPS = tuple(f"{when} {place}" for place in _PLACES for when in ("before", "after"))
"""The steps at which a process can die, as ``before …`` and ``after …``."""


def die_at(step: str, time: int) -> None:
    """Let this process be killed when it comes to a step for the `time`-th time, from 1."""
    when, _, place = step.partition(" ")
    owner, name, concerns = _PLACES[place]
    original = getattr(owner, name)
    left = time

    def reached() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    @wraps(original)
    def deadly(*arguments: Any, **options: Any) -> Any:
        # Looked at beforehand: a descriptor may be closed afterwards.
        is_here = concerns(arguments)
        if is_here and when == "before":
            reached()
        result = original(*arguments, **options)
        if is_here and when == "after":
            reached()
        return result

    @wraps(original)
    async def deadly_later(*arguments: Any, **options: Any) -> Any:
        if when == "before":
            reached()
        result = await original(*arguments, **options)
        if when == "after":
            reached()
        return result

    setattr(owner, name, deadly_later if inspect.iscoroutinefunction(original) else deadly)
