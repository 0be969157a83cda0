"""Compare byte moving with its peers: ``python -m tests.benchmarks.staging``.

Prints one table: ours and the peer, measured in turn against an nginx on this machine, and whether the goal is met.
What is not installed is said and left out. Exit status 1 where a side failed, whatever the figures are.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.benchmarks.command import benchmark_parser, rounds_of, run, write_json
from tests.benchmarks.servers import ServerError
from tests.benchmarks.staging.ground import Ground
from tests.benchmarks.staging.measuring import PeerError
from tests.benchmarks.staging.peers import nginx_missing
from tests.benchmarks.staging.rows import Line, Row, profile, rows
from tests.benchmarks.staging.table import Machine, document, screen, show


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    options = _parser().parse_args(arguments)
    console, machine = screen(), Machine.here()
    everything = rows(quick=options.quick)
    unknown = {*options.only, *filter(None, [options.profile])} - {row.name for row in everything}
    if unknown:
        console.print(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(r.name for r in everything)}")
        return 2
    if reason := nginx_missing():
        console.print(f"nothing can be measured: {reason}")
        return 0
    try:
        with Ground(quick=options.quick, rounds=rounds_of(options), disk=options.disk) as it:
            if options.profile:
                return _profile(console, it, next(row for row in everything if row.name == options.profile))
            lines = measure(console, it, [row for row in everything if not options.only or row.name in options.only])
            show(console, machine, it, lines)
            if options.json:
                write_json(options.json, document(machine, it, lines))
    except KeyboardInterrupt:
        console.print("interrupted; everything is removed")
        return 130
    return int(any(line.failed for line in lines))


def measure(console: Console, ground: Ground, wanted: Sequence[Row]) -> list[Line]:
    """Measure rows, each with a figure or a reason; a workload is removed after the last row that needs it."""
    lines: list[Line] = []
    for index, row in enumerate(wanted):
        console.print(f"{index + 1}/{len(wanted)} {row.name}: {row.text}", style="dim", highlight=False)
        lines.append(_line(ground, row))
        if all(later.workload != row.workload for later in wanted[index + 1 :]):
            ground.forget(row.workload)
    return lines


def _line(ground: Ground, row: Row) -> Line:
    if reason := row.missing(ground):
        return Line(row, reason=reason)
    try:
        return Line(row, row.measure(ground))
    except (PeerError, ServerError) as error:
        return Line(row, reason=str(error), failed=True)


def _profile(console: Console, ground: Ground, row: Row) -> int:
    if reason := row.missing(ground):
        console.print(f"{row.name}: {reason}")
        return 1
    try:
        console.print(profile(ground, row), highlight=False, markup=False, soft_wrap=True)
    except (PeerError, ServerError) as error:
        console.print(f"{row.name}: {error}", markup=False)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = benchmark_parser("tests.benchmarks.staging", __doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="rows to measure; all by default")
    parser.add_argument("--disk", type=Path, default=Path(), metavar="DIR", help="where the sinks on disk are made")
    parser.add_argument("--profile", metavar="NAME", help="run our side of one row under a profile of its CPU time")
    return parser


if __name__ == "__main__":
    run(main)
