"""The figures of a whole session: as a table, and as a document."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.session.place import DownlinkSession
from tests.benchmarks.session.rounds import Rounds
from tests.benchmarks.staging.peers import CONCURRENCY
from tests.benchmarks.staging.rows import Goal
from tests.benchmarks.staging.table import Machine

GOAL = Goal(1.3)
"""Ours against curl's wall time."""


def show(console: Console, machine: Machine, session: DownlinkSession, rounds: Rounds) -> None:
    """Print the table, where the time goes, and what was compared."""
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


def document(machine: Machine, session: DownlinkSession, rounds: Rounds) -> dict[str, Any]:
    """Every round's figures, and the verdict."""
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
