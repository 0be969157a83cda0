"""A client that is at home with a simulated station, for the tests of the simulator."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from rs_assets.simulator import SimulatorOptions, create_app

Entity = dict[str, Any]

NOW = datetime(2024, 5, 4, 12, tzinfo=UTC)
DAY = "2024-05-01"
ONE_DAY = "PublicationDate ge 2024-05-01T00:00:00.000Z and PublicationDate lt 2024-05-02T00:00:00.000Z"
PASSWORD = {"grant_type": "password", "username": "simulator", "password": "simulator"}


@dataclass
class Station:
    """One station in this process, and a client of it that may carry a token."""

    http: httpx.AsyncClient

    @classmethod
    def started(cls, **options: Any) -> "Station":
        """A new station; its clock stands at ``NOW`` and it asks for no credentials unless told otherwise."""
        defaults: dict[str, Any] = {"now": NOW, "auth": "none"}
        chosen = SimulatorOptions(**(defaults | options))
        transport = httpx.ASGITransport(create_app(chosen))
        return cls(httpx.AsyncClient(transport=transport, base_url="http://station"))

    async def log_in(self, path: str = "/auxip") -> None:
        """Get a token and use it from now on."""
        answer = await self.http.post(f"{path}/token", data=PASSWORD)
        self.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    async def get(self, **options: str | int) -> httpx.Response:
        """Ask for products; ``filter=…`` stands for ``$filter=…``."""
        query = {f"${name}": str(value) for name, value in options.items()}
        return await self.http.get("/auxip/Products", params=query)

    async def products(self, **options: str | int) -> list[Entity]:
        """The entities of one page."""
        answer = await self.get(**options)
        assert answer.status_code == 200, answer.text
        found: list[Entity] = answer.json()["value"]
        return found

    async def day(self) -> list[Entity]:
        """What was published on ``DAY``, with attributes."""
        return await self.products(filter=ONE_DAY, expand="Attributes")

    async def entities(self, collection: str, path: str = "/cadip/mps", **options: str | int) -> list[Entity]:
        """The entities of one page of a CADIP station."""
        query = {f"${name}": str(value) for name, value in options.items()}
        answer = await self.http.get(f"{path}/{collection}", params=query)
        assert answer.status_code == 200, answer.text
        found: list[Entity] = answer.json()["value"]
        return found

    async def files(self, session: Entity) -> list[Entity]:
        """The files that a session has now, the first published first."""
        return await self.entities("Files", filter=f"SessionId eq '{session['SessionId']}'")

    async def chunk(self, file: Entity, **headers: str) -> httpx.Response:
        """Download a file of a session."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.get(f"/cadip/mps/Files({file['Id']})/$value", headers=named)

    async def cadip(self, lever: str, **order: Any) -> Any:
        """Pull a lever of the CADIP station; the JSON that it answers."""
        return await self.control(f"cadip/mps/{lever}", **order)

    async def value(self, product: Entity, **headers: str) -> httpx.Response:
        """Download a product."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.get(f"/auxip/Products({product['Id']})/$value", headers=named)

    async def control(self, lever: str, **order: Any) -> Any:
        """Pull a lever; the JSON that it answers."""
        answer = await self.http.post(f"/control/{lever}", json=order)
        assert answer.is_success, answer.text
        return answer.json()

    async def log(self) -> list[Entity]:
        """The station's request log."""
        found: list[Entity] = (await self.http.get("/control/requests")).json()
        return found


def attribute(product: Entity, name: str) -> Any:
    """The value of an expanded attribute, or None."""
    return next((item["Value"] for item in product["Attributes"] if item["Name"] == name), None)


def names(products: list[Entity]) -> set[str]:
    """The products' file names."""
    return {product["Name"] for product in products}
