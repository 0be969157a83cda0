"""Our side, in a process of its own: ``python -m tests.benchmarks.session.our_run ORDER.json``.

A Dagster run of the three assets of one partition, with an instance and an executor as in production; then the same
run once more, which finds nothing to do. Time and CPU are counted without interpreter start and imports.
"""

import cProfile
import io
import json
import os
import pstats
import resource
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from rs_assets.defs.location import code_location
from rs_assets.defs.steps import asset_key
from rs_assets.ingest import PartitionMessage, Platform, Step
from rs_assets.ingest.steps import Ended, Searched
from rs_assets.settings import Settings, load_settings
from rs_assets.staging.messages import Finished


@dataclass(frozen=True)
class Order:
    """What is to be run."""

    settings: str
    """Path of the settings document."""
    home: str
    """DAGSTER_HOME."""
    station: str
    partition: str
    item: str
    """The item that the catalogue shall have in the end."""
    profile: bool = False


@dataclass
class Phases:
    """When the run came how far, in seconds since its begin."""

    searched: float = 0.0
    staged: float = 0.0
    """The last chunk was verified."""
    published: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True)
class Figures:
    """What it took."""

    wall: float
    """Seconds, of the run that moves the session."""
    cpu: float
    empty_wall: float
    """Seconds, of the run that finds nothing to do."""
    empty_cpu: float
    phases: dict[str, float]
    empty_phases: dict[str, float]
    chunks: int
    """That the catalogue's item has."""
    size: int
    """Bytes that they have."""
    profile: str = ""


@dataclass
class _Watch:
    """Notes when the messages of a run come."""

    begun: float = field(default_factory=time.monotonic)
    phases: Phases = field(default_factory=Phases)

    def __call__(self, message: PartitionMessage) -> None:
        now = time.monotonic() - self.begun
        match message.message:
            case Searched():
                self.phases.searched = self.phases.staged = now
            case Finished():
                self.phases.staged = now
            case Ended():
                self.phases.published = now


def carry_out(order: Order) -> Figures:
    """Run it twice.

    Raises:
        RuntimeError: a run failed, or the session is not in the catalogue.
    """
    os.environ["DAGSTER_HOME"] = order.home
    settings = load_settings(Path(order.settings))
    with dg.DagsterInstance.get() as instance:
        profile = cProfile.Profile() if order.profile else None
        full, cpu = _measured(lambda watch: _run(settings, instance, order, watch), profile)
        empty, empty_cpu = _measured(lambda watch: _run(settings, instance, order, watch), None)
    item = Platform.open(settings).catalog.get("s1_chunk", order.item)
    if item is None:
        raise RuntimeError(f"the catalogue does not have {order.item}")
    return Figures(
        wall=full.ended,
        cpu=cpu,
        empty_wall=empty.ended,
        empty_cpu=empty_cpu,
        phases=asdict(full),
        empty_phases=asdict(empty),
        chunks=len(item.assets),
        size=sum(int(asset.extra_fields["file:size"]) for asset in item.assets.values()),
        profile=_text(profile) if profile else "",
    )


def _measured(run: Callable[[_Watch], None], profile: cProfile.Profile | None) -> tuple[Phases, float]:
    with ExitStack() as stack:
        if profile is not None:
            stack.enter_context(profile)
        cpu, watch = _cpu(), _Watch()
        run(watch)
        watch.phases.ended = time.monotonic() - watch.begun
        return watch.phases, _cpu() - cpu


def _run(settings: Settings, instance: dg.DagsterInstance, order: Order, watch: _Watch) -> None:
    defs = code_location(settings, progress=lambda *_: watch)
    result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        partition_key=order.partition,
        asset_selection=[asset_key(order.station, step) for step in Step],
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    for event in result.get_step_failure_events() if not result.success else ():
        raise RuntimeError(str(event.step_failure_data.user_failure_data or event.message))


def _text(profile: cProfile.Profile) -> str:
    stream = io.StringIO()
    print("CPU and waiting of the main thread, in seconds, by function", file=stream)
    stats = pstats.Stats(profile, stream=stream).strip_dirs()
    stats.sort_stats("cumulative").print_stats(60)
    stats.sort_stats("tottime").print_stats(25)
    return stream.getvalue()


def _cpu() -> float:
    """CPU seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Carry out the order in the file that the argument names."""
    document: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps(asdict(carry_out(Order(**document)))), flush=True)


if __name__ == "__main__":
    main()
