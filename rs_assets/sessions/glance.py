"""One session at a glance: its chunks, what it lacks, its auxiliary files, and how fast it all went."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pystac import Item

from rs_assets.errors import RsAssetsError
from rs_assets.ingest import Platform
from rs_assets.ingest.search_results import EVICTED, SearchResults
from rs_assets.items.completeness import is_complete, missing_from
from rs_assets.items.files import FileState
from rs_assets.items.growth import joined
from rs_assets.items.identity import object_key, source_id
from rs_assets.items.times import parse_time
from rs_assets.sessions.auxiliary import Auxiliary, auxiliary_of
from rs_assets.sessions.channels import Channel, ChunkState, channels_of
from rs_assets.sessions.finding import SessionPlace
from rs_assets.state import FileFailure, StagedFile
from rs_assets.stations.chunks import Chunk
from rs_assets.stations.registry import interface_of

__all__ = ["Channel", "Glance", "Moments", "Problem", "glance_at"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A chunk that could not be staged or catalogued."""

    chunk: str
    status: str
    """``failed``, ``evicted``, ``clash`` or ``uncatalogued``."""
    reason: str
    attempts: int
    next_try: datetime | None
    """When it is due again, aware UTC; None where trying again cannot help."""


@dataclass(frozen=True, slots=True)
class Moments:
    """When what happened, aware UTC; None where it has not, or is not known."""

    downlink_start: datetime | None = None
    downlink_stop: datetime | None = None
    """As it was, or is planned."""
    first_published: datetime | None = None
    last_published: datetime | None = None
    """When the station published the first and the last chunk, without those of a retransfer."""
    again_published: datetime | None = None
    """When it published the last chunk of a retransfer."""
    first_staged: datetime | None = None
    last_staged: datetime | None = None
    """When they were in the store."""
    first_catalogued: datetime | None = None
    last_catalogued: datetime | None = None
    """When the catalogue got the item, and its last change."""


@dataclass(frozen=True, slots=True)
class Glance:
    """Everything that is known of one session."""

    session_id: str
    station: str
    partitions: tuple[str, ...]
    collection: str
    platform: str | None
    orbit: int | None
    is_catalogued: bool
    is_complete: bool
    """Whether the station has shown all of it."""
    missing: tuple[str, ...]
    """What it lacks, in words."""
    next_look: datetime | None
    """When the station is asked again for what is missing, aware UTC."""
    channels: tuple[Channel, ...]
    problems: tuple[Problem, ...]
    moments: Moments
    auxiliary: Auxiliary
    searched_at: datetime | None
    """When the station was last asked for its partitions, with success."""
    search_error: str | None
    """Why the last search failed; None if it did not."""

    @property
    def chunks(self) -> int:
        """How many chunks the station has shown, those that came again included."""
        return sum(channel.chunks + channel.again for channel in self.channels)

    @property
    def in_store(self) -> int:
        """How many of them are in the store."""
        return sum(channel.staged for channel in self.channels)

    @property
    def is_well(self) -> bool:
        """Whether it is whole, in the catalogue, and nothing has failed."""
        return self.is_catalogued and self.is_complete and not self.problems and self.in_store == self.chunks


def glance_at(platform: Platform, place: SessionPlace, now: datetime) -> Glance:
    """What state, store and catalogue know of a session; no station is asked.

    Args:
        platform: the installation.
        place: where the session is known from.
        now: the current time, aware UTC.

    Raises:
        RsAssetsError: nothing can be said of it, or store, state or catalogue cannot be read.
    """
    station = place.station
    held = platform.catalog.get(place.collection, place.session_id)
    interface = interface_of(station)
    session = interface.stated(_whole(platform, place, held), station, now)
    chunks = interface.chunks(session)
    failures = [each for each in platform.outcomes.outstanding(station.name) if each.file.item_id == session.id]
    transfers = _transfers(platform, place.collection, session)
    states = {key: _chunk_state(session, key, transfers, failures, held) for key in session.assets}
    keys = [partition.key for partition in place.partitions]
    searches = platform.searches.of(station.name, keys).values()
    incomplete = [each for each in platform.incomplete.outstanding(station.name) if each.item_id == session.id]
    return Glance(
        session_id=session.id,
        station=station.name,
        partitions=tuple(keys),
        collection=place.collection,
        platform=_text(session, "platform"),
        orbit=session.properties.get("sat:absolute_orbit"),
        is_catalogued=held is not None,
        is_complete=is_complete(session),
        missing=missing_from(session),
        next_look=min((each.look_again_at for each in incomplete if each.look_again_at is not None), default=None),
        channels=channels_of(chunks, interface.expected_chunks(session), states),
        problems=tuple(_problem(failure) for failure in failures),
        moments=_moments(platform, place, session, chunks, transfers),
        auxiliary=auxiliary_of(platform, session, place.collection, is_catalogued=held is not None),
        searched_at=max((each.searched_at for each in searches if each.searched_at is not None), default=None),
        search_error=next((each.error for each in searches if each.error is not None), None),
    )


def _whole(platform: Platform, place: SessionPlace, held: Item | None) -> Item:
    """The session with all files that any partition or the catalogue has of it."""
    known = [held] if held is not None else []
    for partition in place.partitions:
        results = SearchResults.read(platform.documents, place.station.name, partition)
        known += [item for item in results.items if item.id == place.session_id] if results else []
    if not known:
        raise RsAssetsError(
            f"{place.session_id}: neither the search results of {place.station.name} nor the catalogue's collection "
            f"{place.collection} have it any more"
        )
    whole = known[0].clone()
    for item in known[1:]:
        whole = joined(whole, item)
    return whole


def _transfers(platform: Platform, collection: str, session: Item) -> dict[str, StagedFile]:
    """What was staged of the session, by asset key."""
    keys: dict[str, str] = {}
    for asset_key in session.assets:
        try:
            keys[object_key(collection, session, asset_key)] = asset_key
        except ValueError:
            continue  # it could never be staged; its failure says why
    return {keys[key]: record for key, record in platform.transfers.of(keys).items()}


def _chunk_state(
    session: Item,
    key: str,
    transfers: Mapping[str, StagedFile],
    failures: Sequence[FileFailure],
    held: Item | None,
) -> ChunkState:
    source = source_id(session, key)
    outcomes = {failure.file.state for failure in failures if failure.file.source_id == source}
    if outcomes - {FileState.UNCATALOGUED}:
        return ChunkState.LOST if FileState.EVICTED in outcomes else ChunkState.FAILED
    if key in transfers or (held is not None and key in held.assets):
        return ChunkState.STAGED
    return ChunkState.LOST if session.assets[key].extra_fields.get(EVICTED) else ChunkState.WAITING


def _problem(failure: FileFailure) -> Problem:
    file = failure.file
    return Problem(file.asset, file.state.value, file.reason or "", file.attempts, failure.next_try)


def _moments(
    platform: Platform,
    place: SessionPlace,
    session: Item,
    chunks: Iterable[Chunk],
    transfers: Mapping[str, StagedFile],
) -> Moments:
    again = {chunk.key for chunk in chunks if chunk.is_retransfer}
    original = session.assets.keys() - again or session.assets.keys()
    published = _published(session, original)
    staged = [record.finished_at for key, record in transfers.items() if key in original]
    written = [entry.recorded for entry in platform.catalog.history(place.collection, session.id)]
    return Moments(
        downlink_start=_time(session.properties.get("start_datetime")),
        downlink_stop=_time(session.properties.get("end_datetime")),
        first_published=min(published, default=None),
        last_published=max(published, default=None),
        again_published=max(_published(session, again), default=None),
        first_staged=min(staged, default=None),
        last_staged=max(staged, default=None),
        first_catalogued=min(written, default=None),
        last_catalogued=max(written, default=None),
    )


def _published(session: Item, keys: Iterable[str]) -> list[datetime]:
    times = (_time(session.assets[key].extra_fields.get("published")) for key in keys)
    return [time for time in times if time is not None]


def _time(text: object) -> datetime | None:
    try:
        return parse_time(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _text(session: Item, name: str) -> str | None:
    value = session.properties.get(name)
    return None if value is None else str(value)
