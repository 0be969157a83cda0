"""The command line: ``rs-assets``. Its heavy parts are imported when a command needs them."""

import signal
import sys

import click

from rs_assets.cli.config import config
from rs_assets.cli.demo import demo
from rs_assets.cli.dev import dev
from rs_assets.cli.failures import failures
from rs_assets.cli.request import request, requests
from rs_assets.cli.session import session
from rs_assets.cli.simulator import simulator
from rs_assets.errors import RsAssetsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rs_assets")
def cli() -> None:
    """Keep an object store and a STAC catalogue filled from the Copernicus ground-segment stations."""


for _command in (config, demo, dev, failures, request, requests, session, simulator):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; an error that a user can mend is one message, not a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell's background job ignores interrupts, and so would all that is started from here.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        cli()
    except RsAssetsError as error:
        click.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(1)
