"""The assets in Dagster: partitions, metadata, failures, checks."""

import dagster as dg
import pytest

from rs_assets.defs.location import code_location
from rs_assets.ingest import Platform
from rs_assets.settings import parse_settings
from tests.defs.runs import STEPS, Runs
from tests.platform import SimulatedStation, assert_catalogue_is_true, settings_text


def test_one_more_station_in_the_settings_is_one_more_group_of_three_assets() -> None:
    text = settings_text("http://127.0.0.1:9")
    document = parse_settings(text).model_dump(mode="json")
    second = document["stations"][0] | {"name": "adgs_two", "missions": ["S2"]}
    settings = parse_settings(text).model_validate(document | {"stations": [*document["stations"], second]})

    graph = code_location(settings).resolve_asset_graph()

    assert {key.to_user_string() for key in graph.get_all_asset_keys()} == {
        f"{group}/{step}" for group in ("adgs", "adgs_two", "on_demand") for step in STEPS
    }
    node = graph.get(dg.AssetKey(["adgs_two", "staged_files"]))
    assert node.group_name == "adgs_two"
    assert node.parent_keys == {dg.AssetKey(["adgs_two", "search_results"])}
    assert node.owners == ["team:operations"]
    assert node.description
    assert node.partitions_def is not None
    assert node.partitions_def.has_partition_key("2026-11-01|S2")


def test_the_kinds_of_an_asset_are_those_of_its_interface_store_and_catalogue() -> None:
    document = parse_settings(settings_text("http://127.0.0.1:9")).model_dump(mode="json")
    bucket = {"kind": "s3", "url": "s3://bucket"}
    settings = parse_settings(settings_text("http://127.0.0.1:9")).model_validate(document | {"store": bucket})

    graph = code_location(settings).resolve_asset_graph()

    kinds = {key.to_user_string(): graph.get(key).kinds for key in graph.get_all_asset_keys()}
    assert kinds == {
        "adgs/search_results": {"odata", "stac"},
        "adgs/staged_files": {"s3"},
        "adgs/catalog_items": {"stac", "sqlite"},
        "on_demand/search_results": {"stac"},
        "on_demand/staged_files": {"s3"},
        "on_demand/catalog_items": {"stac", "sqlite"},
    }


def test_loading_the_definitions_needs_no_secret_and_opens_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("untouched")

    dg.Definitions.validate_loadable(code_location(parse_settings(settings_text("http://127.0.0.1:9"), base=directory)))

    assert list(directory.iterdir()) == []


def test_a_partition_materialises_with_its_numbers(runs: Runs, platform: Platform) -> None:
    result = runs.materialize("2026-10-01|S1")

    assert result.success
    search = runs.materialized("search_results")["2026-10-01|S1"].metadata
    staged = runs.materialized("staged_files")["2026-10-01|S1"].metadata
    published = runs.materialized("catalog_items")["2026-10-01|S1"].metadata
    found = search["found"].value
    assert isinstance(found, int)
    assert found > 10
    assert staged["staged"].value == published["created"].value == assert_catalogue_is_true(platform) == found
    for name in ("new", "evicted_since", "total_size_mb", "product_types", "pages", "query", "window"):
        assert name in search
    for name in ("skipped", "failed", "moved_mb", "mb_per_second", "retries"):
        assert name in staged
    for name in ("updated", "unchanged", "collection", "catalog"):
        assert name in published


def test_a_run_over_many_partitions_gives_each_its_own_numbers(runs: Runs) -> None:
    result = runs.materialize("2026-10-01|S1", "2026-10-02|S2")

    assert result.success
    for step in STEPS:
        assert set(runs.materialized(step)) == {f"2026-10-0{day}|S{mission}" for day in (1, 2) for mission in (1, 2)}
    search = runs.materialized("search_results")
    queries = {str(entry.metadata["query"].value) for entry in search.values()}
    assert len(queries) == 4


def test_a_failed_search_leaves_the_other_partitions_of_its_run_recorded(
    runs: Runs, platform: Platform, station: SimulatedStation
) -> None:
    station.fault(path_contains="Products", query_contains="PublicationDate gt 2026-10-01", status=500)

    result = runs.materialize("2026-10-01|S1", "2026-10-03|S1")

    assert not result.success
    for step in STEPS:
        assert set(runs.materialized(step)) == {"2026-10-01|S1", "2026-10-03|S1"}
    [failure] = result.get_step_failure_events()
    assert failure.step_failure_data.user_failure_data is not None
    description = failure.step_failure_data.user_failure_data.description
    assert description is not None
    assert description.startswith("1 of 3 partitions failed.\n2026-10-02|S1: adgs:")
    assert assert_catalogue_is_true(platform) > 20
    assert runs.check("staged_files", "every_file_staged").passed


def test_the_check_stays_red_until_its_file_is_staged_whatever_other_partitions_do(
    runs: Runs, station: SimulatedStation
) -> None:
    attributes = {"platformShortName": "SENTINEL-1", "productType": "AUX_TEST"}
    entity = station.add(
        Name="S1A_AUX_RED.EOF", size=1000, PublicationDate="2026-10-04T10:00:00Z", Attributes=attributes
    )
    station.fault(path_contains=entity["Id"], truncate_bytes=10)
    assert runs.materialize("2026-10-04|S1").success
    red = runs.check("staged_files", "every_file_staged")
    runs.materialize("2026-10-05|S2")
    still_red = runs.check("staged_files", "every_file_staged")
    station.reset()

    runs.materialize("2026-10-04|S1")

    for verdict in (red, still_red):
        assert not verdict.passed
        assert verdict.severity is dg.AssetCheckSeverity.ERROR
        assert verdict.description is not None
        assert "S1A_AUX_RED.EOF (2026-10-04|S1)" in verdict.description
    assert runs.check("staged_files", "every_file_staged").passed
    assert [path for path in station.downloads() if entity["Id"] not in path] == []


def test_the_checks_of_a_failed_run_are_evaluated_too(runs: Runs, station: SimulatedStation) -> None:
    station.fault(path_contains="Products", query_contains="PublicationDate gt 2026-10-01", status=500)
    station.fault(path_contains="$value", status=404, times=1)

    assert not runs.materialize("2026-10-01|S3", "2026-10-02|S3").success

    assert not runs.check("staged_files", "every_file_staged").passed


def test_one_asset_alone_works_on_what_the_others_left_in_the_store(runs: Runs, station: SimulatedStation) -> None:
    runs.materialize("2026-10-06|S1", steps=("search_results",))
    assert station.downloads() == []
    runs.materialize("2026-10-06|S1", steps=("staged_files",))
    result = runs.materialize("2026-10-06|S1", steps=("catalog_items",))

    assert result.success
    created = runs.materialized("catalog_items")["2026-10-06|S1"].metadata["created"].value
    assert created == runs.materialized("search_results")["2026-10-06|S1"].metadata["found"].value
    assert len(runs.materialized("search_results")) == 1


def test_the_run_config_limits_what_is_staged(runs: Runs) -> None:
    runs.materialize("2026-10-06|S1", config={"limit": 2, "retries": 0})

    metadata = runs.materialized("staged_files")["2026-10-06|S1"].metadata
    assert metadata["staged"].value == 2


@pytest.mark.parametrize(("config", "key"), [({"limit": -1}, "limit"), ({"retries": -1}, "retries")])
def test_a_run_config_that_makes_no_sense_is_refused_before_the_station_is_asked(
    runs: Runs, station: SimulatedStation, config: dict[str, object], key: str
) -> None:
    result = runs.materialize("2026-10-06|S1", config=config)

    [failure] = result.get_step_failure_events()
    assert key in str(failure.step_failure_data.error)
    assert station.log() == []


def test_an_hourly_station_has_hourly_partitions() -> None:
    settings = parse_settings(settings_text("http://127.0.0.1:9", window="hour"))

    node = code_location(settings).resolve_asset_graph().get(dg.AssetKey(["adgs", "search_results"]))

    assert node.partitions_def is not None
    assert node.partitions_def.has_partition_key("2026-11-01-13:00|S1")


def test_a_backfill_is_split_into_runs_of_the_size_in_the_settings() -> None:
    settings = parse_settings(settings_text("http://127.0.0.1:9", keys_per_run=7))

    node = code_location(settings).resolve_asset_graph().get(dg.AssetKey(["adgs", "search_results"]))

    assert node.backfill_policy == dg.BackfillPolicy.multi_run(7)
