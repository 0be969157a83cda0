"""The command line: ``rs-assets``. A command, with all that it needs, is imported when it is called."""

import signal
import sys
from importlib import import_module

import click

from rs_assets.errors import RsAssetsError

_MODULES = {
    "config": "config",
    "demo": "demo",
    "dev": "dev",
    "due": "due",
    "failures": "failures",
    "housekeeping": "housekeeping",
    "rebuild": "rebuild",
    "relocate": "relocate",
    "rename-station": "rename_station",
    "request": "request",
    "requests": "request",
    "search": "search",
    "session": "session",
    "simulator": "simulator",
    "stage": "stage",
    "upgrade": "upgrade",
}
"""Where each command is, by its name."""


class _LazyGroup(click.Group):
    """Imports a command when it is called, or its help is shown."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as click calls it
        if cmd_name not in _MODULES:
            return None
        command = getattr(import_module(f"rs_assets.cli.{_MODULES[cmd_name]}"), cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rs_assets")
def cli() -> None:
    """Keep an object store and a STAC catalogue filled from the Copernicus ground-segment stations."""


def main() -> None:
    """Run the command line; an error that a user can fix is one message, not a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell's background job ignores interrupts, and so would all that is started from here.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        cli()
    except RsAssetsError as error:
        click.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(1)
