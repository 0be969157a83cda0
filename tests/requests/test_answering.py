"""A request's way from its source to its answer, over HTTP against the simulated station."""

import json
from typing import Any

import pytest
from pystac import ItemCollection

from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.requests.answering import OWNER, Answering, RequestResult
from rs_assets.requests.model import parse_request
from rs_assets.requests.results import items_path, keep_result
from rs_assets.state.requests import RequestState
from tests.platform import SimulatedStation, assert_catalogue_is_true, object_path, run


async def answered(platform: Platform, **document: Any) -> RequestResult:
    """The result of a request."""
    async with Answering(platform) as answering:
        return await answering.answer("a-request", parse_request({"source": "adgs", **document}))


def validity_of(station: SimulatedStation, name: str, start: str, end: str, **more: Any) -> dict[str, Any]:
    """Put a file of type AUX_VALID, with this validity, into the archive; its entity."""
    attributes = {"platformShortName": "SENTINEL-1", "platformSerialIdentifier": "A", "productType": "AUX_VALID"}
    fields = {"PublicationDate": "2011-03-01T00:00:00Z", "Attributes": attributes, "size": 1500} | more
    return station.add(Name=name, ContentDate={"Start": start, "End": end}, **fields)


VALID = {"product_types": ["AUX_VALID"], "start": "2011-03-02T10:00:00Z", "end": "2011-03-02T11:00:00Z"}


async def test_every_file_that_covers_the_interval_is_staged_and_catalogued(
    platform: Platform, station: SimulatedStation
) -> None:
    validity_of(station, "S1A_COVERS.EOF", "2011-03-02T09:00:00Z", "2011-03-02T12:00:00Z")
    validity_of(station, "S1A_ENDS_TOO_SOON.EOF", "2011-03-02T09:00:00Z", "2011-03-02T10:59:00Z")

    result = await answered(platform, **VALID)

    assert (result.state, result.message) == (
        RequestState.ANSWERED,
        "1 of 1 chosen items in the catalogue; 2 found",
    )
    [item] = result.items
    assert item.id == "S1A_COVERS"
    assert item.collection_id == "s1_aux"
    assert assert_catalogue_is_true(platform) == 1


async def test_a_file_whose_validity_is_exactly_the_interval_is_found(
    platform: Platform, station: SimulatedStation
) -> None:
    validity_of(station, "S1A_EXACT.EOF", "2011-03-02T10:00:00Z", "2011-03-02T11:00:00Z")

    result = await answered(platform, **VALID)

    assert "S1A_EXACT" in {item.id for item in result.items}


async def test_a_gap_is_named_with_its_bounds(platform: Platform, station: SimulatedStation) -> None:
    validity_of(
        station,
        "S1A_HALF.EOF",
        "2011-03-12T09:00:00Z",
        "2011-03-12T10:20:00Z",
        Attributes={"platformShortName": "SENTINEL-1", "productType": "AUX_HALF"},
    )
    asked = {"product_types": ["AUX_HALF"], "start": "2011-03-12T10:00:00Z", "end": "2011-03-12T11:00:00Z"}

    result = await answered(platform, **asked, policy="ValIntersect")

    assert result.choice is not None
    [entry] = result.choice.types
    [gap] = entry.coverage.gaps
    assert (gap.start.isoformat(), gap.end.isoformat()) == ("2011-03-12T10:20:00+00:00", "2011-03-12T11:00:00+00:00")
    assert result.counts.gaps == 1


async def test_a_request_for_a_satellite_gets_the_files_of_its_whole_mission_too_but_of_no_other_satellite(
    platform: Platform, station: SimulatedStation
) -> None:
    for name, serial in (("S1A_ONE.EOF", "A"), ("S1C_TWO.EOF", "C"), ("S1__ALL.EOF", "")):
        attributes = {"platformShortName": "SENTINEL-1", "productType": "AUX_UNITS"}
        attributes |= {"platformSerialIdentifier": serial} if serial else {}
        validity_of(station, name, "2011-03-02T09:00:00Z", "2011-03-02T12:00:00Z", Attributes=attributes)

    result = await answered(platform, **VALID | {"product_types": ["AUX_UNITS"]}, satellite="S1A")

    assert {item.id for item in result.items} == {"S1A_ONE", "S1__ALL"}


async def test_a_second_request_for_the_same_moves_nothing(platform: Platform, station: SimulatedStation) -> None:
    first = await answered(platform, product_types=["AUX_RESORB"], **INTERVAL)
    station.reset()

    second = await answered(platform, product_types=["AUX_RESORB"], **INTERVAL)

    assert first.items
    assert station.downloads() == []
    assert [item.to_dict() for item in second.items] == [item.to_dict() for item in first.items]


INTERVAL = {"start": "2026-10-01T10:00:00Z", "end": "2026-10-01T10:30:00Z"}


async def test_a_filter_with_limit_and_order_gets_the_first_ones(platform: Platform) -> None:
    cql2 = "\"product:type\" = 'AUX_RESORB' AND published >= TIMESTAMP('2026-10-01T00:00:00Z')"
    cql2 += " AND published < TIMESTAMP('2026-10-02T00:00:00Z')"

    result = await answered(platform, filter=cql2, limit=2, sortby="-published")

    assert result.state is RequestState.ANSWERED
    published = [item.properties["published"] for item in result.items]
    assert len(published) == 2
    assert published == sorted(published, reverse=True)
    assert result.found > 2


async def test_the_catalogue_as_source_gives_what_is_there_without_asking_a_station(
    platform: Platform, station: SimulatedStation
) -> None:
    await run(platform, "2026-10-01|S1")
    station.reset()

    result = await answered(platform, source="catalog", product_types=["AUX_RESORB"], policy="ValIntersect", **INTERVAL)

    assert result.items
    assert station.log() == []


async def test_nothing_found_is_an_answer_unless_the_request_says_that_it_is_an_error(platform: Platform) -> None:
    nothing = await answered(platform, product_types=["AUX_NONE"], **INTERVAL)
    error = await answered(platform, product_types=["AUX_NONE"], error_if_empty=True, **INTERVAL)

    assert (nothing.state, nothing.items) == (RequestState.ANSWERED, ())
    assert error.state is RequestState.FAILED
    assert error.message == "nothing was found"


async def test_a_file_that_cannot_be_staged_makes_the_answer_partial_and_the_others_are_catalogued(
    platform: Platform, station: SimulatedStation
) -> None:
    attributes = {"platformShortName": "SENTINEL-1", "productType": "AUX_PART"}
    bounds = ("2011-03-02T09:00:00Z", "2011-03-02T12:00:00Z")
    bad = validity_of(station, "S1A_BAD.EOF", *bounds, Attributes=attributes)["Id"]
    validity_of(station, "S1A_GOOD.EOF", *bounds, Attributes=attributes)
    station.fault(path_contains=bad, corrupt=True)
    asked = VALID | {"product_types": ["AUX_PART"]}

    partial = await answered(platform, **asked)
    outstanding = platform.outcomes.outstanding(OWNER)
    station.mend()
    mended = await answered(platform, **asked)

    assert partial.state is RequestState.PARTIAL
    assert [item.id for item in partial.items] == ["S1A_GOOD"]
    assert [failure.file.asset for failure in outstanding] == ["S1A_BAD.EOF"]
    assert mended.state is RequestState.ANSWERED
    assert platform.outcomes.outstanding(OWNER) == []


async def test_a_search_that_takes_too_long_fails_the_request(platform: Platform, station: SimulatedStation) -> None:
    station.fault(path_contains="Products", delay_seconds=60)

    result = await answered(platform, product_types=["AUX_RESORB"], search_timeout=0.2, **INTERVAL)

    assert (result.state, result.message) == (RequestState.FAILED, "the search took longer than 0.2 s")


async def test_a_station_that_fails_fails_the_request_with_its_reason(
    platform: Platform, station: SimulatedStation
) -> None:
    station.fault(path_contains="Products", status=503)

    result = await answered(platform, product_types=["AUX_RESORB"], **INTERVAL)

    assert result.state is RequestState.FAILED
    assert result.message.startswith("adgs: ")
    assert "503" in result.message


async def test_a_filter_that_the_station_cannot_be_asked_by_is_refused(
    platform: Platform, station: SimulatedStation
) -> None:
    result = await answered(platform, filter="constellation = 'sentinel-1'")

    assert result.state is RequestState.FAILED
    assert "would list the whole archive" in result.message
    assert not [entry for entry in station.log() if entry["path"].endswith("Products")]


@pytest.mark.parametrize("policy", ["LatestValCover", "LatestValidity", "LastCreated", "ClosestStartValidity"])
async def test_every_kind_of_policy_can_be_answered_by_a_station(
    platform: Platform, station: SimulatedStation, policy: str
) -> None:
    attributes = {"platformShortName": "SENTINEL-1", "productType": f"AUX_{policy[:9]}"}
    for name in ("S1A_A.EOF", "S1A_B.EOF"):
        validity_of(station, name, "2011-03-02T09:00:00Z", "2011-03-02T12:00:00Z", Attributes=attributes)

    result = await answered(platform, **VALID | {"product_types": [f"AUX_{policy[:9]}"]}, policy=policy)

    assert result.state is RequestState.ANSWERED
    assert len(result.items) == 1


async def test_the_result_is_an_item_collection_with_every_file_s_outcome_and_a_picture(platform: Platform) -> None:
    result = await answered(platform, product_types=["AUX_RESORB", "AUX_NONE"], policy="ValIntersect", **INTERVAL)

    picture = keep_result(platform, result, utc_now())

    path = object_path(platform.documents.url(items_path("a-request")))
    assert {item.id for item in ItemCollection.from_file(str(path))} == {item.id for item in result.items}
    facts = json.loads(path.read_text())["rs_assets"]
    assert facts["state"] == "answered"
    assert len(facts["files"]) == len(result.items)
    assert [entry["covered"] for entry in facts["coverage"]] == [True, False]
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    assert (path.parent / "timeline.png").read_bytes() == picture


async def test_of_two_publications_of_one_product_the_newest_is_the_answer(
    platform: Platform, station: SimulatedStation
) -> None:
    attributes = {"platformShortName": "SENTINEL-1", "productType": "AUX_TWICE"}
    validity_of(station, "S1A_TWICE.EOF", "2011-03-02T09:00:00Z", "2011-03-02T12:00:00Z", Attributes=attributes)
    newest = station.republish(name="S1A_TWICE.EOF")["Id"]

    result = await answered(platform, **VALID | {"product_types": ["AUX_TWICE"]})

    assert [item.properties["auxip:id"] for item in result.items] == [newest]
    assert result.counts.selected == 1


async def test_a_failed_answer_says_why_and_names_the_types_that_are_not_covered(
    platform: Platform, station: SimulatedStation
) -> None:
    attributes = {"platformShortName": "SENTINEL-1", "productType": "AUX_WHY"}
    bad = validity_of(station, "S1A_WHY.EOF", "2011-03-02T09:00:00Z", "2011-03-02T12:00:00Z", Attributes=attributes)
    station.fault(path_contains=bad["Id"], corrupt=True)
    asked = VALID | {"product_types": ["AUX_WHY", "AUX_NONE"]}

    corrupt = await answered(platform, **asked)
    station.mend()
    no_asset = await answered(platform, **asked, selected_assets=["other"])

    assert "S1A_WHY.EOF: the blake3 checksum is" in corrupt.message
    assert corrupt.message.endswith("; not covered: AUX_NONE")
    assert no_asset.state is RequestState.FAILED
    assert "it is none of the selected assets; the item has S1A_WHY.EOF" in no_asset.message


async def test_what_a_station_s_own_run_stages_later_resolves_the_failure_of_a_request(
    platform: Platform, station: SimulatedStation
) -> None:
    attributes = {"platformShortName": "SENTINEL-1", "productType": "AUX_LATER"}
    bad = validity_of(station, "S1A_LATER.EOF", "2011-03-02T09:00:00Z", "2011-03-02T12:00:00Z", Attributes=attributes)
    station.fault(path_contains=bad["Id"], corrupt=True)
    await answered(platform, **VALID | {"product_types": ["AUX_LATER"]})
    [failure] = platform.outcomes.outstanding(OWNER)
    station.mend()

    await run(platform, "2011-03-01|S1")

    assert failure.next_try is None
    assert platform.outcomes.outstanding(OWNER) == []
