"""``rs-assets request`` and ``rs-assets requests``: ask for auxiliary files, and see what became of it."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from rs_assets.items.times import format_time
from rs_assets.locks import open_locks
from rs_assets.settings import Settings, load_settings
from rs_assets.state import RequestRecord, Requests, RequestState, open_state
from rs_assets.store import Documents, open_store

if TYPE_CHECKING:
    from rs_assets.requests import Inbox

TIMED_OUT = 4
"""Exit status where ``--wait`` has waited long enough; the request goes on."""

_EXIT_STATUS = {RequestState.ANSWERED: 0, RequestState.PARTIAL: 3, RequestState.FAILED: 1}
_POLL_S = 0.5


@click.command()
@click.option(
    "--type", "product_types", multiple=True, metavar="TYPE", help="Product type, e.g. AUX_RESORB; repeatable."
)
@click.option("--start", metavar="TIME", help="Start of the interval, with its zone, e.g. 2026-11-01T12:00:00Z.")
@click.option("--end", metavar="TIME", help="End of the interval, with its zone.")
@click.option("--policy", metavar="NAME", help="How files are chosen, e.g. LatestValCover; ValCover by default.")
@click.option("--dt0", metavar="SECONDS", help="How much the interval is widened before its start; also e.g. PT30M.")
@click.option("--dt1", metavar="SECONDS", help="How much the interval is widened after its end; also e.g. PT30M.")
@click.option(
    "--filter", "filter_file", type=click.File("rb"), help="Instead of types and interval: CQL2, JSON or text."
)
@click.option("--limit", type=int, metavar="N", help="Maximum number of items taken of those that match the filter.")
@click.option("--sortby", metavar="PROPERTY", help="Property that orders the items before the limit, e.g. -created.")
@click.option("--mission", metavar="NAME", help="Only products of this mission, e.g. S1.")
@click.option("--satellite", metavar="NAME", help="Only products that are valid for this satellite, e.g. S1A.")
@click.option("--source", metavar="NAME", help="A station, or `catalog`; by default the only station.")
@click.option("--collection", metavar="NAME", help="The catalogue's collection; by default the station's own.")
@click.option("--asset", "selected_assets", multiple=True, metavar="KEY", help="Only these assets; repeatable.")
@click.option("--priority", type=int, metavar="N", help="-100 to 100; the highest is answered first. 0 by default.")
@click.option("--requester", metavar="NAME", help="Who asks.")
@click.option("--search-timeout", type=float, metavar="SECONDS", help="How long the search may take.")
@click.option("--error-if-empty", is_flag=True, default=None, help="Finding nothing is a failure.")
@click.option("--id", "request_id", metavar="ID", help="The request's id; by default a new one.")
@click.option("--wait", is_flag=True, help="Wait for the answer, and print its items instead of the id.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="How long to wait; without limit by default."
)
def request(
    filter_file: BinaryIO | None, request_id: str | None, wait: bool, timeout: float | None, **asked: Any
) -> None:
    """Ask for every auxiliary file of some types that an interval needs, or for the items that match a filter.

    The request is filed in the store's inbox, from which the sensor of the running installation takes it. Prints the
    request's id; with --wait the answer, a STAC ItemCollection, and on standard error what became of it.

    Exit status with --wait: 0 answered, 3 answered in part, 1 failed, 4 not yet ended.
    """
    from rs_assets.requests import Inbox, parse_request

    if timeout is not None and not wait:
        raise click.UsageError("--timeout goes with --wait")
    settings = load_settings()
    document = {name: value for name, value in asked.items() if value is not None and value != ()}
    document["source"] = asked["source"] or _only_station(settings)
    document |= {margin: _duration(document[margin]) for margin in ("dt0", "dt1") if margin in document}
    if filter_file is not None:
        document["filter"] = _text(filter_file)
    inbox = Inbox(open_store(settings.store, open_locks(settings.state)).documents)
    filed = inbox.file(parse_request(document).checked_against(settings), request_id)
    click.echo(filed, err=wait)
    if wait:
        raise SystemExit(_answer(settings, inbox, filed, timeout))


@click.group(invoke_without_command=True)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in RequestState]),
    help="Only those of this state; repeatable.",
)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Maximum number listed.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def requests(context: click.Context, states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List the requests that were accepted, the newest first: how far they have come, and where the answers are."""
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    chosen = [RequestState(state) for state in states] or None
    records = Requests(open_state(settings.state)).listed(chosen, limit)
    documents = open_store(settings.store).documents
    if as_json:
        click.echo(json.dumps([_document(record, documents) for record in records], indent=1, default=format_time))
        return
    for record in records:
        for line in _lines(record, documents):
            click.echo(line)
    if not records:
        click.echo("No requests in this state." if states else "No requests.")


@requests.command()
@click.argument("request_id", metavar="ID")
def retry(request_id: str) -> None:
    """Queue a failed request again."""
    from rs_assets.ingest import Platform
    from rs_assets.requests import retry as send_back

    send_back(Platform.open(load_settings()), request_id)
    click.echo(f"{request_id} is queued again.")


def _only_station(settings: Settings) -> str:
    if len(settings.stations) == 1:
        return settings.stations[0].name
    names = ", ".join(station.name for station in settings.stations)
    raise click.UsageError(f"name the --source: a station ({names or 'there is none'}), or catalog")


def _duration(text: str) -> float | str:
    """Seconds, or the text for the model to read."""
    try:
        return float(text)
    except ValueError:
        return text


def _text(file: BinaryIO) -> str:
    try:
        return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"the filter is not text in UTF-8: {error.reason}", param_hint="--filter") from error


def _answer(settings: Settings, inbox: "Inbox", request_id: str, timeout: float | None) -> int:
    """Wait for the request's end and print its answer; the exit status."""
    from rs_assets.requests.results import items_path

    record = _end_of(request_id, inbox, Requests(open_state(settings.state)), timeout)
    if record is None:
        click.secho(f"{request_id} has not ended yet; see `rs-assets requests`", fg="yellow", err=True)
        return TIMED_OUT
    items = open_store(settings.store).documents.read_bytes(items_path(request_id))
    if items is not None:
        click.echo(items)
    status = _EXIT_STATUS[record.state]
    click.secho(f"{record.state.value}: {record.message}", fg="red" if status else "green", err=True)
    return status


def _end_of(request_id: str, inbox: "Inbox", state: Requests, timeout: float | None) -> RequestRecord | None:
    """The record of the request when it has ended; None if that takes longer than `timeout` seconds."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        rejection = inbox.rejection(request_id)
        record = state.known([request_id]).get(request_id)
        if record is not None and record.state.is_ended:
            return record
        if record is None and rejection is not None:
            raise click.ClickException(f"{request_id} was rejected: {rejection}")
        left = _POLL_S if deadline is None else deadline - time.monotonic()
        if left <= 0:
            return None
        time.sleep(min(_POLL_S, left))


def _lines(record: RequestRecord, documents: Documents) -> Iterator[str]:
    asker = f" for {record.requester}" if record.requester else ""
    yield f"{record.id} {record.state.value}{asker}, from {record.source}, priority {record.priority}"
    times = [("submitted", record.submitted_at), ("started", record.started_at), ("ended", record.ended_at)]
    line = ", ".join(f"{what} {format_time(moment)}" for what, moment in times if moment is not None)
    yield f"    {line}" + (f", attempt {record.attempt}" if record.attempt > 1 else "")
    if record.state.is_ended:
        yield "    " + ", ".join(f"{count} {what}" for what, count in asdict(record.counts).items())
        yield f"    {record.message}"
    url = _answer_url(record.id, documents)
    if url is not None:
        yield f"    {url}"


def _document(record: RequestRecord, documents: Documents) -> dict[str, Any]:
    return asdict(record) | {"items": _answer_url(record.id, documents)}


def _answer_url(request_id: str, documents: Documents) -> str | None:
    from rs_assets.requests.results import items_path

    path = items_path(request_id)
    return None if documents.size(path) is None else documents.url(path)
