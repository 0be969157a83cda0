"""Our side, in a process of its own: ``python -m tests.benchmarks.staging.our_engine ORDER.json``.

The only module of the benchmark that knows the engine. The order is the JSON form of `Order`; what is printed is that
of `Figures`. Time and CPU are counted from the first to the last moment in the event loop, imports excluded.
"""

import asyncio
import cProfile
import json
import os
import pstats
import resource
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import HttpUrl

from rs_assets.items.files import FileRecord
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.settings import Policy, S3Store, Verification
from rs_assets.staging.engine import stage_files
from rs_assets.staging.messages import Message, Moved, Progress, unobserved
from rs_assets.staging.sources.http import HttpSource
from rs_assets.stations.auxip.settings import AuxipStation
from rs_assets.stations.keyring import Keyring
from rs_assets.stations.limits import StationLimits
from rs_assets.stations.tokens import ConstantHeaders
from rs_assets.stations.trust import Trust
from rs_assets.store import Sink, open_store
from rs_assets.store.directory_sink import DirectorySink
from tests.files import file_at

_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""As many as the loop's executor has by default."""


@dataclass(frozen=True)
class Wanted:
    """One file of an order."""

    href: str
    key: str
    size: int
    digests: dict[str, str]
    """Hex digests by algorithm (`Algorithm`'s values)."""


@dataclass(frozen=True)
class Order:
    """What to stage, and how."""

    url: str
    """Root of the station."""
    files: Sequence[Wanted]
    directory: str = ""
    """Root of the directory sink; unused with S3."""
    endpoint: str = ""
    """URL of an S3 service that takes any key; a directory is meant where empty."""
    bucket: str = ""
    concurrency: int = 8
    algorithm: str = Algorithm.MD5.value
    verification: str = Policy.STRICT.value
    kill_at: int = 0
    """Bytes moved after which the process kills itself; 0 for never."""
    profile: str = ""
    """File for a profile of CPU time, in text; none where empty."""


@dataclass(frozen=True)
class Figures:
    """What it took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system, children included."""
    startup_cpu: float
    """Seconds of CPU for the interpreter and the imports, which `cpu` does not hold."""
    peak_mb: float
    """Largest resident size, imports included, in MB (10⁶ bytes)."""
    moved: int
    statuses: dict[str, int]
    reasons: list[str] = field(default_factory=list)
    """Why files failed, each reason once."""


async def stage(
    files: Sequence[Wanted],
    sink: Sink,
    *,
    url: str,
    concurrency: int,
    algorithm: Algorithm,
    verification: Verification,
    progress: Progress = unobserved,
) -> list[FileRecord]:
    """Move files from the station at `url` into the sink; the station vouches for one digest of each."""
    station = AuxipStation(
        name="station",
        interface="auxip",
        url=HttpUrl(url),
        missions=("S1",),
        start=date(2026, 1, 1),
        concurrency=concurrency,
        verification=verification,
    )
    transfers = [
        file_at(file.key, file.href, file.size, (Digest(algorithm, file.digests[algorithm]),)) for file in files
    ]
    async with (
        StationLimits(station) as limits,
        HttpSource(station, Keyring(Trust.of(station), ConstantHeaders("station", dict)), limits) as source,
    ):
        return await stage_files(
            transfers,
            source,
            sink,
            station,
            progress=progress,
        )


def _sink(order: Order) -> Sink:
    if not order.endpoint:
        return DirectorySink(Path(order.directory))
    # The keys are the environment's.
    document = {"kind": "s3", "url": f"s3://{order.bucket}", "endpoint": order.endpoint, "unsigned_payload": True}
    return open_store(S3Store.model_validate(document)).sink


async def _carry_out(order: Order, profiles: list[cProfile.Profile]) -> list[FileRecord]:
    if order.profile:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS, initializer=_profile_thread, initargs=(profiles,)))
    policy = Policy(order.verification)
    return await stage(
        order.files,
        _sink(order),
        url=order.url,
        concurrency=order.concurrency,
        algorithm=Algorithm(order.algorithm),
        verification=Verification(size=policy, checksum=policy),
        progress=_Killer(order.kill_at) if order.kill_at else unobserved,
    )


class _Killer:
    """Kills this process when so many bytes have been moved."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._moved = 0

    def __call__(self, message: Message) -> None:
        if isinstance(message, Moved):
            self._moved += message.bytes
            if self._moved >= self._at:
                print(json.dumps({"killed_at": self._moved}), flush=True)
                os.kill(os.getpid(), signal.SIGKILL)


def _profile_thread(profiles: list[cProfile.Profile]) -> None:
    profile = cProfile.Profile(time.thread_time)
    # Some interpreters allow one profile in a process; the event loop's is then the only one.
    with suppress(ValueError):
        profile.enable()
        profiles.append(profile)


def _write_profile(path: Path, profiles: Sequence[cProfile.Profile]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for title, chosen in (("event loop", profiles[:1]), ("executor threads", profiles[1:])):
            if chosen:
                print(f"CPU seconds by function: {title}", file=stream)
                stats = pstats.Stats(*chosen, stream=stream)
                stats.strip_dirs().sort_stats("tottime").print_stats(22)


def _cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_mb() -> float:
    # Not ru_maxrss: that begins with the size of the process that started this one.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("this kernel does not say the largest resident size")


def _figures(order: Order) -> Figures:
    profiles: list[cProfile.Profile] = []
    startup, begun = _cpu(), time.monotonic()
    if order.profile:
        _profile_thread(profiles)
    outcomes = asyncio.run(_carry_out(order, profiles))
    wall, cpu = time.monotonic() - begun, _cpu() - startup
    if order.profile:
        profiles[0].disable()
        _write_profile(Path(order.profile), profiles)
    statuses = [outcome.state.value for outcome in outcomes]
    return Figures(
        wall=wall,
        cpu=cpu,
        startup_cpu=startup,
        peak_mb=_peak_mb(),
        moved=sum(outcome.moved for outcome in outcomes),
        statuses={status: statuses.count(status) for status in set(statuses)},
        reasons=sorted({outcome.reason for outcome in outcomes if outcome.reason}),
    )


def main() -> None:
    """Carry out the order in the file that the argument names."""
    document: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    files = [Wanted(**entry) for entry in document.pop("files")]
    print(json.dumps(asdict(_figures(Order(files=files, **document)))), flush=True)


if __name__ == "__main__":
    main()
