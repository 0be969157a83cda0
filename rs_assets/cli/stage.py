"""``rs-assets stage``: search, stage and catalogue partitions of a station, without Dagster."""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack, aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from rs_assets.cli.choosing import chosen_partitions
from rs_assets.cli.interruption import ending_at_second, interrupted_with_status
from rs_assets.interruption import InterruptedBySignalError, run_interruptible
from rs_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from rs_assets.cli.outcome import StageOutcome
    from rs_assets.ingest import IngestOptions
    from rs_assets.stations.window import Partition

_STEPS = ("search", "stage", "publish")
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("station")
@click.argument("partitions", nargs=-1, metavar="[PARTITION]...")
@click.option("--start", type=_DAY, metavar="DATE", help="First day (UTC) of a range, e.g. 2026-11-01.")
@click.option("--end", type=_DAY, metavar="DATE", help="Last day (UTC) of the range, which belongs to it.")
@click.option("--mission", "missions", multiple=True, metavar="NAME", help="Of the range; repeatable. All by default.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Maximum number of items of a partition; the others wait for a later run.",
)
@click.option("--retries", type=click.IntRange(min=0), metavar="N", help="How often a failed request is repeated.")
@click.option(
    "--force", is_flag=True, help="Read and verify again what is there already; fetch it again where it is corrupt."
)
@click.option(
    "--only",
    "steps",
    multiple=True,
    type=click.Choice(_STEPS),
    help="Run this step alone; repeatable. The results of the other steps are read from the store.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print errors only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end.")
@interrupted_with_status()
def stage(
    station: str,
    partitions: tuple[str, ...],
    *,
    start: datetime | None,
    end: datetime | None,
    missions: tuple[str, ...],
    limit: int | None,
    retries: int | None,
    force: bool,
    steps: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Search, stage and catalogue partitions of a STATION, without Dagster.

    A PARTITION is named as in Dagster, e.g. '2026-11-01|S1', for a station of hourly windows '2026-11-01-13:00|S1'.
    A range of days takes --start and --end, both included.

    It works with the same store, catalogue, state and station limits as the assets, so both may run at once; Dagster
    does not show what was done here before it materialises the partition itself, which then costs a search.

    Exit status: 0 success, 1 a partition failed or the settings are wrong, 2 the command line is wrong, 3 files
    failed, 130 ended by Ctrl-C. The next run goes on from what is there.
    """
    if (start is None) != (end is None):
        raise click.UsageError("--start and --end go together")
    settings = load_settings()
    chosen = chosen_partitions(
        settings.station(station),
        partitions,
        first=start.date() if start else None,
        last=end.date() if end else None,
        missions=missions,
        now=datetime.now(UTC),
    )

    from rs_assets.ingest import IngestOptions, Step
    from rs_assets.ingest.staging import StagingOptions

    by_name = dict(zip(_STEPS, Step, strict=True))
    options = IngestOptions(
        frozenset(by_name[name] for name in steps or _STEPS),
        StagingOptions(limit=limit, attempts=None if retries is None else retries + 1, force=force),
    )
    outcome = _run(settings, station, chosen, options, quiet=quiet, as_json=as_json)
    if as_json:
        click.echo(json.dumps(outcome.document(), indent=1))
    elif not quiet and (len(chosen) > 1 or outcome.interrupted):
        click.echo(outcome.total())
    for line in outcome.complaints():
        click.secho(line, fg="red", err=True)
    sys.exit(outcome.exit_status)


def _run(
    settings: Settings,
    station: str,
    partitions: Sequence["Partition"],
    options: "IngestOptions",
    *,
    quiet: bool,
    as_json: bool,
) -> "StageOutcome":
    """Run the steps for the partitions, showing progress; the outcome."""
    from rs_assets.cli.outcome import StageOutcome
    from rs_assets.cli.progress import shown_progress
    from rs_assets.ingest import Platform, Tally, ingest

    platform = Platform.open(settings)
    tally = Tally(len(partitions))
    outcome = StageOutcome(platform, station, tally)

    with ExitStack() as stack:
        if not quiet:
            stack.enter_context(shown_progress(tally))

        async def work() -> None:
            async with aclosing(ingest(platform, station, partitions, options, tally)) as reports:
                async for report in reports:
                    outcome.add(report)
                    if not quiet and not as_json:
                        # Not by click, which would write to the terminal past the bar.
                        print(report, flush=True)

        def stopping() -> None:
            tally.say("stopping; finished work is kept, and a second Ctrl-C ends at once")

        try:
            run_interruptible(work(), ending_at_second(stopping))
        except InterruptedBySignalError as error:
            outcome.interrupted = error.exit_status
    return outcome
