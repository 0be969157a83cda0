"""The routes of a station of products: the collection, one product, its bytes, the service's metadata."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rs_assets.simulator.csc.archive import Archive
from rs_assets.simulator.csc.entity import PRODUCTS, entity
from rs_assets.simulator.csc.metadata import METADATA
from rs_assets.simulator.csc.products import Product
from rs_assets.simulator.downloads import deliver
from rs_assets.simulator.odata.service import EntitySet
from rs_assets.simulator.options import SimulatorOptions
from rs_assets.simulator.tokens import Gatekeeper


class ProductService:
    """Answers the requests below a station's address."""

    def __init__(self, options: SimulatorOptions, archive: Archive, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper
        self._products: EntitySet[Product] = EntitySet(
            "Products",
            PRODUCTS,
            days=lambda hints, latest_first: archive.days(hints, latest_first=latest_first),
            show=lambda product, expanded: entity(product, expand="Attributes" in expanded),
            find=archive.find,
            max_page=options.max_page,
            next_link=options.next_link,
        )

    def routes(self) -> list[Route]:
        """The routes, relative to the station's address."""
        return [
            Route("/token", self._gatekeeper.token, methods=["POST"]),
            Route("/$metadata", self._metadata),
            *self._products.routes(),
            Route("/Products({id})/$value", self._value),
        ]

    async def _metadata(self, request: Request) -> Response:
        del request
        return Response(METADATA, media_type="application/xml")

    async def _value(self, request: Request) -> Response:
        return deliver(request, self._products.found(request))
