"""Stations of a made-up interface, which list their products in one JSON file: a package outside rs_assets."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pystac import Asset, Item

from rs_assets.errors import StationError
from rs_assets.items.extensions import declare_extensions
from rs_assets.items.identity import stem
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.items.times import format_time, parse_time
from rs_assets.selection import Expression, Vocabulary, compile_filter
from rs_assets.settings import Mission, Station
from rs_assets.stations.http import StationConnection
from rs_assets.stations.interface import Contents, StationInterface
from rs_assets.stations.missions import Belonging, belonging
from rs_assets.stations.search import Answer, Listed, Publications
from rs_assets.stations.window import Window


class MadeUpStation(Station):
    """A station that lists its products in one file."""

    interface: Literal["made_up"]
    """The interface that it speaks."""
    collection: str = "{mission}_made_up"
    """Pattern of the catalogue's collection."""
    listing: str = "products.json"
    """The file's name below the url."""
    follow_every: timedelta | None = timedelta(seconds=30)
    """How often the listing is looked at; not at all where null."""


class MadeUpSearch:
    """Searches one station."""

    def __init__(self, connection: StationConnection, missions: Mapping[str, Mission]) -> None:
        assert isinstance(connection.station, MadeUpStation)
        self._connection = connection
        self._missions = missions
        self._root = str(connection.station.url).rstrip("/")
        self._url = f"{self._root}/{connection.station.listing}"

    async def search(self, window: Window, mission: str) -> Answer:
        """Everything that the file lists for a window and a mission."""
        listed = await self._products()
        of_mission = [(product, owner) for product, owner in listed if owner.mission_name == mission]
        items = [self._item(*each) for each in of_mission if parse_time(each[0]["published"]) in window]
        return Answer(self._url, items)

    async def find(self, expression: Expression) -> Answer:
        """Everything in the file that meets a filter."""
        items = [self._item(product, owner) for product, owner in await self._products()]
        return Answer(self._url, list(filter(compile_filter(expression), items)))

    async def published_since(self, start: datetime) -> Publications:
        """What was published at `start` or later."""
        listed = []
        for product, owner in await self._products():
            published = parse_time(product["published"])
            if published >= start:
                listed.append(Listed(product["id"], published, owner.mission_name, published))
        return Publications(tuple(listed))

    async def _products(self) -> list[tuple[dict[str, Any], Belonging]]:
        response = await self._connection.get(self._url)
        name = self._connection.station.name
        if not response.is_success:
            raise StationError(f"{name}: {self._url} answers {response.status_code}")
        try:
            products = sorted(response.json()["products"], key=lambda product: product["published"])
        except (ValueError, KeyError, TypeError) as error:
            raise StationError(f"{name}: {self._url} does not list products: {error!r}") from error
        return [(product, belonging(self._missions.values(), name=product["name"])) for product in products]

    def _item(self, product: dict[str, Any], owner: Belonging) -> Item:
        published = parse_time(product["published"])
        properties = {
            "published": format_time(published),
            "start_datetime": product["start"],
            "end_datetime": product["end"],
            "product:type": product["type"],
            "made_up:id": product["id"],
            "platform": owner.platform,
            "constellation": owner.mission.constellation if owner.mission else None,
        }
        known = {name: value for name, value in properties.items() if value is not None}
        item = Item(stem(product["name"]), geometry=None, bbox=None, datetime=published, properties=known)
        checksum = Digest(Algorithm.MD5, product["md5"]).multihash
        facts = {"file:size": product["size"], "file:checksum": checksum}
        item.add_asset(product["name"], Asset(f"{self._root}/{product['name']}", roles=["data"], extra_fields=facts))
        declare_extensions(item)
        return item


class MadeUpInterface(StationInterface):
    """One JSON file lists everything."""

    name = "made_up"
    settings = MadeUpStation
    contents = Contents("made-up products", "Made-up products", "made-up data")
    kinds = frozenset({"json"})
    answers_product_types = True

    @property
    def vocabulary(self) -> Vocabulary:
        """Nothing: the file cannot be asked for less than all of it."""
        return Vocabulary({})

    def search(self, connection: StationConnection, missions: Mapping[str, Mission]) -> MadeUpSearch:
        """The search of a connected station."""
        return MadeUpSearch(connection, missions)

    def follow_every(self, station: Station) -> timedelta | None:
        """As the station's settings say."""
        assert isinstance(station, MadeUpStation)
        return station.follow_every


INTERFACE = MadeUpInterface()
