"""The CADIP interface of downlink stations: its sessions and their files become STAC items here.

Sessions are asked for by time alone and files by their session, since stations drop further clauses silently; what
belongs to a window, a mission and a session is decided here.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pystac import Item

from rs_assets.errors import AuthenticationError, StationError
from rs_assets.items.identity import publication_order
from rs_assets.selection import Expression, compile_filter, odata_superset
from rs_assets.settings import OTHER_MISSION, Mission, TimeField
from rs_assets.stations.cadip.session import Session, SessionFile, session_item
from rs_assets.stations.cadip.vocabulary import CADIP_VOCABULARY
from rs_assets.stations.csc.odata import Listing, Query, QueryRefusedError, literal, read_all, read_entity
from rs_assets.stations.csc.reading import note_listing, read_as, since_clause, window_clause
from rs_assets.stations.http import StationConnection
from rs_assets.stations.missions import Belonging, belonging, unknown_satellites
from rs_assets.stations.search import Answer, Listed, Publications, Rejected
from rs_assets.stations.window import Window

_log = logging.getLogger(__name__)

_SESSIONS_A_REQUEST = 10
"""Sessions whose files are asked for at once."""

_TIME_PROPERTIES = {TimeField.PUBLICATION: "PublicationDate", TimeField.CONTENT: "DownlinkStart"}


class CadipSearch:
    """Searches a CADIP station by window and mission."""

    def __init__(self, connection: StationConnection, missions: Mapping[str, Mission]) -> None:
        self._connection = connection
        self._station = connection.station
        self._missions = missions
        self._expands = True
        self._shows_one_by_one = True

    async def search(self, window: Window, mission: str) -> Answer:
        """Every session that the station lists for a window and a mission (or `OTHER_MISSION`), with its files.

        Raises:
            AuthenticationError: the station refuses the credentials.
            StationError: it could not be asked, or answers what is not CADIP.
        """
        place = _TIME_PROPERTIES[self._station.time_field]
        listing, answer = await self._sessions(window_clause(place, window))
        wanted: dict[str, list[Session]] = {}
        unassigned = 0
        owners = []
        for session in read_as(Session, listing, answer):
            owner = self._owner(session)
            time = self._time_of(session)
            if time is None and owner.mission_name == mission:
                reason = f"it has no {place}, so no window"
                answer.rejected.append(Rejected(session.session_id, reason, session.session_id))
            if time is None or time not in window:
                continue
            if owner.mission_name == mission:
                wanted.setdefault(session.session_id, []).append(session)
                owners.append(owner)
            unassigned += owner.mission_name == OTHER_MISSION
        answer.unassigned = None if OTHER_MISSION in self._station.missions else unassigned
        answer.items = await self._items(wanted, answer)
        answer.warnings += unknown_satellites(owners)
        return answer

    async def find(self, expression: Expression) -> Answer:
        """Every session in the station's archive that meets a filter.

        Raises:
            AuthenticationError: the station refuses the credentials.
            StationError: it could not be asked, or the filter says nothing that it could be asked by.
        """
        query = odata_superset(expression, CADIP_VOCABULARY)
        if query is None:
            raise StationError(
                f"{self._station.name}: the filter would list all sessions; add a clause that the station "
                f"understands, on {', '.join(sorted(CADIP_VOCABULARY.places))}"
            )
        listing, answer = await self._sessions(query)
        wanted: dict[str, list[Session]] = {}
        for session in read_as(Session, listing, answer):
            wanted.setdefault(session.session_id, []).append(session)
        meets = compile_filter(expression)
        answer.items = [item for item in await self._items(wanted, answer) if meets(item)]
        return answer

    async def published_since(self, start: datetime) -> Publications:
        """The sessions and files that were published at `start` (aware UTC) or later, and the files' sessions.

        Raises:
            AuthenticationError: the station refuses the credentials.
            StationError: it could not be asked, or answers what is not CADIP.
        """
        query = since_clause("PublicationDate", start)
        unread = Answer(query)
        listings = [await self._read(Query(name, query)) for name in ("Sessions", "Files")]
        sessions, files = [*read_as(Session, listings[0], unread)], [*read_as(SessionFile, listings[1], unread)]
        sessions = [each for each in sessions if _is_since(each.publication_date, start)]
        files = [each for each in files if _is_since(each.publication_date, start)]
        owners = {session.session_id: session for session in sessions}
        unknown = sorted({file.session_id for file in files} - owners.keys())
        for ids in _batches(unknown):
            listings.append(await self._read(Query("Sessions", _is_one_of(ids))))
            known = {session.session_id: session for session in read_as(Session, listings[-1], unread)}
            owners |= {name: known[name] for name in ids if name in known}
        listed = [
            *(self._listed(each, each) for each in sessions),
            *(self._listed(each, owners.get(each.session_id)) for each in files),
        ]
        return Publications(tuple(listed), not any(listing.partial or listing.ambiguous_empty for listing in listings))

    def _listed(self, entity: Session | SessionFile, owner: Session | None) -> Listed:
        assert entity.publication_date is not None
        return Listed(
            key=entity.id,
            published=entity.publication_date,
            mission=None if owner is None else self._owner(owner).mission_name,
            window_time=None if owner is None else self._time_of(owner),
            is_file=isinstance(entity, SessionFile),
        )

    async def _items(self, wanted: Mapping[str, Sequence[Session]], answer: Answer) -> list[Item]:
        """The items of sessions, by SessionId, with all their files."""
        files = await self._files(list(wanted), answer)
        items = []
        for session_id, entities in wanted.items():
            try:
                item = session_item(
                    await self._with_quality(entities), files[session_id], self._station, self._owner(entities[0])
                )
            except ValueError as error:
                answer.rejected.append(Rejected(session_id, str(error), session_id))
            else:
                items.append(item)
        return sorted(items, key=publication_order)

    async def _files(self, session_ids: Sequence[str], answer: Answer) -> dict[str, list[SessionFile]]:
        """The files of sessions, by SessionId; asked for several at a time where the station understands that."""
        found: dict[str, dict[str, SessionFile]] = {session_id: {} for session_id in session_ids}
        for ids in _batches(session_ids):
            try:
                await self._take_files(ids, found, answer)
            except QueryRefusedError as error:
                if len(ids) == 1:
                    raise
                _log.info("%s: the files are asked for session by session, since %s", self._station.name, error)
            # A list that a station does not understand, or reads as its first entry alone, gives nothing for the rest.
            for session_id in ids if len(ids) > 1 else ():
                if not found[session_id]:
                    await self._take_files([session_id], found, answer)
        return {session_id: list(files.values()) for session_id, files in found.items()}

    async def _take_files(
        self, session_ids: Sequence[str], found: Mapping[str, dict[str, SessionFile]], answer: Answer
    ) -> None:
        listing = await self._read(Query("Files", _is_one_of(session_ids)))
        note_listing(listing, answer)
        for file in read_as(SessionFile, listing, answer):
            if file.session_id in session_ids:
                found[file.session_id][file.id] = file

    async def _sessions(self, query: str) -> tuple[Listing, Answer]:
        """The sessions that a query matches, with QualityInfo where the station gives it."""
        answer = Answer(query)
        listing: Listing | None = None
        if self._expands:
            try:
                listing = await self._read(Query("Sessions", query, expand="QualityInfo"))
            except AuthenticationError:
                raise
            except StationError as error:
                _log.info("asked again without QualityInfo, since %s", error)
        if listing is None:
            listing = await self._read(Query("Sessions", query))
            self._expands = False
        note_listing(listing, answer)
        return listing, answer

    async def _with_quality(self, entities: Sequence[Session]) -> list[Session]:
        """The session's entities, each with its QualityInfo, which some stations only show one by one."""
        whole = []
        for session in entities:
            quality = session.quality
            if not quality and "quality" not in session.model_fields_set:
                quality = await self._quality(session.id)
            whole.append(session.model_copy(update={"quality": quality}))
        return whole

    async def _quality(self, key: str) -> Any:
        if not self._shows_one_by_one:
            return ()
        try:
            entity = await read_entity(self._connection, "Sessions", key, expand="QualityInfo")
        except AuthenticationError:
            raise
        except StationError as error:
            _log.info("QualityInfo is not to be had: %s", error)
            entity = {}
        if "QualityInfo" not in entity:
            self._shows_one_by_one = False
            return ()
        return Session.model_validate({"Id": key, "SessionId": key, "QualityInfo": entity["QualityInfo"]}).quality

    async def _read(self, query: Query) -> Listing:
        return await read_all(self._connection, query)

    def _owner(self, session: Session) -> Belonging:
        """The mission and satellite of a session: its Satellite's, else those that its SessionId begins with."""
        named = belonging(self._missions.values(), name=session.session_id)
        stated = belonging(self._missions.values(), name=(session.satellite or "").upper())
        if stated.mission is None:
            return named
        if named.mission is not None and named.satellite != stated.satellite:
            said = f"its Satellite is {session.satellite}, its SessionId says {named.satellite or named.mission_name}"
            return replace(stated, contradiction=said)
        return stated

    def _time_of(self, session: Session) -> datetime | None:
        by_publication = self._station.time_field is TimeField.PUBLICATION
        return session.publication_date if by_publication else session.downlink_start


def _batches(session_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(session_ids), _SESSIONS_A_REQUEST):
        yield session_ids[start : start + _SESSIONS_A_REQUEST]


def _is_one_of(session_ids: Sequence[str]) -> str:
    literals = [literal(session_id) for session_id in session_ids]
    return f"SessionId eq {literals[0]}" if len(literals) == 1 else f"SessionId in ({','.join(literals)})"


def _is_since(moment: datetime | None, start: datetime) -> bool:
    return moment is not None and moment >= start
