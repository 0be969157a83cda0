"""Take a downlink session from search to catalogue, beside curl: ``python -m tests.benchmarks.session``.

Our side is a real Dagster run of a station's three assets; the peer is ``curl --parallel`` of the same chunks from the
same station. What Dagster takes for a run that finds nothing to do is subtracted, and printed. Exit status 1 where a
side failed, whatever the figures are.
"""

import argparse
from collections.abc import Sequence

from click import ClickException

from tests.benchmarks.command import benchmark_parser, rounds_of, run, write_json
from tests.benchmarks.servers import ServerError
from tests.benchmarks.session.place import downlink_session
from tests.benchmarks.session.rounds import measure, our_run
from tests.benchmarks.session.table import document, show
from tests.benchmarks.staging.measuring import PeerError
from tests.benchmarks.staging.peers import nginx_missing, program_missing
from tests.benchmarks.staging.table import Machine, screen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    options = _parser().parse_args(arguments)
    console, machine = screen(), Machine.here()
    if reason := nginx_missing() or program_missing("curl")():
        console.print(f"nothing can be measured: {reason}")
        return 0
    try:
        with downlink_session(quick=options.quick, rounds=rounds_of(options)) as session:
            console.print(f"measuring {session.recipe.text}", style="dim", highlight=False)
            if options.profile:
                console.print(our_run(session, profile=True)["profile"], markup=False, highlight=False, soft_wrap=True)
                return 0
            figures = measure(session)
            show(console, machine, session, figures)
            if options.json:
                write_json(options.json, document(machine, session, figures))
    except (PeerError, ServerError, ClickException) as error:
        console.print(f"failed: {error}", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("interrupted; everything is removed")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = benchmark_parser("tests.benchmarks.session", __doc__)
    parser.add_argument("--profile", action="store_true", help="run ours once under a profile, and print that")
    return parser


if __name__ == "__main__":
    run(main)
