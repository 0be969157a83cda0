"""Runs of an installation in processes of their own: real ones, forked from a server that has all of it loaded."""

import asyncio
import json
import multiprocessing
import os
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from rs_assets.ingest import PartitionReport, Platform, ingest
from rs_assets.requests.answering import Answering
from rs_assets.requests.model import parse_request
from rs_assets.settings import parse_settings
from rs_assets.store import bucket, parts
from tests.campaigns.steps import die_at
from tests.platform import PASSWORD, PASSWORD_VARIABLE, day

CONTEXT = multiprocessing.get_context("forkserver")
# The last is imported at first use, by every process anew.
CONTEXT.set_forkserver_preload([__name__, "anyio._backends._asyncio", "anyio.to_thread"])

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Order:
    """What one process is to do."""

    settings: str
    """The settings' text."""
    base: Path
    """The directory that relative paths begin at."""
    station: str = "adgs"
    keys: tuple[str, ...] = ()
    """Partitions to take through all steps."""
    requests: tuple[dict[str, Any], ...] = ()
    """On-demand requests to answer at once, before that."""
    die: tuple[str, int] | None = None
    """The step to die at, and at which time of it."""
    checkpoint: int | None = None
    """After how many bytes of a part the journal notes how far it has come, if not the usual."""


@dataclass(frozen=True)
class Done:
    """How a process has ended."""

    code: int | None
    """Its exit code; the negative number of the signal that ended it."""
    errors: dict[str, str | None] = field(default_factory=dict)
    """By partition, why it failed; None where it did not. Nothing where the process has died."""
    files: tuple[dict[str, Any], ...] = ()
    """The files of all manifests."""
    answers: tuple[str, ...] = ()
    """States of the requests."""


class Worker:
    """One process at work."""

    def __init__(self, order: Order) -> None:
        self._result = CONTEXT.SimpleQueue()
        self._ready, self._go = CONTEXT.Event(), CONTEXT.Event()
        self._process = CONTEXT.Process(target=_perform, args=(order, self._result, self._ready, self._go))
        self._process.start()

    def ready(self) -> None:
        """Wait until it can begin."""
        assert self._ready.wait(PATIENCE_S), "a process did not come up"

    def go(self) -> None:
        """Let it begin."""
        self._go.set()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def wait(self) -> Done:
        """How it has ended."""
        # A killed process may hold the queue's lock, so that is only looked at after a good end; what is written
        # is less than a pipe takes.
        self._process.join(PATIENCE_S)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
            raise AssertionError("a process did not end")
        code = self._process.exitcode
        if code != 0:
            return Done(code)
        found = json.loads(Path(self._result.get()).read_text())
        return Done(code, found["errors"], tuple(found["files"]), tuple(found["answers"]))


def work(*orders: Order) -> list[Done]:
    """Let processes do their orders, all at once."""
    workers = [Worker(order) for order in orders]
    for worker in workers:
        worker.ready()
    for worker in workers:
        worker.go()
    return [worker.wait() for worker in workers]


def _perform(order: Order, result: "multiprocessing.SimpleQueue[str]", ready: Event, go: Event) -> None:
    os.environ[PASSWORD_VARIABLE] = PASSWORD
    if order.checkpoint is not None:
        _set(parts, "_CHECKPOINT_BYTES", order.checkpoint)
    bucket.RETRY["max_retries"] = 2
    bucket.RETRY["backoff"] |= {
        "init_backoff": timedelta(milliseconds=1),
        "max_backoff": timedelta(milliseconds=5),
    }
    platform = Platform.open(parse_settings(order.settings, base=order.base))
    if order.die is not None:
        die_at(*order.die)
    ready.set()
    go.wait()
    document = asyncio.run(_done(order, platform))
    path = order.base / f"result-{os.getpid()}.json"
    path.write_text(json.dumps(document))
    result.put(str(path))


async def _done(order: Order, platform: Platform) -> dict[str, Any]:
    answers = await _answered(order, platform) if order.requests else ()
    reports: list[PartitionReport] = []
    if order.keys:
        reports = [report async for report in ingest(platform, order.station, map(day, order.keys))]
    manifests = [report.manifest for report in reports if report.manifest is not None]
    return {
        "errors": {report.partition.key: report.error for report in reports},
        "files": [asdict(file) for manifest in manifests for file in manifest.files],
        "answers": answers,
    }


async def _answered(order: Order, platform: Platform) -> list[str]:
    async with Answering(platform) as answering:
        asked = [
            answering.answer(str(number), parse_request(document)) for number, document in enumerate(order.requests)
        ]
        return [result.state.value for result in await asyncio.gather(*asked)]


def _set(owner: Any, name: str, value: object) -> None:
    setattr(owner, name, value)
