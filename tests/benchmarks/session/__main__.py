"""Take a downlink session from search to catalogue, beside curl: ``python -m tests.benchmarks.session``.

Our side is a real Dagster run of a station's three assets; the peer is ``curl --parallel`` of the same chunks from the
same station. What Dagster takes for a run that finds nothing to do is subtracted, and printed. Exit status 1 where a
side failed, whatever the figures are.
"""

import argparse
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from click import ClickException
from rich.console import Console
from rich.table import Table

from tests.benchmarks.servers import ServerError
from tests.benchmarks.session.place import DownlinkSession, downlink_session
from tests.benchmarks.session.rounds import Rounds, measure, our_run
from tests.benchmarks.staging.measuring import PeerError
from tests.benchmarks.staging.peers import CONCURRENCY, nginx_missing, program_missing
from tests.benchmarks.staging.rows import Goal
from tests.benchmarks.staging.table import Machine, screen

GOAL = Goal(1.3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    options = _parser().parse_args(arguments)
    console, machine = screen(), Machine.here()
    if reason := nginx_missing() or program_missing("curl")():
        console.print(f"nothing can be measured: {reason}")
        return 0
    rounds = options.rounds or (1 if options.quick else 3)
    try:
        with downlink_session(quick=options.quick, rounds=rounds) as session:
            console.print(f"measuring {session.recipe.text}", style="dim", highlight=False)
            if options.profile:
                console.print(our_run(session, profile=True)["profile"], markup=False, highlight=False, soft_wrap=True)
                return 0
            figures = measure(session)
            _show(console, machine, session, figures)
            if options.json:
                text = json.dumps(_document(machine, session, figures), indent=2, ensure_ascii=False)
                options.json.write_text(f"{text}\n", encoding="utf-8")
    except (PeerError, ServerError, ClickException) as error:
        console.print(f"failed: {error}", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("interrupted; everything is removed")
        return 130
    return 0


def _show(console: Console, machine: Machine, session: DownlinkSession, rounds: Rounds) -> None:
    console.print(machine.text, highlight=False)
    table = Table("what", title=f"{session.recipe.text}: {session.bytes / 1e9:.2f} GB", title_justify="left")
    for name in ("wall s", "MB/s", "CPU s", "every round, wall s"):
        table.add_column(name, justify="right")
    wall, empty = rounds.median("wall"), rounds.median("empty_wall")
    megabytes = session.bytes / 1e6
    everywhere = [f"{one['wall']:.2f}" for one in rounds.ours]
    table.add_row(
        "Dagster run, search to catalogue",
        f"{wall:.2f}",
        f"{megabytes / wall:.0f}",
        f"{rounds.median('cpu'):.2f}",
        " ".join(everywhere),
    )
    everywhere = [f"{one['empty_wall']:.2f}" for one in rounds.ours]
    table.add_row(
        "the same run, nothing to do", f"{empty:.2f}", "", f"{rounds.median('empty_cpu'):.2f}", " ".join(everywhere)
    )
    everywhere = [f"{one['wall'] - one['empty_wall']:.2f}" for one in rounds.ours]
    table.add_row(
        "ours: the difference", f"{rounds.net:.2f}", f"{megabytes / rounds.net:.0f}", "", " ".join(everywhere)
    )
    curl = rounds.curl_wall
    everywhere = [f"{one.wall:.2f}" for one in rounds.curl]
    cpu = sorted(one.cpu for one in rounds.curl)[len(rounds.curl) // 2]
    table.add_row(
        f"curl --parallel-max {CONCURRENCY}",
        f"{curl:.2f}",
        f"{megabytes / curl:.0f}",
        f"{cpu:.2f}",
        " ".join(everywhere),
    )
    verdict = "[green]met[/]" if GOAL.met(rounds.ratio) else "[red]missed[/]"
    table.add_section()
    table.add_row("ours against curl", f"{rounds.ratio:.2f} ×", "", "", f"goal {GOAL}: {verdict}")
    console.print(table)
    console.print(f"Where the time goes: {_phases(rounds, empty=False)}", highlight=False)
    console.print(f"      nothing to do: {_phases(rounds, empty=True)}", highlight=False)
    for text in _notes(session):
        console.print(f"· {text}", highlight=False)


def _phases(rounds: Rounds, *, empty: bool) -> str:
    """Each phase with its seconds, of medians."""
    names = {
        "searched": "Dagster begins, search",
        "staged": "stage",
        "published": "manifest, publish",
        "ended": "checks, Dagster ends",
    }
    parts, before = [], 0.0
    for name, text in names.items():
        at = rounds.phase(name, empty=empty)
        parts.append(f"{text} {at - before:.2f} s")
        before = at
    return "; ".join(parts)


def _notes(session: DownlinkSession) -> list[str]:
    count = "One round" if session.ground.rounds == 1 else f"Median of {session.ground.rounds} interleaved rounds"
    return [
        f"{count}. The station: nginx on this machine, which serves the chunks' bytes from tmpfs and passes every "
        "other request on to the simulator. Sinks: tmpfs.",
        f"Ours: {CONCURRENCY} connections; a run of the three assets in a process of its own with an SQLite instance "
        "and the in-process executor; every chunk hashed (BLAKE3), counted, fsynced and published; the session judged "
        "by its QualityInfo; without interpreter start and imports.",
        "curl: the whole process; nothing is verified, and nothing searched.",
    ]


def _document(machine: Machine, session: DownlinkSession, rounds: Rounds) -> dict[str, Any]:
    ours: list[Mapping[str, Any]] = [dict(figures) for figures in rounds.ours]
    return {
        "machine": asdict(machine),
        "quick": session.ground.quick,
        "session": session.recipe.text,
        "bytes": session.bytes,
        "ours": ours,
        "curl": [asdict(one) for one in rounds.curl],
        "net": rounds.net,
        "ratio": rounds.ratio,
        "goal": str(GOAL),
        "met": GOAL.met(rounds.ratio),
    }


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.session", description=__doc__)
    parser.add_argument("--rounds", type=_positive, help="rounds; 3, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="a tiny session: whether it works, not how fast it is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round's figures there")
    parser.add_argument("--profile", action="store_true", help="run ours once under a profile, and print that")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    # So that servers end and files go when the benchmark is told to end, too.
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
