"""The object store that misbehaves, for processes: it serves from a thread of its own."""

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rs_assets.settings import S3Store
from tests.store.fault_s3 import FaultS3


class ThreadedS3:
    """A `FaultS3` whose event loop runs in a thread."""

    def __init__(self) -> None:
        self.server = FaultS3()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.__aenter__(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self.server.__aexit__(None, None, None), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def opened(self) -> tuple[S3Store, Callable[[], dict[str, bytes]]]:
        """The settings of the store, and what reads all of it."""
        return self.server.store(), lambda: dict(self.server.objects)
