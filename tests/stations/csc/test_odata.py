"""Envelopes and paging: every entity that a service has, exactly once, or an error."""

import asyncio
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_assets.errors import AuthenticationError, StationError
from rs_assets.stations.csc.odata import Listing, Query, QueryRefusedError, count, literal, moment, read_all
from rs_assets.stations.http import StationConnection
from tests.stations.searching import START, Entity, numbered, options, paged
from tests.stations.service import Reply, Service, products

QUERY = Query("Products", "PublicationDate gt 2026-11-01T00:00:00.000Z", expand="Attributes")
PATH = "/auxip/Products"

ONE = numbered(1)


async def read(*replies: Reply, page_size: int = 1000, query: Query = QUERY, **settings: Any) -> Listing:
    listing, _ = await read_with_requests(*replies, page_size=page_size, query=query, **settings)
    return listing


async def read_with_requests(
    *replies: Reply, page_size: int = 1000, query: Query = QUERY, **settings: Any
) -> tuple[Listing, list[httpx.Request]]:
    service = Service().on(PATH, *replies)
    station = service.station(page_size=page_size, **settings)
    async with StationConnection(station, transport=httpx.MockTransport(service)) as connection:
        return await read_all(connection, query), service.requests


def keys(listing: Listing) -> list[str]:
    return list(listing.entities)


def ids(*numbers: int) -> list[str]:
    return [f"id-{number}" for number in numbers]


def collection(size: int) -> list[Entity]:
    return [numbered(number) for number in range(size)]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(200, json={"value": []}), id="empty-value"),
        pytest.param(httpx.Response(200, json={"value": None}), id="null-value"),
        pytest.param(httpx.Response(200, json={}), id="empty-object"),
        pytest.param(httpx.Response(200, json={"@odata.context": "$metadata#Products"}), id="context-alone"),
        pytest.param(httpx.Response(200, json={"@odata.count": 0, "value": []}), id="counted"),
        pytest.param(httpx.Response(200, json=[]), id="empty-list"),
        pytest.param(httpx.Response(200, json={"responses": []}), id="responses"),
        pytest.param(httpx.Response(200), id="empty-body"),
        pytest.param(httpx.Response(404), id="404-empty"),
        pytest.param(httpx.Response(404, text="No product found"), id="404-text"),
    ],
)
async def test_every_way_of_saying_nothing_is_an_empty_listing(answer: httpx.Response) -> None:
    listing = await read(answer)

    assert (listing.entities, listing.partial) == ({}, False)
    # Without the key of a collection a fault, or a wrong url, would be answered in the same way: people are told.
    clear = any(key in answer.text for key in ("value", "responses", "[]"))
    assert listing.ambiguous_empty == (not clear)
    assert bool(listing.warnings) == listing.ambiguous_empty


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(200, json={"value": [ONE]}), id="value"),
        pytest.param(httpx.Response(200, json={"@odata.count": "1", "value": [ONE]}), id="count-as-text"),
        pytest.param(httpx.Response(200, json={"responses": [ONE]}), id="responses"),
        pytest.param(httpx.Response(200, json=[ONE]), id="bare-list"),
        pytest.param(httpx.Response(200, json=ONE), id="bare-object"),
        pytest.param(httpx.Response(200, json={"value": ONE}), id="object-as-value"),
        pytest.param(httpx.Response(200, html='{"value": [' + httpx.Response(200, json=ONE).text + "]}"), id="as-html"),
    ],
)
async def test_every_envelope_is_opened(answer: httpx.Response) -> None:
    assert keys(await read(answer)) == ["id-1"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(httpx.Response(200, html="<html>log in</html>"), "(char 0): <html>log in", id="login-page"),
        pytest.param(httpx.Response(404, html="\n<!DOCTYPE html><html>"), "answers 404", id="404-page"),
        pytest.param(httpx.Response(200, json={"error": {"code": 1}}), "not an OData collection", id="error"),
        pytest.param(httpx.Response(200, json={"value": ["a"]}), "not an OData collection", id="list-of-text"),
        pytest.param(httpx.Response(200, json={"value": "a"}), "not an OData collection", id="text-as-value"),
        pytest.param(httpx.Response(200, json="nothing"), "not an OData collection", id="text"),
        pytest.param(httpx.Response(200, text="null"), "not an OData collection", id="null"),
        pytest.param(httpx.Response(200, json={"Name": "a"}), "not an OData collection", id="object-without-id"),
        pytest.param(httpx.Response(200, text='{"value": ['), "is not JSON", id="cut-off"),
        pytest.param(httpx.Response(403, text="forbidden"), "answers 403: forbidden", id="403"),
        pytest.param(httpx.Response(500, text="boom"), "answers 500", id="500"),
        pytest.param(httpx.Response(302), "answers 302", id="redirect-to-nowhere"),
        pytest.param(httpx.Response(418, text="x" * 5000), "answers 418: xxx", id="long"),
    ],
)
async def test_what_is_no_collection_is_an_error_of_the_station(answer: httpx.Response, said: str) -> None:
    with pytest.raises(StationError, match=r"^adgs: ") as caught:
        await read(answer)

    assert said in str(caught.value)
    assert len(str(caught.value)) < 400
    assert not isinstance(caught.value, QueryRefusedError | AuthenticationError)


@pytest.mark.parametrize("status", [400, 501])
async def test_a_query_that_is_refused_is_an_error_of_its_own(status: int) -> None:
    with pytest.raises(QueryRefusedError, match=r"^adgs: .*\(\d+\): no viable"):
        await read(httpx.Response(status, text="no viable alternative"))


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("page_size", [2, 3, 5, 6, 7, 10, 20, 1000])
@pytest.mark.parametrize("size", [0, 1, 2, 5, 6, 10, 20, 21])
async def test_a_collection_is_read_whole_in_its_order_with_pages_of_any_size(
    size: int, page_size: int, counts: bool
) -> None:
    listing = await read(paged(collection(size), counts=counts), page_size=page_size)

    assert keys(listing) == ids(*range(size))
    assert (listing.partial, listing.warnings) == (False, [])


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("most", [1, 2, 4, 5, 6, 7, 10])
async def test_a_service_that_keeps_its_pages_shorter_is_read_whole(most: int, counts: bool) -> None:
    listing = await read(paged(collection(20), most=most, counts=counts), page_size=1000)

    assert keys(listing) == ids(*range(20))
    assert not listing.partial


async def test_a_collection_that_is_counted_out_is_asked_for_once() -> None:
    listing, requests = await read_with_requests(paged(collection(7)))

    assert listing.pages == len(requests) == 1


async def test_the_pages_are_asked_for_by_one_order_key_with_top_skip_count_and_expand() -> None:
    _, requests = await read_with_requests(paged(collection(12), counts=False), page_size=10)

    asked = [options(request) for request in requests]
    assert {each["$orderby"] for each in asked} == {"PublicationDate asc"}
    assert {(each["$top"], each["$count"], each["$expand"]) for each in asked} == {("10", "true", "Attributes")}
    assert [each["$skip"] for each in asked] == ["0", "5", "7"]


@pytest.mark.parametrize("value", ["wrong", None, "", [], -1, True])
async def test_a_count_that_is_none_is_not_relied_on(value: object) -> None:
    service = paged(collection(7), counts=False, envelope={"@odata.count": value})

    assert keys(await read(service, page_size=5)) == ids(*range(7))


async def test_a_count_that_promises_more_than_there_is_makes_the_listing_partial() -> None:
    listing = await read(paged(collection(3), counts=False, envelope={"@odata.count": 5}))

    assert keys(listing) == ids(0, 1, 2)
    assert listing.partial
    assert "2 or more may be missing" in listing.warnings[0]


async def test_a_full_page_is_not_the_end_whatever_the_count_says() -> None:
    listing = await read(paged(collection(9), counts=False, envelope={"@odata.count": 5}), page_size=5)

    assert keys(listing) == ids(*range(9))


@pytest.mark.parametrize("form", ["absolute", "relative", "query"])
async def test_links_to_the_next_page_are_followed(service: Service, form: str) -> None:
    root = {"absolute": f"{service.url}/auxip/Products", "relative": "Products", "query": ""}[form]
    service.on(
        PATH,
        products(numbered(1), **{"@odata.nextLink": f"{root}?$skiptoken=a b'c"}),
        products(**{"@odata.nextLink": f"{root}?$skiptoken=2"}),
        products(numbered(2)),
    )

    async with StationConnection(service.station()) as connection:
        listing = await read_all(connection, QUERY)

    assert keys(listing) == ids(1, 2)
    assert [options(request).get("$skiptoken") for request in service.requests] == [None, "a b'c", "2"]


async def test_a_link_to_another_host_is_followed_without_the_credentials(
    service: Service, elsewhere: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "k3y")
    service.on(PATH, products(numbered(1), **{"@odata.nextLink": f"{elsewhere.url}/more"}))
    elsewhere.on("/more", products(numbered(2)))

    async with StationConnection(service.station({"kind": "api_key", "key": {"env": "KEY"}})) as connection:
        assert keys(await read_all(connection, QUERY)) == ids(1, 2)

    assert service.requests[0].headers["x-api-key"] == "k3y"
    assert "x-api-key" not in elsewhere.requests[0].headers


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("http://station.example/auxip/Products?$skiptoken=1", "go in circles"),
        ("ftp://station.example/", "not an HTTP address"),
        ("/auxip/gone", "answers 404"),
        ("http://host:port/", "not an HTTP address"),
    ],
)
async def test_a_link_that_leads_nowhere_is_an_error(link: str, said: str) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(StationError, match=rf"^adgs: .*({said})"):
            await read(products(ONE, **{"@odata.nextLink": link}))


async def test_a_link_that_is_no_text_is_no_link() -> None:
    assert keys(await read(products(ONE, **{"@odata.nextLink": 5, "@odata.count": 1}))) == ["id-1"]


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("size", [5, 12])
async def test_a_service_that_ignores_skip_with_a_full_page_is_an_error_never_the_end(size: int, counts: bool) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        count = {"@odata.count": size} if counts else {}
        return products(*collection(size)[: int(options(request)["$top"])], **count)

    with pytest.raises(StationError, match=r"^adgs: .* repeats the same page of 5 whatever is asked for"):
        await read(answer, page_size=5)


async def test_a_service_that_ignores_skip_is_read_where_all_fits_on_a_page() -> None:
    listing = await read(products(*collection(5)), page_size=6)

    assert keys(listing) == ids(*range(5))
    assert not listing.partial


async def test_an_entity_that_stands_on_two_pages_is_listed_once() -> None:
    twice = [*collection(6), *collection(6)[3:], *collection(9)[6:]]

    assert keys(await read(paged(twice, counts=False), page_size=8)) == ids(*range(9))


@pytest.mark.parametrize("fault", [httpx.Response(500), httpx.Response(403), httpx.Response(200, text="<html>")])
async def test_a_page_that_fails_in_the_middle_is_an_error_never_the_end(fault: httpx.Response) -> None:
    with pytest.raises(StationError):
        await read(paged(collection(20)), fault, page_size=10)


async def test_entities_without_a_key_are_kept_apart() -> None:
    nameless = [numbered(2) | {"Id": None}, {"Name": "S1A_AUX_3.EOF", "PublicationDate": "2026-11-01"}]

    listing = await read(paged([numbered(0), numbered(1), *nameless, numbered(4)], counts=False), page_size=4)

    assert keys(listing) == ids(0, 1, 4)
    assert listing.keyless == nameless


async def test_a_collection_that_shrinks_between_two_pages_is_read_again() -> None:
    states = [collection(20), collection(20)[12:]]

    listing = await read(paged(lambda: states.pop(0) if len(states) > 1 else states[0]), page_size=10)

    assert set(ids(*range(12, 20))) <= set(keys(listing))
    assert not listing.partial


async def test_a_collection_in_which_known_entities_move_to_the_end_is_read_again() -> None:
    republished = [numbered(number, PublicationDate="2026-11-01T23:00:00.000Z") for number in range(10)]
    states = [collection(20), [*collection(20)[10:], *republished]]

    listing = await read(paged(lambda: states.pop(0) if len(states) > 1 else states[0], counts=False), page_size=10)

    assert set(keys(listing)) == set(ids(*range(20)))
    assert listing.entities["id-3"]["PublicationDate"] == "2026-11-01T23:00:00.000Z"


async def test_a_known_entity_that_moves_to_the_seam_of_two_pages_hides_nothing() -> None:
    moved = numbered(1, PublicationDate=numbered(3)["PublicationDate"].replace("000Z", "500Z"))
    states = [collection(6), [numbered(3), moved, numbered(4), numbered(5)]]

    listing = await read(paged(lambda: states.pop(0) if len(states) > 1 else states[0], counts=False), page_size=3)

    assert set(ids(3, 4, 5)) <= set(keys(listing))


async def test_a_collection_that_never_stands_still_is_said_to_be_partial() -> None:
    offset = 0

    def moving() -> list[Entity]:
        nonlocal offset
        offset += 50
        return [numbered(number) for number in range(offset, offset + 30)]

    listing = await read(paged(moving), page_size=10)

    assert listing.partial
    assert "changed while it was read" in listing.warnings[0]


async def test_a_count_asks_for_one_entity() -> None:
    service = Service().on(PATH, paged(collection(20)))
    async with StationConnection(service.station(), transport=httpx.MockTransport(service)) as connection:
        assert await count(connection, QUERY) == (20, [numbered(0)])
    assert options(service.requests[0])["$top"] == "1"


async def test_the_filter_arrives_as_it_was_meant_whatever_its_characters(service: Service) -> None:
    service.on(PATH, products())
    name = literal("it's+1 & #2=3%41?é")
    wanted = f"Name eq {name} and not (Id eq 'a,b')"

    async with StationConnection(service.station()) as connection:
        await read_all(connection, Query("Products", wanted))

    raw = service.requests[0].url.query.decode()
    sent = next(part for part in raw.split("&") if part.startswith(("$filter=", "%24filter=")))
    assert "+" not in sent
    assert "#" not in sent
    assert unquote(sent.partition("=")[2]) == wanted
    assert "it''s" in wanted


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    assert moment(START.replace(microsecond=123_999)) == "2026-11-01T00:00:00.123Z"


class Moving:
    """A collection that changes before some of the requests, and then stands still."""

    def __init__(self, size: int, changes: list[tuple[str, int, int]]) -> None:
        self._changes = list(changes)
        self._next = 1000
        self.entities = [numbered(1000 * number) for number in range(1, size + 1)]
        self.always = {str(entity["Id"]) for entity in self.entities}

    def __call__(self) -> list[Entity]:
        if self._changes:
            self._change(*self._changes.pop(0))
        return self.entities

    def _change(self, kind: str, place: int, how_many: int) -> None:
        for _ in range(how_many):
            self._next += 1
            if kind == "come":
                second = 1000 * (place % 25) + self._next % 1000
                self.entities.append(
                    numbered(self._next * 100_000, PublicationDate=numbered(second)["PublicationDate"])
                )
            elif self.entities:
                entity = self.entities.pop(place % len(self.entities))
                self.always.discard(str(entity["Id"]))
                if kind == "move":
                    stamp = numbered(80_000 + self._next % 1000)["PublicationDate"]
                    self.entities.append(entity | {"PublicationDate": stamp})
                    self.always.add(str(entity["Id"]))
        self.entities.sort(key=lambda entity: (entity["PublicationDate"], entity["Id"]))


CHANGES = st.lists(
    st.tuples(st.sampled_from(["stay", "come", "go", "move"]), st.integers(0, 24), st.integers(1, 8)).map(
        lambda change: ("come", 0, 0) if change[0] == "stay" else change
    ),
    max_size=8,
)


@given(st.integers(0, 24), st.integers(2, 30), st.booleans(), CHANGES)
@settings(max_examples=300, deadline=None)
def test_a_moving_collection_gives_all_that_was_there_all_the_time_once_or_says_that_it_is_partial(
    size: int, page_size: int, counts: bool, changes: list[tuple[str, int, int]]
) -> None:
    moving = Moving(size, changes)

    listing = asyncio.run(read_moving(moving, page_size, counts))

    assert listing.partial or moving.always <= set(listing.entities)


@given(st.integers(0, 24), st.integers(2, 30), st.booleans(), CHANGES)
@settings(max_examples=300, deadline=None)
def test_a_collection_that_comes_to_rest_gives_all_that_was_there_all_the_time(
    size: int, page_size: int, counts: bool, changes: list[tuple[str, int, int]]
) -> None:
    moving = Moving(size, changes[:2])

    listing = asyncio.run(read_moving(moving, page_size, counts))

    assert moving.always <= set(listing.entities)
    assert not listing.partial


async def read_moving(moving: Moving, page_size: int, counts: bool) -> Listing:
    service = Service().on(PATH, paged(moving, counts=counts))
    async with StationConnection(
        service.station(page_size=page_size), transport=httpx.MockTransport(service)
    ) as connection:
        return await read_all(connection, QUERY)


async def test_a_later_page_that_is_not_found_is_an_error_and_never_the_end() -> None:
    first = httpx.Response(200, json={"value": collection(10)})

    with pytest.raises(StationError, match="404"):
        await read(first, httpx.Response(404), page_size=10)
