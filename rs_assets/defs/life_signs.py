"""Noticing runs whose process was killed, which Dagster would show as running for ever.

A run of ours gives a sign of life every few seconds. One that has fallen silent is reported as failed, so that its
partitions turn red, its place in the queue is free, and what it had begun is taken up again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import dagster as dg

from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.state import Heartbeats

INTERVAL_S = 5.0
"""How often a run gives a sign of life."""

_SILENCE = timedelta(seconds=45)
"""How long a run may be silent before it counts as killed; nine signs long, so that a busy machine is no murderer."""


def life_sign(platform: Platform, context: dg.AssetExecutionContext) -> Callable[[], None]:
    """What a run calls while it works."""
    run_id = context.run.run_id
    signs = Heartbeats(platform.state)
    return lambda: signs.beat(run_id, utc_now())


def fail_killed_runs(instance: dg.DagsterInstance, platform: Platform, now: datetime) -> list[str]:
    """Report the runs that have fallen silent as failed; their ids."""
    signs = Heartbeats(platform.state)
    silent = signs.silent_since(now - _SILENCE)
    killed = []
    for run_id in silent:
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            message = f"its process was killed: it has given no sign of life for {_SILENCE.total_seconds():.0f} s"
            instance.report_run_failed(run, message)
            killed.append(run_id)
    signs.forget(silent)
    return killed
