"""``rs-assets failures``: what could not be staged or catalogued, and accepting what nobody can mend."""

import click

from rs_assets.items.times import format_time, utc_now
from rs_assets.settings import Settings, load_settings
from rs_assets.state import Outcomes, StateDatabase

ON_DEMAND = "on_demand"
"""Under which name the failures of on-demand requests are kept."""


@click.group()
def failures() -> None:
    """Files that could not be staged or catalogued."""


@failures.command("list")
@click.argument("station", required=False)
def list_failures(station: str | None) -> None:
    """List what is outstanding, of one STATION (or `on_demand`) or of all; the exit status is 1 if there is any."""
    settings = load_settings()
    names = [_owner(settings, station)] if station else [*(entry.name for entry in settings.stations), ON_DEMAND]
    outcomes = Outcomes(StateDatabase(settings.state.url))
    outstanding = [failure for name in names for failure in outcomes.outstanding(name)]
    for failure in outstanding:
        when = format_time(failure.next_try) if failure.next_try else "trying again cannot help"
        click.echo(f"{failure.station} {failure.partition} {failure.asset}")
        click.echo(f"    {failure.status}: {failure.reason}")
        click.echo(f"    {failure.attempts} attempts since {format_time(failure.failed_first)}; next try: {when}")
    if outstanding:
        raise SystemExit(1)
    click.echo("Nothing is outstanding.")


@failures.command()
@click.argument("station")
@click.argument("file")
@click.option("--why", required=True, help="Kept with the failure, for those who ask later.")
def accept(station: str, file: str, why: str) -> None:
    """Take the failures of a FILE (its name or item id) as settled, e.g. for one that the station has evicted.

    The check turns green with its next evaluation; execute it in the UI, or wait for the station's next run.
    """
    settings = load_settings()
    name = _owner(settings, station)
    count = Outcomes(StateDatabase(settings.state.url)).accept(name, file, why=why, at=utc_now())
    if not count:
        raise click.ClickException(f"{name} has no outstanding failure of {file!r}; see `rs-assets failures list`")
    click.echo(f"{count} accepted.")


def _owner(settings: Settings, name: str) -> str:
    return name if name == ON_DEMAND else settings.station(name).name
