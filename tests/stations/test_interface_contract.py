"""What every interface of the package keeps to, each held against its simulated station."""

import copy
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pystac import Item

from rs_assets.errors import StationError
from rs_assets.ingest import Platform, ingest
from rs_assets.ingest.opening import OpenStation, open_station
from rs_assets.items.completeness import is_complete, missing_from
from rs_assets.items.validation import item_error
from rs_assets.selection import matches, parse
from rs_assets.settings import Station, interface_names, load_interface, parse_settings
from rs_assets.settings.interfaces import BUILT_IN
from rs_assets.stations.interface import StationInterface
from rs_assets.stations.registry import interface_of
from rs_assets.stations.window import Partition, Window
from tests.downlink import downlink_platform
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, assert_catalogue_is_true, settings_text

INTERFACES = [entry.name for entry in BUILT_IN]
HOUR = timedelta(hours=1)
_DAYS = count()


@dataclass
class Rig:
    """A platform whose only station speaks one interface, and a day of its own on which the station has nothing yet."""

    platform: Platform
    simulated: SimulatedStation
    publish: Callable[[datetime], str]
    """Publishes something at a time; the id of its item."""
    publish_unreadable: Callable[[datetime], object]
    """Publishes something that cannot become an item."""
    day: datetime

    @property
    def station(self) -> Station:
        """The station."""
        [station] = self.platform.settings.stations
        return station

    @property
    def interface(self) -> StationInterface:
        """What it speaks."""
        return interface_of(self.station)

    @property
    def partition(self) -> Partition:
        """The day, of the mission that everything is published for."""
        return Partition.parse(f"{self.day:%Y-%m-%d}|S1", self.station.window)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[OpenStation]:
        """The station, connected; a request that fails is not tried again."""
        async with open_station(self.platform, self.station, tries_once=True) as opened:
            yield opened

    async def found(self) -> list[Item]:
        """What the station lists for the day."""
        async with self.opened() as opened:
            return (await opened.search.search(self.partition.window, "S1")).items


def _products(simulated: SimulatedStation, home: Path, day: datetime) -> Rig:
    def publish(at: datetime, **changes: Any) -> str:
        attributes = {"platformShortName": "SENTINEL-1", "productType": "AUX_TEST"}
        fields = {"Name": f"S1A_AUX_{uuid4().hex}.EOF", "size": 1000, "PublicationDate": at.isoformat()} | changes
        return str(simulated.add(Attributes=attributes, **fields)["Name"]).removesuffix(".EOF")

    platform = Platform.open(parse_settings(settings_text(simulated.url, start="2010-01-01"), base=home))
    return Rig(platform, simulated, publish, lambda at: publish(at, Id=""), day)


def _observations(simulated: SimulatedStation, home: Path, day: datetime) -> Rig:
    def publish(at: datetime, **changes: Any) -> str:
        attributes = {"platformShortName": "SENTINEL-1", "productType": "IW_GRDH_1S"}
        fields = {"Name": f"S1A_IW_{uuid4().hex}.SAFE.zip", "size": 1000, "PublicationDate": at.isoformat()} | changes
        return str(simulated.add_observation(Attributes=attributes, **fields)["Name"]).removesuffix(".zip")

    text = settings_text(simulated.url, products_of="prip", start="2010-01-01", collection="{mission}_prip")
    platform = Platform.open(parse_settings(text, base=home))
    return Rig(platform, simulated, publish, lambda at: publish(at, Id=""), day)


def _sessions(simulated: SimulatedStation, home: Path, day: datetime) -> Rig:
    def publish(at: datetime, **changes: Any) -> str:
        order = {"start": at.isoformat(), "chunks": 2, "chunk_size": 1000} | changes
        return str(simulated.order_session("sessions", **order).get("SessionId"))

    def publish_unreadable(at: datetime) -> str:
        return publish(at, without=["SessionId"])

    return Rig(downlink_platform(simulated, home), simulated, publish, publish_unreadable, day)


SIMULATED: Mapping[str, Callable[[SimulatedStation, Path, datetime], Rig]] = {
    "auxip": _products,
    "prip": _observations,
    "cadip": _sessions,
}
"""How a platform is made for each interface, whose station the simulator plays."""


@pytest.fixture(params=INTERFACES)
def rig(
    request: pytest.FixtureRequest, station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Rig:
    """Each interface in turn."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    day = datetime(2013, 1, 1, tzinfo=UTC) + timedelta(days=3 * next(_DAYS))
    return SIMULATED[request.param](station, tmp_path, day)


def test_every_interface_of_the_package_is_held_to_the_contract() -> None:
    assert set(SIMULATED) == set(INTERFACES)


@pytest.mark.parametrize("name", interface_names())
def test_an_interface_says_what_the_package_has_to_know_of_it(name: str) -> None:
    interface = load_interface(name)

    assert isinstance(interface, StationInterface)
    assert interface.name == name
    assert issubclass(interface.settings, Station)
    assert all([interface.contents.title, interface.contents.description, interface.contents.keyword])
    assert interface.kinds
    assert interface.vocabulary is not None


async def test_a_search_gives_what_was_published_in_the_window_once_and_in_order(rig: Rig) -> None:
    rig.publish(rig.day - HOUR)
    wanted = [rig.publish(rig.day + hours * HOUR) for hours in (3, 1, 2)]
    rig.publish(rig.day + 25 * HOUR)

    assert [item.id for item in await rig.found()] == [wanted[1], wanted[2], wanted[0]]


async def test_a_search_of_a_part_of_a_window_gives_that_part(rig: Rig) -> None:
    first, second = rig.publish(rig.day + HOUR), rig.publish(rig.day + 5 * HOUR)

    windows = [Window(rig.day, rig.day + 4 * HOUR), Window(rig.day + 4 * HOUR, rig.day + 24 * HOUR)]
    async with rig.opened() as opened:
        parts = [await opened.search.search(window, "S1") for window in windows]

    assert [[item.id for item in part.items] for part in parts] == [[first], [second]]


async def test_a_search_that_finds_nothing_says_so_without_doubt(rig: Rig) -> None:
    async with rig.opened() as opened:
        answer = await opened.search.search(rig.partition.window, "S1")

    assert (answer.items, answer.rejected, answer.partial) == ([], [], False)
    assert answer.query


async def test_an_item_is_valid_and_names_its_station_s_keys_and_where_its_files_are(rig: Rig) -> None:
    rig.publish(rig.day + HOUR)

    [item] = await rig.found()

    assert item_error(item.to_dict(include_self_link=False)) is None
    field = f"{rig.interface.name}:id"
    holders = (
        [asset.extra_fields for asset in item.assets.values()] if rig.interface.has_sessions else [item.properties]
    )
    assert holders
    assert all(isinstance(each[field], str) and each[field] for each in holders)
    assert all(asset.href.startswith(str(rig.station.url)) for asset in item.assets.values())


@pytest.mark.parametrize("more", ["", " AND published < TIMESTAMP('{noon}')", " AND id = '{first}'"])
async def test_find_gives_what_the_filter_selects_among_all(rig: Rig, more: str) -> None:
    published = [rig.publish(rig.day + hours * HOUR) for hours in (1, 11, 13)]
    begin, noon, end = (f"{rig.day + hours * HOUR:%Y-%m-%dT%H:%M:%SZ}" for hours in (0, 12, 24))
    day = f"published >= TIMESTAMP('{begin}') AND published < TIMESTAMP('{end}')"
    expression = parse(day + more.format(noon=noon, first=published[0]))

    async with rig.opened() as opened:
        found = (await opened.search.find(expression)).items

    listed = await rig.found()
    assert {item.id for item in listed} == set(published)
    assert {item.id for item in found} == {item.id for item in listed if matches(expression, item)}
    assert found


async def test_what_cannot_become_an_item_is_reported_and_costs_no_neighbour(rig: Rig) -> None:
    wanted = rig.publish(rig.day + HOUR)
    rig.publish_unreadable(rig.day + 2 * HOUR)
    other = rig.publish(rig.day + 3 * HOUR)

    async with rig.opened() as opened:
        answer = await opened.search.search(rig.partition.window, "S1")

    assert [item.id for item in answer.items] == [wanted, other]
    assert len(answer.rejected) == 1
    assert answer.rejected[0].reason


async def test_following_sees_what_was_published_since_with_its_mission_and_window(rig: Rig) -> None:
    rig.publish(rig.day + HOUR)
    rig.publish(rig.day + 5 * HOUR)
    rig.simulated.set_clock(rig.day + 12 * HOUR)

    async with rig.opened() as opened:
        late = await opened.search.published_since(rig.day + 4 * HOUR)
        every = await opened.search.published_since(rig.day)

    assert late.is_whole
    assert {each.key for each in late.listed} < {each.key for each in every.listed}
    assert all(each.published >= rig.day + 4 * HOUR for each in late.listed)
    assert {each.mission for each in every.listed} == {"S1"}
    assert all(each.window_time is not None and each.window_time in rig.partition.window for each in every.listed)


async def test_completeness_is_pure_and_stated_on_a_copy(rig: Rig) -> None:
    rig.publish(rig.day + HOUR)
    [item] = await rig.found()
    before, now = copy.deepcopy(item.to_dict()), rig.day + 2 * HOUR

    missing = [rig.interface.missing(item, rig.station, now) for _ in range(2)]
    stated = rig.interface.stated(item, rig.station, now, ["a file that is not in the store"])

    assert missing[0] == missing[1]
    assert item.to_dict() == before
    if rig.interface.has_sessions:
        assert not is_complete(stated)
        assert missing_from(stated) == (*missing[0], "a file that is not in the store")
    else:
        assert missing[0] == ()
        assert is_complete(stated)


async def test_what_it_lists_is_staged_and_catalogued_and_not_moved_again(rig: Rig) -> None:
    wanted = rig.publish(rig.day + HOUR)
    rig.simulated.forget()

    for _ in range(2):
        assert [report.error async for report in ingest(rig.platform, rig.station.name, [rig.partition])] == [None]
    assert rig.platform.catalog.get(rig.station.collection_of("S1"), wanted) is not None
    assert assert_catalogue_is_true(rig.platform) >= 1
    downloads = rig.simulated.downloads()
    assert downloads
    assert len(set(downloads)) == len(downloads)


async def test_a_station_that_answers_with_errors_is_an_error_that_begins_with_its_name(rig: Rig) -> None:
    rig.simulated.fault(path_contains=rig.interface.name, status=500)

    async with rig.opened() as opened:
        for ask in (
            lambda: opened.search.search(rig.partition.window, "S1"),
            lambda: opened.search.published_since(rig.day),
        ):
            with pytest.raises(StationError, match=f"^{rig.station.name}"):
                await ask()
