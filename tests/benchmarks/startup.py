"""What a start of the command line costs: ``python -m tests.benchmarks.startup``.

Prints the median CPU seconds (user and system) of ``rs-assets stage --help``, and of a whole ``rs-assets stage`` of a
window in which the simulated station has nothing, so that settings, state, store, catalogue and station are opened and
asked. Beside them stands the peer: an interpreter that imports what any program of this kind stands on.
"""

import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.command import benchmark_parser, rounds_of, run, write_json
from tests.benchmarks.staging.measuring import PeerError, run_checked
from tests.platform import PASSWORD, PASSWORD_VARIABLE, settings_text
from tests.servers import simulated_stations

GOAL_S = 0.5
"""CPU seconds of a whole start."""

_COMMAND = "import sys; sys.argv[0] = 'rs-assets'; from rs_assets.cli import main; main()"
_PEER = "import httpx, pydantic, pystac, sqlalchemy"
_EMPTY_PARTITION = "1990-01-01|S1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    options = benchmark_parser("tests.benchmarks.startup", __doc__).parse_args(arguments)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="rs-start-") as directory, simulated_stations() as url:
        home = Path(directory)
        settings = home / "settings.yaml"
        settings.write_text(settings_text(url, start="1990-01-01"), encoding="utf-8")
        variables = {"RS_ASSETS_CONFIG": str(settings), "DAGSTER_HOME": str(home), PASSWORD_VARIABLE: PASSWORD}
        sides = {
            _PEER: ["-c", _PEER],
            "rs-assets stage --help": ["-c", _COMMAND, "stage", "--help"],
            "rs-assets stage of an empty window": ["-c", _COMMAND, "stage", "adgs", _EMPTY_PARTITION],
        }
        try:
            seconds = _measured(sides, home, rounds_of(options), variables)
        except PeerError as error:
            console.print(f"failed: {error}", markup=False)
            return 1
    console.print(_table(seconds))
    if options.json:
        write_json(options.json, {"cpu_seconds": seconds})
    console.print(f"goal of a whole start: {GOAL_S:g} s of CPU", highlight=False)
    return 0


def _measured(
    sides: Mapping[str, Sequence[str]], scratch: Path, rounds: int, variables: Mapping[str, str]
) -> dict[str, float]:
    """The median CPU seconds of each side, measured in turn after a round that is not counted."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, arguments in sides.items():
            ended = run_checked([sys.executable, *arguments], scratch, variables=variables)
            if number:
                found[name].append(ended.cpu)
    return {name: statistics.median(values) for name, values in found.items()}


def _table(seconds: dict[str, float]) -> Table:
    table = Table(box=None)
    table.add_column("start")
    table.add_column("CPU s", justify="right")
    table.add_column("ratio to the peer", justify="right")
    for name, value in seconds.items():
        table.add_row(name, f"{value:.2f}", f"{value / seconds[_PEER]:.2f}")
    return table


if __name__ == "__main__":
    run(main)
