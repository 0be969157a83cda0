"""``rs-assets failures``: what could not be staged or catalogued, and accepting what cannot be recovered."""

import click

from rs_assets.items.times import format_time, utc_now
from rs_assets.settings import Settings, load_settings
from rs_assets.state import IncompleteItems, Outcomes, open_state

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
    state = open_state(settings.state)
    outstanding = [failure for name in names for failure in Outcomes(state).outstanding(name)]
    overdue = [item for name in names for item in IncompleteItems(state).outstanding(name, overdue_at=utc_now())]
    for failure in outstanding:
        when = format_time(failure.next_try) if failure.next_try else "none, since a retry cannot help"
        click.echo(f"{failure.owner} {failure.partition} {failure.file.asset}")
        click.echo(f"    {failure.file.state}: {failure.file.reason}")
        click.echo(f"    {failure.file.attempts} attempts since {format_time(failure.failed_first)}; next try: {when}")
    for item in overdue:
        when = format_time(item.look_again_at) if item.look_again_at else "the station has deleted it"
        click.echo(f"{item.station} {item.partition} {item.item_id}")
        click.echo(f"    incomplete: {item.missing}")
        click.echo(f"    it should have been complete by {format_time(item.overdue_from)}; next look: {when}")
    if outstanding or overdue:
        raise SystemExit(1)
    click.echo("Nothing is outstanding.")


@failures.command()
@click.argument("station")
@click.argument("file")
@click.option("--why", required=True, help="Reason, which is kept with the failure.")
def accept(station: str, file: str, why: str) -> None:
    """Acknowledge the failures of a FILE (its name or item id, e.g. of a session) that cannot be recovered, e.g. since
    the station has evicted it, or the session will never be complete.

    The check turns green with its next evaluation; execute it in the UI, or wait for the station's next run.
    """
    settings = load_settings()
    name = _owner(settings, station)
    state = open_state(settings.state)
    count = Outcomes(state).accept(name, file, why=why, at=utc_now())
    count += IncompleteItems(state).accept(name, file, why=why)
    if not count:
        raise click.ClickException(f"{name} has no outstanding failure of {file!r}; see `rs-assets failures list`")
    click.echo(f"{count} accepted.")


def _owner(settings: Settings, name: str) -> str:
    return name if name == ON_DEMAND else settings.station(name).name
