"""``rs-assets demo``: the last days of three missions, from simulated stations to the catalogue."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rs_assets.cli.demo_archive import DemoArchive
from rs_assets.cli.home import prepare_home
from rs_assets.cli.processes import start_simulator
from rs_assets.cli.sizes import size_in_bytes
from rs_assets.settings import CONFIG_VARIABLE, DEMO_SETTINGS, Settings, Station, load_settings

if TYPE_CHECKING:
    from rs_assets.ingest import Tally
    from rs_assets.stations.window import Partition


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="DAGSTER_HOME; by default ./dagster_home.")
@click.option(
    "--chunk-size",
    type=size_in_bytes,
    metavar="SIZE",
    help="Size of the sessions' chunks, e.g. 20MB; real ones have 314571600 bytes. Small by default, or what the "
    "home was filled with before. Large ones are fewer, which is said.",
)
def demo(home: Path | None, chunk_size: int | None) -> None:
    """Stage and catalogue the last three whole days of S1, S2 and S3: the auxiliary files of one station and the
    downlink sessions of two, all of them simulated here.

    Everything is kept below DAGSTER_HOME: the runs, which the Dagster UI shows, the store, the catalogue and the
    state. A second demo finds all of it and stages nothing.
    """
    os.environ[CONFIG_VARIABLE] = str(DEMO_SETTINGS)
    click.echo("Preparing…", err=True)
    from rs_assets.cli.demo_tables import print_findings, print_places
    from rs_assets.cli.progress import shown_progress
    from rs_assets.ingest import Platform, Tally

    directory = prepare_home(home)
    archive = DemoArchive.of_home(directory, chunk_size)
    archive.require_room(directory)
    if archive.abridged:
        click.echo(archive.abridged)
    partitions = {station.name: _last_days(station, archive) for station in load_settings().stations}
    problems = []
    tally = Tally(sum(map(len, partitions.values())))
    with shown_progress(tally):
        tally.say("starting the simulated stations")
        process, url = start_simulator(*archive.simulator_arguments)
        with process:
            tally.say(f"the simulated stations listen at {url}")
            settings = load_settings()
            for name, chosen in partitions.items():
                tally.say(name)
                if problem := _materialize(settings, name, chosen, tally):
                    problems.append(problem)
    platform = Platform.open(settings)
    failed = print_findings(platform, partitions)
    [first, *_] = settings.stations
    print_places(platform, first.collection_of(first.missions[0]))
    if failed and not problems:
        problems.append(f"{failed} files could not be staged; see `rs-assets failures list`")
    for problem in problems:
        click.secho(problem, fg="red", err=True)
    sys.exit(bool(problems))


def _last_days(station: Station, archive: DemoArchive) -> list["Partition"]:
    """The last whole days (UTC), oldest first, times the missions."""
    from rs_assets.stations.registry import interface_of
    from rs_assets.stations.window import Partition

    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=back) for back in range(archive.days, 0, -1)]
    has_sessions = interface_of(station).has_sessions
    missions = station.missions[:1] if has_sessions and not archive.every_mission else station.missions
    return [Partition.at(day, station.window, mission) for day in days for mission in missions]


def _materialize(settings: Settings, station: str, partitions: Sequence["Partition"], tally: "Tally") -> str | None:
    """Materialise a station's partitions in one run of the persistent instance; why it failed, or None."""
    from dagster import DagsterInstance

    from rs_assets.defs.location import code_location
    from rs_assets.defs.steps import asset_keys

    with DagsterInstance.get() as instance:
        defs = code_location(settings, progress=lambda *_: tally)
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=asset_keys(station),
            tags={
                "dagster/asset_partition_range_start": partitions[0].key,
                "dagster/asset_partition_range_end": partitions[-1].key,
            },
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
    for event in result.get_step_failure_events() if not result.success else ():
        failure = event.step_failure_data.user_failure_data
        return (failure.description if failure else None) or event.message
    return None if result.success else f"the run {result.run_id} failed"
