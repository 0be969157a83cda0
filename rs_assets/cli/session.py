"""``rs-assets session``: one downlink session at a glance."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from rs_assets.items.times import format_time, utc_now
from rs_assets.items.units import MEGABYTE
from rs_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from rs_assets.sessions import Auxiliary, Channel, Glance, SessionPlace, TypeCoverage

_PLAIN_WIDTH = 200
_LABEL = 14
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@click.command()
@click.argument("session_id", metavar="SESSION_ID")
@click.option("--station", metavar="NAME", help="Look at this downlink station only.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def session(session_id: str, station: str | None, as_json: bool) -> None:
    """Show one downlink session: its chunks by channel, what it lacks, its auxiliary files, and its times.

    SESSION_ID may be a part of an id that no other session has. What is shown is what the state, the store and the
    catalogue know; no station is asked. All times are UTC.
    """
    from rs_assets.ingest import Platform
    from rs_assets.sessions import find_sessions, glance_at

    settings = load_settings()
    platform = Platform.open(settings)
    places = find_sessions(platform, session_id, station)
    if len(places) != 1:
        raise click.ClickException(_not_one(session_id, places, settings, station))
    glance = glance_at(platform, places[0], utc_now())
    if as_json:
        click.echo(json.dumps(_document(glance), indent=1, default=format_time))
    else:
        _print(glance, settings)


def _not_one(text: str, places: "list[SessionPlace]", settings: Settings, station: str | None) -> str:
    """The message where an id matches no session, or several."""
    if places:
        most = 20
        lines = [f"  {place.session_id} ({place.station.name})" for place in places[:most]]
        more = [f"  and {len(places) - most} more"] if len(places) > most else []
        same = len({place.session_id for place in places}) == 1
        how = "name the --station" if same else "give more of the id"
        return "\n".join([f"{text!r} matches {len(places)} sessions; {how}:", *lines, *more])
    from rs_assets.stations.registry import interface_of

    names = [entry.name for entry in settings.stations if interface_of(entry).has_sessions]
    return (
        f"no session has the id {text!r}, or an id that contains it. Searched: the state, the search results in "
        f"{settings.store.place} and the catalogue {settings.catalog.path}, for {station or ', '.join(names)}. "
        "Perhaps its partition has not been searched yet."
    )


def _print(glance: "Glance", settings: Settings) -> None:
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if is_terminal else _PLAIN_WIDTH)
    console.print(f"{glance.session_id}  {glance.station}", style="bold", markup=False)
    words, colour = _verdict(glance, settings)
    console.print(words, style=colour, markup=False, soft_wrap=True)
    console.print()
    for label, text in _facts(glance):
        _line(console, label, text)
    console.print()
    _tabulate(console, _chunk_table(glance, plain=not is_terminal))
    troubles = list(_troubles(glance))
    if troubles:
        console.print()
    for label, text, style in troubles:
        _line(console, label, text, style)
    console.print()
    _tabulate(console, _time_table(glance, plain=not is_terminal))
    console.print()
    for label, text, style in _auxiliary(glance.auxiliary):
        _line(console, label, text, style)


def _line(console: "Console", label: str, text: str, style: str = "") -> None:
    console.print(f"{label:<{_LABEL}}{text}", style=style, markup=False, soft_wrap=True)


def _tabulate(console: "Console", table: "Table") -> None:
    """Print a table, without blanks at the ends of its lines where no terminal shows it."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip())


def _verdict(glance: "Glance", settings: Settings) -> tuple[str, str]:
    """How the session stands, in one line, and in which colour."""
    from rs_assets.stations.registry import interface_of

    station = settings.station(glance.station)
    is_held = not interface_of(station).publishes_incomplete(station)
    whole = "COMPLETE" if glance.is_complete else "INCOMPLETE"
    if glance.is_catalogued:
        where = "in the catalogue" if glance.is_complete else "in the catalogue as far as it goes"
    else:
        where = "held back from the catalogue" if is_held and not glance.is_complete else "not in the catalogue yet"
    stored = f"{glance.in_store} of {glance.chunks} chunks in the store"
    parts = [f"{whole}, {where}", stored, f"auxiliary request {glance.auxiliary.state}{_gaps(glance.auxiliary)}"]
    stop = glance.moments.downlink_stop
    if stop is not None and stop > utc_now():
        parts.append("the downlink is running")
    if glance.problems:
        parts.append("1 problem" if len(glance.problems) == 1 else f"{len(glance.problems)} problems")
    if glance.problems or any(channel.lost for channel in glance.channels):
        return "; ".join(parts), "bold red"
    return "; ".join(parts), "bold green" if glance.is_well else "bold yellow"


def _gaps(auxiliary: "Auxiliary") -> str:
    open_types = [entry.product_type for entry in auxiliary.types if entry.covered is False]
    return f", {' and '.join(open_types)} not covered" if open_types else ""


def _facts(glance: "Glance") -> Iterator[tuple[str, str]]:
    yield "item", f"{glance.collection}/{glance.session_id}" + ("" if glance.is_catalogued else ", not catalogued")
    yield "partition", ", ".join(glance.partitions) or "unknown"
    orbit = "" if glance.orbit is None else f", orbit {glance.orbit}"
    yield "satellite", f"{glance.platform or 'unknown'}{orbit}"
    start, stop = glance.moments.downlink_start, glance.moments.downlink_stop
    if start is not None and stop is not None:
        yield "downlink", f"{_shown(start)} to {_shown(stop)} ({_length(stop - start)})"
    if glance.search_error is not None:
        yield "last search", f"failed: {glance.search_error}"
    elif glance.searched_at is not None:
        yield "last search", _shown(glance.searched_at)


def _chunk_table(glance: "Glance", *, plain: bool) -> "Table":
    table = _table(plain)
    table.add_column("channel")
    for name in ("chunks", "MB", "blocks", "final", "again", "in store", "waiting", "failed", "lost"):
        table.add_column(name, justify="right")
    for channel in glance.channels:
        table.add_row(*_cells(channel), style="red" if channel.failed or channel.lost else "")
    if not glance.channels:
        table.add_row("no chunk has been listed yet")
    return table


def _cells(channel: "Channel") -> Iterator[str]:
    yield "unknown" if channel.number is None else str(channel.number)
    yield str(channel.chunks) if channel.expected is None else f"{channel.chunks} of {channel.expected}"
    size = channel.size / MEGABYTE
    yield f"{size:.1f}" if size >= 1 else f"{size:.3f}"
    stretches = [str(first) if first == last else f"{first}-{last}" for first, last in channel.blocks]
    yield (", ".join(stretches) or "–") + (" GAP" if not channel.is_contiguous else "")
    yield "yes" if channel.has_final else "NO"
    for count in (channel.again, channel.staged, channel.waiting, channel.failed, channel.lost):
        yield str(count) if count else "–"


def _troubles(glance: "Glance") -> Iterator[tuple[str, str, str]]:
    for number, reason in enumerate(glance.missing):
        yield ("" if number else "missing"), reason, "yellow"
    if glance.next_look is not None and glance.missing:
        yield "next look", _shown(glance.next_look), ""
    for problem in glance.problems:
        when = (
            "no next try, since a retry cannot help"
            if problem.next_try is None
            else f"next try {_shown(problem.next_try)}"
        )
        tries = "1 attempt" if problem.attempts == 1 else f"{problem.attempts} attempts"
        yield problem.status, f"{problem.chunk}: {problem.reason} ({tries}, {when})", "red"
    if any(problem.next_try is None for problem in glance.problems):
        yield "", f"if it cannot be recovered: rs-assets failures accept {glance.station} FILE --why …", ""


def _time_table(glance: "Glance", *, plain: bool) -> "Table":
    """When the first and the last chunk were published, staged, catalogued, and how long after each other."""
    times = glance.moments
    table = _table(plain)
    for name in ("", "first chunk", "", "last chunk", ""):
        table.add_column(name)
    last = _after(times.last_published, times.downlink_stop, "the downlink's end")
    first = _after(times.first_published, times.downlink_start, "the downlink's start")
    table.add_row("published", _shown(times.first_published), first, _shown(times.last_published), last)
    first = _after(times.first_staged, times.first_published, "publication")
    last = _after(times.last_staged, times.last_published, "publication")
    table.add_row("staged", _shown(times.first_staged), first, _shown(times.last_staged), last)
    first = _after(times.first_catalogued, times.first_published, "publication")
    again = times.again_published
    if again is not None:
        table.add_row("came again", "", "", _shown(again), _after(again, times.downlink_stop, "the downlink's end"))
    last = _after(times.last_catalogued, again or times.last_published, "publication")
    table.add_row("catalogued", _shown(times.first_catalogued), first, _shown(times.last_catalogued), last)
    return table


def _auxiliary(auxiliary: "Auxiliary") -> Iterator[tuple[str, str, str]]:
    colours = {"answered": "", "not needed": "", "failed": "red", "rejected": "red"}
    named = f"{auxiliary.request_id} " if auxiliary.request_id else ""
    yield "auxiliary", f"{named}{auxiliary.state}: {auxiliary.message}", colours.get(auxiliary.state, "yellow")
    for entry in auxiliary.types:
        text = _coverage(entry) if auxiliary.request_id else f"{entry.product_type}: not asked for yet"
        yield "", text, "red" if entry.covered is False else ""


def _coverage(entry: "TypeCoverage") -> str:
    if entry.covered is None:
        return f"{entry.product_type}: no answer yet"
    by = ", ".join(entry.by) or "nothing"
    gaps = ", ".join(f"{_shown(start)} to {_shown(end)}" for start, end in entry.gaps)
    return f"{entry.product_type}: " + (f"covered by {by}" if entry.covered else f"NOT covered {gaps}; chosen: {by}")


def _table(plain: bool) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(box=None if plain else SIMPLE_HEAD, pad_edge=False, show_edge=False)


def _shown(moment: datetime | None) -> str:
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _after(moment: datetime | None, before: datetime | None, what: str) -> str:
    """How long one moment is after another; nothing where that is not known, or not so."""
    if moment is None or before is None or moment < before:
        return ""
    return f"{_length(moment - before)} after {what}"


def _length(length: timedelta) -> str:
    rest = round(length.total_seconds())
    parts = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _document(glance: "Glance") -> dict[str, Any]:
    return asdict(glance) | {"chunks": glance.chunks, "in_store": glance.in_store, "is_well": glance.is_well}
