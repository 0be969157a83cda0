"""A superset is asked of the station, and what belongs to a window and a mission is decided at home."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from rs_assets.errors import AuthenticationError, StationError
from rs_assets.items.times import format_time
from rs_assets.settings import TimeField
from rs_assets.stations.auxip import INTERFACE
from rs_assets.stations.http import StationConnection
from rs_assets.stations.registry import interface_of
from rs_assets.stations.search import Answer
from rs_assets.stations.window import Window

from .searching import DAY, MISSIONS, START, Entity, by_time, entity, numbered, options, paged
from .service import Reply, Service, products

PATH = "/auxip/Products"
MICROSECOND = timedelta(microseconds=1)

Handler = Callable[[httpx.Request], httpx.Response]


class Search:
    """A search of a station that answers as the script says."""

    def __init__(self, *replies: Reply, **settings: Any) -> None:
        self.service = Service().on(PATH, *replies)
        self.station = self.service.station(**({"missions": ("S1", "S2", "S3", "other")} | settings))

    async def __call__(self, mission: str = "S1", window: Window = DAY) -> Answer:
        transport = httpx.MockTransport(self.service)
        async with StationConnection(self.station, transport=transport) as connection:
            return await INTERFACE.search(connection, MISSIONS).search(window, mission)

    @property
    def filters(self) -> list[str]:
        return [options(request)["$filter"] for request in self.service.requests]


def names(answer: Answer) -> list[str]:
    return [next(iter(item.assets)) for item in answer.items]


def attributes(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def published(moment: datetime, name: str = "S1A_A.EOF") -> Entity:
    return {"Id": f"{name}-{moment.isoformat()}", "Name": name, "PublicationDate": format_time(moment)}


MIXED = [
    published(START - MICROSECOND, "S1A_before.EOF"),
    published(START, "S1A_first.EOF"),
    published(START + timedelta(hours=1), "S2A_other_mission.EOF"),
    published(START + timedelta(hours=2), "GRIB_stray.nc"),
    published(DAY.end - MICROSECOND, "S1A_last.EOF"),
    published(DAY.end, "S1A_after.EOF"),
]


async def test_a_window_is_asked_for_with_strict_bounds_a_little_wider_and_a_mission_by_name_and_platform() -> None:
    search = Search(products(numbered(1), **{"@odata.count": 1}))

    answer = await search()

    assert search.filters == [answer.query]
    assert answer.query == (
        "PublicationDate gt 2026-10-31T23:59:59.000Z and PublicationDate lt 2026-11-02T00:00:01.000Z"
        " and (startswith(Name,'S1') or Attributes/OData.CSC.StringAttribute/any(att:att/Name eq 'platformShortName'"
        " and att/OData.CSC.StringAttribute/Value eq 'SENTINEL-1'))"
    )


async def test_a_service_that_ignores_the_filter_gives_exactly_the_window_and_the_mission() -> None:
    search = Search(paged(MIXED))

    assert names(await search("S1")) == ["S1A_first.EOF", "S1A_last.EOF"]
    assert names(await search("S2")) == ["S2A_other_mission.EOF"]


async def test_the_partition_other_gathers_what_belongs_to_no_mission_and_is_asked_for_by_time_alone() -> None:
    search = Search(paged(MIXED))

    answer = await search("other")

    assert names(answer) == ["GRIB_stray.nc"]
    assert answer.unassigned is None
    assert "startswith" not in answer.query


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        (START - MICROSECOND, False),
        (START, True),
        (START + MICROSECOND, True),
        (DAY.end - MICROSECOND, True),
        (DAY.end, False),
    ],
)
async def test_the_start_of_a_window_belongs_to_it_and_its_end_does_not(moment: datetime, inside: bool) -> None:
    answer = await Search(paged([published(moment)]))()

    assert bool(answer.items) is inside
    assert answer.rejected == []


async def test_every_product_belongs_to_exactly_one_of_neighbouring_windows_and_missions() -> None:
    search = Search(paged(MIXED))
    hours = [Window(START + timedelta(hours=hour), START + timedelta(hours=hour + 1)) for hour in range(-1, 25)]

    found = [
        name for hour in hours for mission in ("S1", "S2", "S3", "other") for name in names(await search(mission, hour))
    ]

    assert sorted(found) == sorted(each["Name"] for each in MIXED)


async def test_narrowing_clauses_that_are_refused_are_left_out_with_a_warning() -> None:
    search = Search(by_time(MIXED))

    answer = await search()

    assert names(answer) == ["S1A_first.EOF", "S1A_last.EOF"]
    assert answer.query == "PublicationDate gt 2026-10-31T23:59:59.000Z and PublicationDate lt 2026-11-02T00:00:01.000Z"
    assert len(answer.warnings) == 1
    assert "asked again by time alone" in answer.warnings[0]
    assert "no viable alternative" in answer.warnings[0]


async def test_a_query_by_time_alone_that_is_refused_is_an_error() -> None:
    with pytest.raises(StationError, match=r"^adgs: .*refuses the query"):
        await Search(httpx.Response(400))()


def silent_about(clause: str, collection: list[Entity]) -> Handler:
    """A service that gives nothing, and no error, for a query with a clause that it does not know."""

    def answer(request: httpx.Request) -> httpx.Response:
        return paged([] if clause in options(request)["$filter"] else collection)(request)

    return answer


@pytest.mark.parametrize("clause", ["startswith", "Attributes/", " or "])
async def test_a_service_that_silently_gives_nothing_for_an_unknown_clause_is_asked_by_time_alone(clause: str) -> None:
    answer = await Search(silent_about(clause, MIXED))()

    assert names(answer) == ["S1A_first.EOF", "S1A_last.EOF"]
    assert "startswith" not in answer.query


async def test_an_empty_window_is_an_empty_answer() -> None:
    answer = await Search(products())()

    assert (answer.items, answer.rejected, answer.warnings, answer.partial) == ([], [], [], False)


async def test_items_come_in_the_order_of_publication_to_the_microsecond() -> None:
    moments = [START + timedelta(seconds=1), START + timedelta(seconds=1, microseconds=500), START]
    entities = [published(moment, f"S1A_{number}.EOF") for number, moment in enumerate(moments)]

    assert names(await Search(paged(entities))()) == ["S1A_2.EOF", "S1A_0.EOF", "S1A_1.EOF"]


CONTENT = [
    published(START, "S1A_valid_then.EOF") | {"ContentDate": {"Start": "2020-05-01T12:00:00Z", "End": None}},
    published(START, "S1A_valid_now.EOF") | {"ContentDate": {"Start": "2026-11-01T00:00:00Z", "End": None}},
    published(START, "S1A_ends_now.EOF") | {"ContentDate": {"Start": None, "End": "2026-11-01T00:00:00Z"}},
]


async def test_a_window_of_content_is_that_of_the_start_of_validity() -> None:
    search = Search(paged(CONTENT), time_field=TimeField.CONTENT)

    answer = await search()

    assert names(answer) == ["S1A_valid_now.EOF"]
    assert answer.query.startswith("ContentDate/Start gt 2026-10-31T23:59:59.000Z and ContentDate/Start lt ")
    assert [(rejected.name, rejected.reason) for rejected in answer.rejected] == [
        ("S1A_ends_now.EOF", "it has no ContentDate/Start, so no window")
    ]


TYPED = [
    published(START, "S1A_a.EOF") | {"Attributes": attributes(productType="AUX_RESORB")},
    published(START, "S1A_AUX_RESORB_b.EOF") | {"Attributes": attributes(productType="AUX_POEORB")},
    published(START, "S1A_AUX_RESORB_c.EOF"),
    published(START, "S1A_AUX_CAL_d.EOF"),
]


async def test_product_types_are_those_of_the_attribute_else_those_in_the_name() -> None:
    search = Search(paged(TYPED), product_types=("AUX_RESORB", "AUX_PREORB"))

    answer = await search()

    assert names(answer) == ["S1A_AUX_RESORB_c.EOF", "S1A_a.EOF"]
    assert (
        "att/Name eq 'productType' and att/OData.CSC.StringAttribute/Value in ('AUX_RESORB','AUX_PREORB')"
        in answer.query
    )


async def test_a_quote_in_a_product_type_is_doubled_and_arrives_encoded(service: Service) -> None:
    service.on(PATH, products())
    station = service.station(product_types=("it's+1&2#3",))

    async with StationConnection(station) as connection:
        await interface_of(connection.station).search(connection, MISSIONS).search(DAY, "S1")

    sent = options(service.requests[0])["$filter"]
    assert "Value eq 'it''s+1&2#3'" in sent
    assert b"%2B1%262%233" in service.requests[0].url.query


def stray_clause(request: httpx.Request) -> bool:
    return " and not (" in options(request)["$filter"]


async def test_products_of_no_mission_are_counted_where_no_partition_gathers_them() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return paged(MIXED[3:4] * 7 if stray_clause(request) else MIXED)(request)

    search = Search(answer, missions=("S1", "S2"))

    assert (await search()).unassigned == 7
    (asked,) = [text for text in search.filters if "not" in text]
    assert " and not (" in asked
    assert all(f"startswith(Name,'{name}')" in asked for name in MISSIONS)
    assert options(search.service.requests[-1])["$orderby"] == "PublicationDate asc"


async def test_products_of_no_mission_are_counted_once_for_all_missions_of_a_window(service: Service) -> None:
    service.on(PATH, paged([]))

    async with StationConnection(service.station(missions=("S1", "S2"))) as connection:
        search = INTERFACE.search(connection, MISSIONS)
        answers = [await search.search(DAY, mission) for mission in ("S1", "S2")]

    assert [answer.unassigned for answer in answers] == [0, 0]
    assert len([request for request in service.requests if stray_clause(request)]) == 1


@pytest.mark.parametrize(
    "unknowable",
    [
        pytest.param(paged(MIXED), id="ignores-the-filter"),
        pytest.param(paged(MIXED[3:4], counts=False), id="does-not-count"),
        pytest.param(httpx.Response(400), id="refuses"),
        pytest.param(httpx.Response(500), id="fails"),
        pytest.param(httpx.Response(200, text="<html>"), id="nonsense"),
    ],
)
async def test_a_number_of_strays_that_cannot_be_known_is_none_and_costs_no_item(unknowable: Reply) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if stray_clause(request):
            return unknowable(request) if callable(unknowable) else unknowable
        return paged(MIXED)(request)

    found = await Search(answer, missions=("S1", "S2"))()

    assert found.unassigned is None
    assert names(found) == ["S1A_first.EOF", "S1A_last.EOF"]


async def test_a_product_whose_platform_is_of_no_mission_is_found_by_its_name() -> None:
    foreign = entity("orbit") | {"Attributes": attributes(platformShortName="SENTINEL-6")}

    (item,) = (await Search(paged([foreign]))()).items

    assert item.properties["auxip:contradiction"] == "its platform is SENTINEL-6, its name says S1"


async def test_a_listing_that_may_lack_something_makes_the_answer_partial() -> None:
    answer = await Search(paged(MIXED, counts=False, envelope={"@odata.count": 100}))()

    assert answer.partial
    assert answer.warnings
    assert answer.items


@pytest.mark.parametrize(
    ("reply", "error"),
    [(httpx.Response(401), AuthenticationError), (httpx.Response(500), StationError)],
)
async def test_a_station_that_fails_is_an_error_never_an_empty_answer(
    reply: httpx.Response, error: type[StationError]
) -> None:
    with pytest.raises(error, match=r"^adgs: "):
        await Search(reply)()


async def test_pages_are_counted() -> None:
    answer = await Search(paged([numbered(number) for number in range(12)], counts=False), page_size=10)()

    assert answer.pages == 3
    assert len(answer.items) == 12


async def test_a_satellite_that_the_settings_do_not_know_is_itself_and_said_once() -> None:
    listed = [published(START, f"S1Z_AUX_{number}.EOF") for number in (1, 2)]

    answer = await Search(paged([*listed, published(START, "S1__AUX.EOF")]))()

    assert [item.properties.get("platform") for item in answer.items] == ["sentinel-1z", "sentinel-1z", None]
    [warning] = answer.warnings
    assert warning.startswith("S1Z is not a satellite of S1 in the settings")


async def test_a_size_of_nothing_is_not_known_yet() -> None:
    [item] = (await Search(paged([published(START) | {"ContentLength": 0}]))()).items

    [asset] = item.assets.values()
    assert "file:size" not in asset.extra_fields
