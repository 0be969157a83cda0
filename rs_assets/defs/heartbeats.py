"""Noticing runs whose process was killed, which Dagster would show as running without end.

A run of ours records a heartbeat every few seconds. One that has missed too many is reported as failed, so that its
partitions turn red, its place in the queue is free, and what it had begun is taken up again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import dagster as dg

from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.state import Heartbeats

INTERVAL_S = 5.0
"""How often a run records a heartbeat."""

_SILENCE = timedelta(seconds=45)
"""Nine missed heartbeats, so that a slow host is not mistaken for a dead run."""


def heartbeat(platform: Platform, context: dg.AssetExecutionContext) -> Callable[[], None]:
    """What a run calls while it works."""
    run_id = context.run.run_id
    heartbeats = Heartbeats(platform.state)
    return lambda: heartbeats.beat(run_id, utc_now())


def fail_dead_runs(instance: dg.DagsterInstance, platform: Platform, now: datetime) -> list[str]:
    """Report the runs without a recent heartbeat as failed; their ids."""
    heartbeats = Heartbeats(platform.state)
    silent = heartbeats.silent_since(now - _SILENCE)
    dead = []
    for run_id in silent:
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            message = f"its process is dead: no heartbeat for {_SILENCE.total_seconds():.0f} s"
            instance.report_run_failed(run, message)
            dead.append(run_id)
    heartbeats.forget(silent)
    return dead
