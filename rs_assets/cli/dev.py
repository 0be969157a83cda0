"""``rs-assets dev``: the simulator and `dagster dev` together, on the same settings and state."""

import os
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import click

from rs_assets.cli.demo_archive import DemoArchive
from rs_assets.cli.home import prepare_home
from rs_assets.cli.processes import Process, start_simulator, workspace_arguments
from rs_assets.settings import DEMO_SETTINGS, default_path, load_settings

_SIMULATOR_PORT = 8127


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the Dagster UI.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that the Dagster UI listens on.")
@click.option(
    "--simulator/--no-simulator",
    default=None,
    help="Start the simulator, too; by default with the demo settings only.",
)
@click.option("--home", type=click.Path(path_type=Path), help="DAGSTER_HOME; by default ./dagster_home.")
def dev(port: int, host: str, simulator: bool | None, home: Path | None) -> None:
    """Start the Dagster UI and daemon, and the simulated stations; Ctrl-C or SIGTERM ends them all."""
    if not _is_free(host, port):
        raise click.ClickException(f"port {port} of {host} is in use; choose another with --port")
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    directory = prepare_home(home)
    with ExitStack() as stack:
        children = []
        if simulator if simulator is not None else default_path() == DEMO_SETTINGS:
            archive = DemoArchive.of_home(directory)
            free = _SIMULATOR_PORT if _is_free("127.0.0.1", _SIMULATOR_PORT) else 0
            process, _ = start_simulator(*archive.simulator_arguments, port=free)
            children.append(stack.enter_context(process))
            for station in load_settings().stations:
                click.echo(f"Simulated station  {station.url}")
        settings = load_settings()
        workspace = workspace_arguments(directory.parent)
        command = [sys.executable, "-m", "dagster", "dev", *workspace, "-h", host, "-p", str(port)]
        children.append(stack.enter_context(Process("dagster dev", command)))
        click.echo(f"Dagster UI         http://{host}:{port}/")
        click.echo(f"Store              {settings.store.place}")
        click.echo(f"Settings           {default_path()}")
        click.echo("Ctrl-C ends all of them.")
        while not stopping.wait(0.2):
            for child in children:
                if child.exit_status is not None:
                    raise click.ClickException(f"{child.name} has ended with status {child.exit_status}")
        click.echo("Ending…")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
