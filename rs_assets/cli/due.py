"""``rs-assets due``: which partitions the sensors look after next, and those that they leave alone."""

import click

from rs_assets.ingest import Platform
from rs_assets.ingest.due import due_partitions
from rs_assets.items.times import format_time, utc_now
from rs_assets.settings import load_settings
from rs_assets.state import AskedRuns


@click.group()
def due() -> None:
    """Partitions that are due, and why."""


@due.command("list")
@click.argument("station", required=False)
def list_due(station: str | None) -> None:
    """List what is due now, of one STATION or of all, and the partitions that are left alone."""
    settings = load_settings()
    platform = Platform.open(settings)
    now = utc_now()
    is_empty = True
    for entry in [settings.station(station)] if station else settings.stations:
        left = {run.partition: run for run in AskedRuns(platform.state).left_alone(entry.name)}
        for one in due_partitions(platform, entry, now):
            if one.partition not in left:
                is_empty = False
                click.echo(f"{entry.name} {one.partition}  {one.why}, since {format_time(one.since)}")
        for partition, run in left.items():
            assert run.left_at is not None
            is_empty = False
            when = format_time(run.left_at)
            click.echo(f"{entry.name} {partition}  left alone since {when}: {run.cancelled} runs were cancelled")
    if is_empty:
        click.echo("Nothing is due.")


@due.command()
@click.argument("station")
@click.argument("partitions", nargs=-1, metavar="[PARTITION]...")
def resume(station: str, partitions: tuple[str, ...]) -> None:
    """Look after partitions of a STATION again that are left alone since their runs were cancelled; all by default."""
    settings = load_settings()
    name = settings.station(station).name
    asked = AskedRuns(Platform.open(settings).state)
    left = {run.partition for run in asked.left_alone(name)}
    unknown = sorted(set(partitions) - left)
    if unknown:
        raise click.ClickException(
            f"{name}: {', '.join(unknown)} is not left alone; those are {', '.join(sorted(left)) or 'none'}"
        )
    count = asked.resume(name, partitions or None)
    click.echo(f"{count} taken up again.")
