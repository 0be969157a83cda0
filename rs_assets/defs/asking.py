"""Which runs a sensor asks for: those of what is due, unless one is under way, or was cancelled again and again.

What is due stays so until the state says that the work was done, whatever became of a run. So each attempt has a run
key of its own, and one that did not do its work is followed by another after a pause.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import dagster as dg

from rs_assets.defs.steps import partition_runs
from rs_assets.ingest import Platform
from rs_assets.ingest.due import Due
from rs_assets.settings import Station
from rs_assets.state import AskedRun, AskedRuns

_MOST_CANCELLED = 3
"""After so many cancelled runs of a partition one after another it is left alone."""

_ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

_CATCHING_UP = {"dagster/priority": "-1"}


def runs_of_due(
    instance: dg.DagsterInstance, platform: Platform, station: Station, due: Iterable[Due], *, now: datetime, most: int
) -> list[dg.RunRequest]:
    """At most `most` requests for runs of partitions that are due at `now` (aware UTC); each is noted as asked for."""
    asked_runs, is_active = AskedRuns(platform.state), active_partitions(instance, station)
    waiting = [one for one in due if not is_active(one.partition)]
    before = asked_runs.of(station.name, [one.partition for one in waiting]) if waiting else {}
    searched = platform.searches.of(station.name, list(before)) if before else {}
    changed: list[AskedRun] = []
    requests: list[dg.RunRequest] = []
    for one in waiting:
        if len(requests) >= most:
            break
        last = before.get(one.partition)
        if last is not None and last.left_at is not None:
            record = searched.get(one.partition)
            if record is None or record.searched_at is None or record.searched_at <= last.left_at:
                continue
            last = replace(last, cancelled=0, left_at=None)  # somebody has had it done by hand
        run = _next(instance, station, one, last, now)
        if run.left_at is None and (run.not_before is None or run.not_before <= now):
            run = replace(run, asked_at=now, not_before=None)
            tags = {} if one.is_live else _CATCHING_UP
            requests += partition_runs(station, [(one.partition, run.run_key, one.why, one.steps)], tags)
        changed.append(run)
    if changed:
        asked_runs.record(changed)
    return requests


def active_partitions(instance: dg.DagsterInstance, station: Station) -> Callable[[str], bool]:
    """Whether a run of a partition of the station, perhaps one of many partitions, is queued or running now."""
    tags = [
        run.tags
        for run in instance.get_runs(dg.RunsFilter(statuses=_ACTIVE))
        if any(key.path[0] == station.name for key in run.asset_selection or ())
    ]
    single = {of_run["dagster/partition"] for of_run in tags if "dagster/partition" in of_run}
    ranges = [of_run for of_run in tags if "dagster/asset_partition_range_start" in of_run]
    return lambda partition: partition in single or any(_covers(of_run, station, partition) for of_run in ranges)


def _next(instance: dg.DagsterInstance, station: Station, due: Due, last: AskedRun | None, now: datetime) -> AskedRun:
    """The run to be asked for next, of which nothing is queued or running."""
    if last is None:
        return AskedRun(station.name, due.partition, due.reason, now)
    if last.not_before is None:
        last = _ended(instance, station, last, now)
    if last.reason == due.reason:
        return last
    not_before = last.not_before if last.cancelled else None
    return replace(last, reason=due.reason, attempt=1, not_before=not_before)


def _ended(instance: dg.DagsterInstance, station: Station, asked: AskedRun, now: datetime) -> AskedRun:
    """What is asked for after a run that has ended, or that never came to be: then the same again."""
    records = instance.get_run_records(dg.RunsFilter(tags={"dagster/run_key": asked.run_key}), limit=1)
    if not records:
        return asked
    was_cancelled = records[0].dagster_run.status is dg.DagsterRunStatus.CANCELED
    cancelled = asked.cancelled + 1 if was_cancelled else 0
    left_at = now if cancelled >= _MOST_CANCELLED else None
    not_before = now + timedelta(seconds=station.retries.next_run_after)
    return replace(asked, attempt=asked.attempt + 1, cancelled=cancelled, not_before=not_before, left_at=left_at)


def _covers(tags: Mapping[str, str], station: Station, partition: str) -> bool:
    """Whether the range of dates and missions that the tags of a run name holds the partition."""
    first, _, low = tags.get("dagster/asset_partition_range_start", "").partition("|")
    last, _, high = tags.get("dagster/asset_partition_range_end", "").partition("|")
    date, _, mission = partition.partition("|")
    places = {name: place for place, name in enumerate(station.missions)}
    if not {low, mission, high} <= places.keys():
        return False
    return first <= date <= last and places[low] <= places[mission] <= places[high]
