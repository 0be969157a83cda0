"""``rs-assets demo``: three days of three missions, from a simulated station to the catalogue."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rs_assets.cli.home import prepare_home
from rs_assets.cli.processes import start_simulator
from rs_assets.errors import RsAssetsError
from rs_assets.settings import CONFIG_VARIABLE, DEMO_SETTINGS, Settings, load_settings

if TYPE_CHECKING:
    from rs_assets.ingest import Platform
    from rs_assets.ingest.progress import Progress
    from rs_assets.stations.window import Partition

STATION = "adgs"
_DAYS = 3
_MEGABYTE = 1e6


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="DAGSTER_HOME; by default ./dagster_home.")
def demo(home: Path | None) -> None:
    """Stage and catalogue the last three whole days of S1, S2 and S3, from a station that is simulated here.

    Everything is kept below DAGSTER_HOME: the runs, which the Dagster UI shows, the store, the catalogue and the
    state. A second demo finds all of it and stages nothing.
    """
    os.environ[CONFIG_VARIABLE] = str(DEMO_SETTINGS)
    click.echo("Preparing…", err=True)
    from rs_assets.cli.bar import IngestProgress
    from rs_assets.ingest import Platform, Tally

    with IngestProgress(Tally(_DAYS * len(load_settings().station(STATION).missions))) as progress:
        progress.say("preparing DAGSTER_HOME")
        prepare_home(home)
        progress.say("starting the simulated station")
        process, url = start_simulator()
        with process:
            progress.say(f"the simulated station listens at {url}/auxip")
            settings = load_settings()
            partitions = _last_days(settings)
            problem = _materialize(settings, partitions, progress)
    platform = Platform.open(settings)
    failed = _print_table(platform, partitions)
    _print_places(platform, partitions)
    if problem or failed:
        click.secho(problem or f"{failed} files could not be staged; see `rs-assets failures list`", fg="red", err=True)
        sys.exit(1)


def _last_days(settings: Settings) -> list["Partition"]:
    """The last three whole days (UTC), oldest first, times the missions."""
    from rs_assets.stations.window import Partition

    station = settings.station(STATION)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=back) for back in range(_DAYS, 0, -1)]
    return [Partition.at(day, station.window, mission) for day in days for mission in station.missions]


def _materialize(settings: Settings, partitions: Sequence["Partition"], progress: "Progress") -> str | None:
    """Materialise the partitions in one run of the persistent instance; why it failed, or None."""
    from dagster import DagsterInstance

    from rs_assets.defs.location import code_location
    from rs_assets.defs.recording import asset_key
    from rs_assets.ingest import Step

    with DagsterInstance.get() as instance:
        defs = code_location(settings, progress=lambda *_: progress)
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[asset_key(STATION, step) for step in Step],
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


def _print_table(platform: "Platform", partitions: Sequence["Partition"]) -> int:
    """Print what there is of each partition; how many files are missing."""
    from rich.console import Console
    from rich.table import Table

    from rs_assets.ingest.manifest import FileStatus
    from rs_assets.ingest.publishing import kept_manifest
    from rs_assets.ingest.searching import kept_results

    station = platform.settings.station(STATION)
    table = Table("day", "mission", title=None)
    for name in ("found", "staged", "verified MB", "failed", "catalogued"):
        table.add_column(name, justify="right")
    staged = failed = 0
    for partition in partitions:
        try:
            results = kept_results(platform, station, partition)
            manifest = kept_manifest(platform, station, partition)
        except RsAssetsError as error:
            table.add_row(partition.window_key, partition.mission, "–", "–", "–", "–", str(error))
            failed += 1
            continue
        staged += manifest.count(FileStatus.STAGED)
        failed += len(manifest.failures)
        published = platform.catalog.existing(manifest.collection, {item.id for item in results.items})
        table.add_row(
            partition.window_key,
            partition.mission,
            str(len(results.items)),
            str(manifest.count(FileStatus.STAGED)),
            f"{manifest.verified_bytes / _MEGABYTE:.1f}",
            str(len(manifest.failures)),
            str(len(published)),
        )
    Console().print(table)
    if not staged and not failed:
        click.echo("Nothing was staged: the catalogue has every file already.")
    return failed


def _print_places(platform: "Platform", partitions: Sequence["Partition"]) -> None:
    settings = platform.settings
    collection = settings.station(STATION).collection_of(partitions[0].mission)
    click.echo(
        f"""
Files           {settings.store.place}
Search results  {settings.store.place}/search_results/{STATION}/
Catalogue       {settings.catalog.path}

Look at it in the Dagster UI:

{Path(sys.argv[0])} dev

Read the catalogue back with pystac:

{sys.executable} - <<'END'
from rs_assets.catalog import open_catalog
for item in open_catalog("{settings.catalog.path}").search(collections=["{collection}"], limit=3):
    print(item.id, *(asset.href for asset in item.assets.values()))  # each item is a pystac.Item
END"""
    )
