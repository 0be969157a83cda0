"""``rs-assets config``: check and describe the settings."""

import json
from pathlib import Path

import click

from rs_assets.errors import RsAssetsError
from rs_assets.settings import (
    InvalidSettingsError,
    NoAuthentication,
    Settings,
    Station,
    default_path,
    load_settings,
)


@click.group()
def config() -> None:
    """Check and describe the settings (RS_ASSETS_CONFIG; the packaged demo settings by default)."""


@config.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
def check(file: Path | None) -> None:
    """Say what is wrong in the settings, at which line and key, and what is expected.

    Settings that are right are compared with what is stored: a station that is called otherwise, windows of another
    length, missions or a start that have changed, files in another place. It says what that means, and what to do.
    """
    path = file or default_path()
    try:
        settings = load_settings(path)
    except InvalidSettingsError as error:
        count = len(error.problems)
        click.secho(f"{path}: {count} {'problem' if count == 1 else 'problems'}", fg="red", err=True)
        for problem in error.problems:
            place = f"line {problem.line}" + (f", {problem.key}" if problem.key else "")
            click.echo(f"  {place}: {problem.message}", err=True)
        raise SystemExit(1) from None
    click.secho(f"{path}: OK", fg="green")
    click.echo(f"  store    {settings.store.place}")
    click.echo(f"  catalog  {settings.catalog.path}")
    click.echo(f"  state    {settings.state.url}")
    for station in settings.stations:
        click.echo(f"  station  {_line(station)}")
    _compare(settings)


@config.command()
def schema() -> None:
    """Print the JSON Schema of the settings."""
    click.echo(json.dumps(Settings.model_json_schema(), indent=2))


def _compare(settings: Settings) -> None:
    """Say what is stored that the settings do not lead to."""
    file = settings.state.sqlite_path
    if file is not None and not file.exists() and not settings.catalog.path.exists():
        return
    from rs_assets.ingest import Platform
    from rs_assets.upkeep import differences

    try:
        platform = Platform.open(settings)
        needed = [platform.state.upgrade_needed(), platform.catalog.upgrade_needed()]
        if all(each.present is None for each in needed):
            return
        if any(each.missing for each in needed):
            sentences = ["state or catalogue are of an earlier version, and are compared after `rs-assets upgrade`"]
        else:
            sentences = differences(platform)
    except RsAssetsError as error:
        sentences = [f"what is stored cannot be compared: {error}"]
    for sentence in sentences:
        click.secho(f"  note     {sentence}", fg="yellow")


def _line(station: Station) -> str:
    windows = f"{station.window.value} × {', '.join(station.missions)} since {station.start}"
    access = "" if isinstance(station.authentication, NoAuthentication) else f", {station.authentication.kind}"
    return f"{station.name} ({station.interface} at {station.url}{access}): {windows}"
