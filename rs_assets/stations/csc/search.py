"""Searching the products of an OData service: they become STAC items here, and nothing OData goes further.

The station is asked for a superset (it may drop clauses silently, and disagrees with others about bounds); which
product belongs to a window and a mission is decided here, from the product itself.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from rs_assets.errors import StationError
from rs_assets.items.identity import publication_order
from rs_assets.selection import Expression, compile_filter, odata_superset
from rs_assets.selection.vocabulary import Field, Vocabulary
from rs_assets.settings import OTHER_MISSION, Mission, TimeField
from rs_assets.stations.csc.odata import Entity, Listing, Query, QueryRefusedError, count, literal, read_all
from rs_assets.stations.csc.product import ItemRule, Product, product_item
from rs_assets.stations.csc.reading import note_listing, read_as, since_clause, window_clause
from rs_assets.stations.http import StationConnection
from rs_assets.stations.missions import Belonging, belonging, unknown_satellites
from rs_assets.stations.search import Answer, Listed, Publications, Rejected
from rs_assets.stations.window import Window

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the stations of an interface can be asked by."""

    asks_platform: bool = True
    """Whether products are asked for by the attribute of their platform, too, rather than by their names alone."""
    knows_in: bool = True
    """Whether a list of values may stand in a clause on an attribute."""


_TIME_PROPERTIES = {TimeField.PUBLICATION: "PublicationDate", TimeField.CONTENT: "ContentDate/Start"}


class ProductSearch:
    """Searches the products of a station by window, mission and product type."""

    def __init__(
        self,
        connection: StationConnection,
        missions: Mapping[str, Mission],
        *,
        vocabulary: Vocabulary,
        rule: ItemRule,
        product_types: Sequence[str] = (),
        dialect: Dialect | None = None,
    ) -> None:
        """Search a connected station.

        Args:
            connection: to the station.
            missions: the missions by name.
            vocabulary: what its products can be asked for.
            rule: how they become items.
            product_types: those to ask for; all of them where empty.
            dialect: how it may be asked.
        """
        self._connection = connection
        self._station = connection.station
        self._missions = missions
        self._vocabulary = vocabulary
        self._rule = rule
        self._types = product_types
        self._dialect = dialect or Dialect()
        self._unassigned: dict[Window, int | None] = {}

    async def search(self, window: Window, mission: str) -> Answer:
        """Everything that the station lists for a window and a mission (or `OTHER_MISSION`).

        Raises:
            AuthenticationError: the station refuses the credentials.
            StationError: it could not be asked, or answers something else.
        """
        time_clause = self._window_clause(window)
        narrow = [*self._mission_clauses(mission), *self._type_clauses()]
        query = " and ".join([time_clause, *narrow])
        warnings: list[str] = []
        try:
            listing = await self._read(query)
        except QueryRefusedError as error:
            if not narrow:
                raise
            warnings.append(f"asked again by time alone, since {error}")
            query = time_clause
            listing = await self._read(query)
        else:
            if narrow and not listing.entities and not listing.keyless:
                # A clause that a station does not know can give nothing instead of an error.
                query = time_clause
                listing = await self._read(query)
        answer = _begun(listing, query, warnings)
        owners = []
        for product, owner in self._products(listing, answer):
            if owner.mission_name == mission and self._is_wanted_type(product):
                self._place(product, owner, window, answer)
                owners.append(owner)
        answer.items.sort(key=publication_order)
        answer.warnings += unknown_satellites(owners)
        if OTHER_MISSION not in self._station.missions:
            answer.unassigned = await self._count_unassigned(window)
        return answer

    async def find(self, expression: Expression) -> Answer:
        """Everything in the station's archive that meets a filter.

        The station is asked for a superset; a clause on attributes that it does not know can give nothing instead
        of an error, so a search that finds nothing is repeated without those.

        Raises:
            AuthenticationError: the station refuses the credentials.
            StationError: it could not be asked, or the filter says nothing that it could be asked by.
        """
        fields_alone = _fields_alone(self._vocabulary)
        texts = [odata_superset(expression, vocabulary) for vocabulary in (self._vocabulary, fields_alone)]
        queries = list(dict.fromkeys(text for text in texts if text is not None))
        if not queries:
            raise StationError(
                f"{self._station.name}: the filter would list the whole archive; add a clause that the station "
                f"understands, on {', '.join(sorted(self._vocabulary.places))}"
            )
        for query in queries:
            listing = await self._read(query)
            if listing.entities or listing.keyless:
                break
        meets = compile_filter(expression)
        answer = _begun(listing, query, [])
        found = [
            (product_item(product, self._rule, owner), owner) for product, owner in self._products(listing, answer)
        ]
        wanted = sorted((each for each in found if meets(each[0])), key=lambda each: publication_order(each[0]))
        answer.items = [item for item, _ in wanted]
        answer.warnings += unknown_satellites(owner for _, owner in wanted)
        return answer

    async def published_since(self, start: datetime) -> Publications:
        """The products that were published at `start` (aware UTC) or later.

        Raises:
            AuthenticationError: the station refuses the credentials.
            StationError: it could not be asked, or answers something else.
        """
        query = since_clause("PublicationDate", start)
        listing = await self._read(query)
        listed = [
            Listed(product.id, product.publication_date, owner.mission_name, self._time_of(product))
            for product, owner in self._products(listing, Answer(query))
            if product.publication_date is not None
            and product.publication_date >= start
            and self._is_wanted_type(product)
        ]
        return Publications(tuple(listed), not (listing.partial or listing.ambiguous_empty))

    def _products(self, listing: Listing, answer: Answer) -> Iterator[tuple[Product, Belonging]]:
        """The products of a listing; what cannot be read goes into the answer's rejections."""
        return ((product, self._owner(product)) for product in read_as(Product, listing, answer))

    def _place(self, product: Product, owner: Belonging, window: Window, answer: Answer) -> None:
        """Take the product into the answer if its time is in the window."""
        time = self._time_of(product)
        if time is None:
            place = _TIME_PROPERTIES[self._station.time_field]
            answer.rejected.append(Rejected(product.name, f"it has no {place}, so no window", product.id))
        elif time in window:
            answer.items.append(product_item(product, self._rule, owner))

    def _owner(self, product: Product) -> Belonging:
        return belonging(
            self._missions.values(), name=product.name, short_name=product.short_name, serial=product.serial
        )

    async def _read(self, text: str) -> Listing:
        return await read_all(self._connection, Query("Products", text, expand="Attributes"))

    async def _count_unassigned(self, window: Window) -> int | None:
        """How many products of the window belong to no mission of the settings; None if it cannot be known."""
        if window not in self._unassigned:
            clauses = [clause for name in self._missions for clause in self._mission_clauses(name)]
            text = f"{self._window_clause(window)} and not ({' or '.join(clauses)})"
            try:
                total, first = await count(self._connection, Query("Products", text, expand="Attributes"))
            except StationError as error:
                _log.info("unassigned cannot be counted: %s", error)
                total, first = None, []
            self._unassigned[window] = total if not any(self._has_mission(entity) for entity in first) else None
        return self._unassigned[window]

    def _has_mission(self, entity: Entity) -> bool:
        try:
            product = Product.model_validate(entity)
        except ValidationError:
            return False
        return self._owner(product).mission is not None

    def _mission_clauses(self, name: str) -> list[str]:
        if name == OTHER_MISSION:
            return []
        mission = self._missions[name]
        names = [f"startswith(Name,{literal(prefix)})" for prefix in mission.name_prefixes]
        if self._dialect.asks_platform:
            names.append(self._attribute_clause("platformShortName", mission.platform_short_names))
        return [f"({' or '.join(names)})"] if names else []

    def _type_clauses(self) -> list[str]:
        return [self._attribute_clause("productType", self._types)] if self._types else []

    def _attribute_clause(self, name: str, values: Sequence[str]) -> str:
        """The products with a string attribute of one of these values."""
        if self._dialect.knows_in:
            return attribute_clause(name, values)
        clauses = [attribute_clause(name, [value]) for value in values]
        return clauses[0] if len(clauses) == 1 else f"({' or '.join(clauses)})"

    def _is_wanted_type(self, product: Product) -> bool:
        if product.product_type is None:  # attributes are missing where a station ignores $expand
            return not self._types or any(name in product.name for name in self._types)
        return not self._types or product.product_type in self._types

    def _window_clause(self, window: Window) -> str:
        return window_clause(_TIME_PROPERTIES[self._station.time_field], window)

    def _time_of(self, product: Product) -> datetime | None:
        by_publication = self._station.time_field is TimeField.PUBLICATION
        return product.publication_date if by_publication else product.start


def attribute_clause(name: str, values: Iterable[str]) -> str:
    """The products with a string attribute of one of these values."""
    literals = [literal(value) for value in values]
    comparison = f"eq {literals[0]}" if len(literals) == 1 else f"in ({','.join(literals)})"
    return (
        f"Attributes/OData.CSC.StringAttribute/any(att:att/Name eq {literal(name)} "
        f"and att/OData.CSC.StringAttribute/Value {comparison})"
    )


def _fields_alone(vocabulary: Vocabulary) -> Vocabulary:
    """What can be asked of a station that does not understand clauses on attributes."""
    places = vocabulary.places.items()
    return Vocabulary({name: each for name, each in places if all(isinstance(place, Field) for place in each)})


def _begun(listing: Listing, query: str, warnings: list[str]) -> Answer:
    answer = Answer(query, warnings=[*warnings])
    note_listing(listing, answer)
    return answer
