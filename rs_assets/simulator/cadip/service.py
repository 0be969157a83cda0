"""The CADIP routes of one station: sessions, their files and quality, and the files' bytes."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rs_assets.simulator.cadip.archive import SessionArchive
from rs_assets.simulator.cadip.entities import FILES, QUALITY, SESSIONS, Row, entity, quality_rows
from rs_assets.simulator.downloads import deliver
from rs_assets.simulator.odata.edmx import document, entity_type, navigation
from rs_assets.simulator.odata.notation import Json
from rs_assets.simulator.odata.service import EntitySet
from rs_assets.simulator.options import SimulatorOptions
from rs_assets.simulator.tokens import Gatekeeper


class Cadip:
    """Answers the requests below ``/cadip/<station>``."""

    def __init__(self, options: SimulatorOptions, archive: SessionArchive, gatekeeper: Gatekeeper) -> None:
        self._archive = archive
        self._gatekeeper = gatekeeper
        page, link = options.max_page, options.next_link
        self._files = EntitySet("Files", FILES, archive.file_days, _plain, archive.file, page, link)
        self._sets = (
            EntitySet("Sessions", SESSIONS, archive.session_days, self._session, archive.session, page, link),
            self._files,
            EntitySet("QualityInfo", QUALITY, archive.quality_days, _plain, None, page, link),
        )

    def routes(self) -> list[Route]:
        """The routes, relative to the station's address."""
        return [
            Route("/token", self._gatekeeper.token, methods=["POST"]),
            Route("/$metadata", self._metadata),
            *(route for entities in self._sets for route in entities.routes()),
            Route("/Files({id})/$value", self._value),
        ]

    async def _metadata(self, request: Request) -> Response:
        del request
        return Response(_METADATA, media_type="application/xml")

    async def _value(self, request: Request) -> Response:
        chunk = self._files.found(request).chunk
        assert chunk is not None
        return deliver(request, chunk)

    def _session(self, row: Row, expanded: frozenset[str]) -> Json:
        shown = entity(row)
        if "Files" in expanded:
            shown["Files"] = [entity(file) for file in self._archive.files_of(row.session, row.now)]
        if "QualityInfo" in expanded:
            shown["QualityInfo"] = [entity(quality) for quality in quality_rows(row.session, row.now)]
        return shown


def _plain(row: Row, expanded: frozenset[str]) -> Json:
    del expanded
    return entity(row)


_METADATA = document(
    {"Sessions": "Session", "Files": "File", "QualityInfo": "QualityInfo"},
    entity_type(SESSIONS, more=navigation("Files", "File") + navigation("QualityInfo", "QualityInfo")),
    entity_type(FILES, stream=True),
    entity_type(QUALITY, keys=("SessionId", "Channel")),
)
