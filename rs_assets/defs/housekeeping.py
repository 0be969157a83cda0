"""The daily job that removes what has ended long ago."""

from datetime import datetime, timedelta

import dagster as dg

from rs_assets.defs.on_demand import PARTITIONS
from rs_assets.defs.running import readable_failures
from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.state import Requests
from rs_assets.upkeep import keep_house

_KEEP_PARTITIONS = timedelta(days=30)
"""How long the partition of an ended request stays; what is known of it stays longer."""
_MOST_RUNS = 500
"""Runs that one job removes; each holds a file of its own."""


@dg.op(
    description="Removes what has ended longer ago than the settings keep it (`retention`), and reports what it was."
)
def keep_the_house(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
    """Remove rows, documents, partitions of requests, and runs."""
    now = utc_now()
    with readable_failures():
        removed = keep_house(platform, now)
    removed["request_partitions"] = _forget_request_partitions(context.instance, platform, now)
    if platform.settings.retention.runs is not None:
        removed["runs"] = _remove_runs(context.instance, now - platform.settings.retention.runs)
    context.add_output_metadata({what: dg.MetadataValue.int(count) for what, count in removed.items()})
    context.log.info(
        "removed: " + (", ".join(f"{count} {what}" for what, count in removed.items() if count) or "nothing")
    )


@dg.job(description="Removes operational facts that are older than the settings' `retention`.")
def housekeeping() -> None:
    """Keep the house."""
    keep_the_house()


HOUSEKEEPING = dg.ScheduleDefinition(
    job=housekeeping,
    cron_schedule="17 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night.",
)


def _forget_request_partitions(instance: dg.DagsterInstance, platform: Platform, now: datetime) -> int:
    """Take the partitions of requests away that ended long ago; how many there were."""
    keys = instance.get_dynamic_partitions(PARTITIONS)
    known = Requests(platform.state).known(keys)
    old = [
        key
        for key in keys
        if key not in known or ((ended := known[key].ended_at) is not None and ended < now - _KEEP_PARTITIONS)
    ]
    for key in old:
        instance.delete_dynamic_partition(PARTITIONS, key)
    return len(old)


def _remove_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Remove the runs that were made before a time and have ended, the oldest first; how many there were."""
    ended = [status for status in dg.DagsterRunStatus if status in _ENDED]
    records = instance.get_run_records(
        dg.RunsFilter(statuses=ended, created_before=before), limit=_MOST_RUNS, ascending=True
    )
    for record in records:
        instance.delete_run(record.dagster_run.run_id)
    return len(records)


_ENDED = frozenset({dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED})
