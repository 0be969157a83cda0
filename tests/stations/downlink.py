"""What the tests of downlink stations share: entities as stations give them, and a service that lists them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pystac import Item

from rs_assets.items.times import utc_now
from rs_assets.stations.cadip import INTERFACE
from rs_assets.stations.cadip.search import CadipSearch
from rs_assets.stations.http import StationConnection
from rs_assets.stations.search import Answer
from rs_assets.stations.window import Window

from .searching import DAY, MISSIONS, Entity, options
from .service import Service, products

SESSION = "S1A_20261101143038056552"
BEGIN = datetime(2026, 11, 1, 14, 30, 38, tzinfo=UTC)
CHUNK = 314_571_600


def stamp(seconds: float = 0) -> str:
    """So many seconds after the downlink's begin, as stations write it."""
    return (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def session(session_id: str = SESSION, **changes: Any) -> Entity:
    """A session as a station shows it when it has been acquired."""
    return {
        "Id": "2b17b57d-fff4-4645-b539-91f305c27c69",
        "SessionId": session_id,
        "NumChannels": 2,
        "PublicationDate": stamp(33),
        "Satellite": session_id[:3],
        "StationId": "SGS_",
        "StationUnitId": "01",
        "DownlinkOrbit": 53186,
        "AcquisitionId": "53186_1",
        "AntennaId": "SG1",
        "FrontEndId": "FE1",
        "Retransfer": False,
        "AntennaStatusOK": True,
        "FrontEndStatusOK": True,
        "PlannedDataStart": stamp(-3),
        "PlannedDataStop": stamp(140),
        "DownlinkStart": stamp(),
        "DownlinkStop": stamp(134),
        "DownlinkStatusOK": True,
        "DeliveryPushOK": True,
        "QualityInfo": [],
    } | changes


def chunk(channel: int, block: int, *, final: Any = False, session_id: str = SESSION, **changes: Any) -> Entity:
    """A chunk of a channel."""
    return {
        "Id": f"{session_id[-4:]}-{channel}-{block}",
        "Name": f"DCS_01_{session_id}_ch{channel}_DSDB_{block:05d}.raw",
        "SessionId": session_id,
        "Channel": channel,
        "BlockNumber": block,
        "FinalBlock": final,
        "PublicationDate": stamp(40 + 4 * block + channel),
        "EvictionDate": "2026-11-08T14:31:26Z",
        "Size": CHUNK,
        "Retransfer": False,
    } | changes


def chunks(blocks: int = 3, channels: Iterable[int] = (1, 2), **changes: Any) -> list[Entity]:
    """All chunks of a session whose channels have so many blocks each."""
    numbers = range(1, blocks + 1)
    return [chunk(channel, block, final=block == blocks, **changes) for block in numbers for channel in channels]


def again(entity: Entity, mark: str = "re", seconds: float = 3600) -> Entity:
    """A file, or a session, as it comes in a retransfer."""
    changes = {"Id": f"{mark}-{entity['Id']}", "PublicationDate": stamp(seconds), "Retransfer": True}
    return entity | changes


def quality(channel: int, count: int = 3, **changes: Any) -> Entity:
    """QualityInfo of a channel."""
    totals = {"TotalChunks": count, "TotalVolume": count * CHUNK}
    return {"Channel": channel, "SessionId": SESSION, "AcquiredTFs": 1000, "ErrorTFs": 0} | totals | changes


class Downlink:
    """A downlink station that lists these sessions and files, and the search of it."""

    def __init__(self, sessions: Iterable[Entity] = (), files: Iterable[Entity] = (), **settings: Any) -> None:
        self.sessions = list(sessions)
        self.files = list(files)
        self.service = Service().on("/cadip/Sessions", self.list_sessions).on("/cadip/Files", self.list_files)
        defaults = {
            "name": "sgs",
            "interface": "cadip",
            "url": f"{self.service.url}/cadip",
            "missions": ("S1", "S2", "other"),
        }
        self.station = self.service.station(**(defaults | settings))

    def list_sessions(self, request: httpx.Request) -> httpx.Response:
        """The sessions that a query matches; it understands a lower bound, and one SessionId or several."""
        return products(*_page(request, self.sessions))

    def list_files(self, request: httpx.Request) -> httpx.Response:
        """The files that a query matches, as for the sessions."""
        return products(*_page(request, self.files))

    async def search(self, mission: str = "S1", window: Window = DAY) -> Answer:
        """What a search finds."""
        async with StationConnection(self.station, transport=httpx.MockTransport(self.service)) as connection:
            return await CadipSearch(connection, MISSIONS).search(window, mission)

    def filters(self, collection: str) -> list[str]:
        """What the station was asked of a collection."""
        return [options(request)["$filter"] for request in self.service.asked(f"/cadip/{collection}")]


def _page(request: httpx.Request, entities: list[Entity]) -> list[Entity]:
    asked = options(request)
    wanted = re.findall(r"'([^']+)'", asked["$filter"]) if "SessionId" in asked["$filter"] else None
    since = re.search(r"PublicationDate gt (\S+)", asked["$filter"])
    found = [
        entity
        for entity in entities
        if (wanted is None or entity["SessionId"] in wanted)
        and (since is None or str(entity.get("PublicationDate") or "9") > since[1])
    ]
    skip = int(asked["$skip"])
    return found[skip : skip + int(asked["$top"])]


def missing_from(item: Item) -> tuple[str, ...]:
    """What a session lacks, as its interface says by the station's default settings."""
    return INTERFACE.missing(item, Downlink().station, utc_now())


def is_complete(item: Item) -> bool:
    """Whether a session lacks nothing."""
    return not missing_from(item)
