import os
from datetime import date, timedelta
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from rs_assets.errors import SettingsError
from rs_assets.settings import (
    CONFIG_VARIABLE,
    DEMO_SETTINGS,
    RESERVED_COLLECTIONS,
    RESERVED_STATION_NAMES,
    InvalidSettingsError,
    Settings,
    load_settings,
    parse_settings,
)

from .documents import DOCUMENT, changed, parsed, problems_of, with_station_line

NEEDED_KEYS = ["schema_version", "missions", "store", "catalog", "state", "stations"]


def test_the_demo_settings_load_in_an_empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    settings = load_settings()

    assert settings.station("adgs").missions == ("S1", "S2", "S3")
    assert Path(settings.store.place) == tmp_path / "dagster_home/demo/store"


def test_the_environment_names_the_document_to_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = tmp_path / "mine.yaml"
    document.write_text(DOCUMENT.replace("adgs", "mine"))
    monkeypatch.setenv(CONFIG_VARIABLE, str(document))

    assert [station.name for station in load_settings().stations] == ["mine"]


def test_values_are_typed() -> None:
    station = parsed(with_station_line("lag: PT90M", "poll_every: PT10M")).station("adgs")

    assert (station.start, station.lag, station.poll_every) == (
        date(2026, 1, 1),
        timedelta(minutes=90),
        timedelta(minutes=10),
    )


def test_a_station_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match=r"no station 'cadip'.*adgs"):
        parsed(DOCUMENT).station("cadip")


@pytest.mark.parametrize(
    ("change", "line", "key", "expected"),
    [
        pytest.param(("schema_version: 1", "schema_version: 2"), 1, "schema_version", "should be 1", id="version"),
        pytest.param(("start: 2026-01-01", "start: soon"), 16, "stations.0.start", "valid date", id="type"),
        pytest.param(("start: 2026-01-01", "start: 2026-02-30"), 16, "stations.0.start", "valid date", id="no-day"),
        pytest.param(("interface: auxip", "interface: telex"), 13, "stations.0.interface", "'auxip'", id="choice"),
        pytest.param(("https://station.example/auxip", "station"), 14, "stations.0.url", "valid URL", id="url"),
        pytest.param(("    interface: auxip\n", ""), 12, "stations.0", "'interface' is missing", id="missing"),
        pytest.param(("[S1, other]", "[S1, S9]"), 15, "stations.0.missions.1", "known are S1, other", id="mission"),
        pytest.param(("[S1, other]", "[S1, S1]"), 15, "stations.0.missions", "only once", id="mission-twice"),
        pytest.param(("name: adgs", "name: 1-adgs"), 12, "stations.0.name", "letters, digits", id="station-name"),
        pytest.param(("    constellation: sentinel-1\n", ""), 3, "missions.S1", "'constellation' is", id="mission-key"),
        pytest.param(("  S1:\n", "  other:\n"), 3, "missions.other", "cannot name a mission", id="mission-named-other"),
        pytest.param(("kind: directory", "kind: tape"), 8, "store", "'directory'", id="store-kind"),
        pytest.param(("sqlite:///state", "nonsense"), 10, "state.url", "SQLAlchemy URL", id="state-url"),
        pytest.param(("sqlite:///state.sqlite", "sqlite://"), 10, "state.url", "name a file", id="state-in-memory"),
        pytest.param(("sqlite:///state", "mysql://u:p@h/state"), 10, "state.url", "password", id="state-password"),
        pytest.param(("sqlite:///state", "mysql://h/state"), 10, "state.url", "sqlite:///", id="state-backend"),
        pytest.param(("sqlite:///state", "sqlite:///s?password=x&"), 10, "state.url", "state.password", id="in-query"),
        pytest.param(("sqlite:///state", "postgresql+psycopg2://h/s"), 10, "state.url", "psycopg://", id="driver"),
        pytest.param(("sqlite:///state.sqlite", "postgresql://h"), 10, "state.url", "name the database", id="no-name"),
        pytest.param(
            ("sqlite:///state", "postgresql://h/s?sslmode=disable&"), 10, "state.url", "allow_plaintext", id="sslmode"
        ),
        pytest.param(
            ("sqlite:///state.sqlite", 'sqlite:///s", ca_file: "a'), 10, "state", "PostgreSQL", id="ca-of-file"
        ),
        pytest.param(("stations:\n", "stations: 7\nmore:\n"), 11, "stations", "valid tuple", id="stations"),
    ],
)
def test_a_wrong_value_is_reported_with_line_key_and_expectation(
    change: tuple[str, str], line: int, key: str, expected: str
) -> None:
    problem = problems_of(changed(change))[0]

    assert (problem.line, problem.key) == (line, key)
    assert expected in problem.message


@pytest.mark.parametrize(
    ("added", "key", "expected"),
    [
        ("colour: red", "stations.0.colour", "not a key here"),
        ("name: second", "stations.0.name", "a second time"),
        ("lag: soon", "stations.0.lag", "PT2H"),
        ("lag: -PT1H", "stations.0.lag", "negative"),
        ("concurrency: 0", "stations.0.concurrency", "greater than or equal to 1"),
        ("page_size: 1", "stations.0.page_size", "greater than or equal to 2"),
        ("requests_per_minute: many", "stations.0.requests_per_minute", "valid integer"),
        ("retries: {attempts: 0}", "stations.0.retries.attempts", "greater than or equal to 1"),
        ("authentication: {kind: magic}", "stations.0.authentication", "'oauth2'"),
        ("authentication: {kind: basic, username: u}", "stations.0.authentication", "'password' is missing"),
        ("authentication: {kind: api_key, key: {}}", "stations.0.authentication.key", "exactly one of 'env'"),
        (
            "authentication: {kind: api_key, key: hunter2}",
            "stations.0.authentication.key",
            "name where it is, as {env: NAME}",
        ),
        ("collection: 'a/{mission}'", "stations.0.collection", "made of letters"),
        ("collection: ..", "stations.0.collection", "begin with '.'"),
        ("description: ${NO_SUCH_VARIABLE}", "stations.0.description", "variable NO_SUCH_VARIABLE is not set"),
        ("description: {{ jinja }}", "stations.0.description", "expected a name as key"),
        ("start: [", "", "not YAML"),
        ("description: !python/name:os.system x", "", "could not determine a constructor"),
    ],
)
def test_a_wrong_line_of_a_station_is_reported(added: str, key: str, expected: str) -> None:
    problem = problems_of(with_station_line(added))[0]

    assert problem.key == key
    assert problem.line in {17, 18}
    assert expected in problem.message


@pytest.mark.parametrize("key", NEEDED_KEYS)
def test_a_missing_key_of_the_document_is_reported_by_name(key: str) -> None:
    whole = yaml.safe_load(DOCUMENT)
    del whole[key]

    assert [problem.message for problem in problems_of(yaml.safe_dump(whole))] == [f"the key {key!r} is missing"]


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text", "a: b: c", "a: 1\n---\nb: 2\n", "\x00"])
def test_a_text_that_is_no_document_is_refused(text: str) -> None:
    assert len(problems_of(text)) == 1


def test_every_problem_is_reported_at_once() -> None:
    text = changed(
        ("start: 2026-01-01", "start: soon"), ("interface: auxip", "interface: telex"), ("kind: sql", "x: q")
    )

    assert {problem.key for problem in problems_of(text)} >= {"stations.0.start", "stations.0.interface", "catalog.x"}


def test_every_contradiction_between_places_is_reported_at_once() -> None:
    second = DOCUMENT.partition("stations:\n")[2]
    text = DOCUMENT.replace("[S1, other]", "[S8, S9]") + second

    assert [(problem.line, problem.key) for problem in problems_of(text)] == [
        (17, "stations.1.name"),
        (15, "stations.0.missions.0"),
        (15, "stations.0.missions.1"),
    ]


@pytest.mark.parametrize("name", sorted(RESERVED_STATION_NAMES))
def test_a_reserved_station_name_is_refused(name: str) -> None:
    problem = problems_of(changed(("name: adgs", f"name: {name}")))[0]

    assert problem.key == "stations.0.name"
    assert "reserved" in problem.message


@pytest.mark.parametrize("pattern", sorted(RESERVED_COLLECTIONS))
def test_a_collection_called_like_the_documents_of_the_store_is_refused(pattern: str) -> None:
    problem = problems_of(with_station_line(f"collection: {pattern}"))[0]

    assert (problem.line, problem.key) == (17, "stations.0.collection")
    assert "the store's own documents" in problem.message


def test_a_pattern_that_becomes_a_reserved_collection_with_a_mission_is_refused() -> None:
    text = changed(("  S1:", "  STAGED:"), ("[S1, other]", "[STAGED]")) + '    collection: "{mission}_files"\n'

    assert problems_of(text)[0].key == "stations.0.collection"


@pytest.mark.parametrize(
    ("pattern", "collection"), [("{mission}_aux", "s1_aux"), ("{mission}", "s1"), ("aux-files.v2", "aux-files.v2")]
)
def test_a_pattern_gives_the_collection_of_a_mission(pattern: str, collection: str) -> None:
    assert parsed(with_station_line(f'collection: "{pattern}"')).station("adgs").collection_of("S1") == collection


@pytest.mark.parametrize("url", ["https://user@station.example", "https://user:word@station.example/auxip"])
def test_credentials_in_a_url_are_refused_without_being_shown(url: str) -> None:
    problem = problems_of(changed(("https://station.example/auxip", url)))[0]

    assert problem.key == "stations.0.url"
    assert "authentication" in problem.message
    assert "word" not in problem.message.replace("password", "")


def test_placeholders_are_filled_from_the_environment_or_their_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATION_HOST", "real.example")
    monkeypatch.setenv("EMPTY", "")
    text = with_station_line("description: ${STATION_HOST} ${MISSING:-by default} ${EMPTY:-for empty} ${GONE:-}.")

    assert parsed(text).station("adgs").description == "real.example by default for empty ."


def test_a_placeholder_can_stand_for_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOW_MANY", "7")

    assert parsed(with_station_line("concurrency: ${HOW_MANY}")).station("adgs").concurrency == 7


def test_a_wrong_value_that_is_merged_in_is_reported_where_it_is_written() -> None:
    problems = problems_of(with_station_line("retries: &base {attempts: 2}", "timeouts: {<<: *base}"))

    assert [(problem.line, problem.key) for problem in problems] == [(17, "stations.0.timeouts.attempts")]


def test_relative_paths_start_at_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "settings"
    home.mkdir()
    (home / "my.yaml").write_text(
        with_station_line("ca_file: ca.pem", "authentication: {kind: api_key, key: {file: secrets/key}}")
    )
    (home / "secrets").mkdir()
    (home / "secrets/key").write_text("k3y\n")
    monkeypatch.chdir(tmp_path)

    settings = load_settings(Path("settings/my.yaml"))

    assert Path(settings.store.place) == home / "store"
    assert settings.catalog.path == home / "catalog.sqlite"
    assert settings.state.url == f"sqlite:///{home}/state.sqlite"
    station = settings.station("adgs")
    assert station.ca_file == home / "ca.pem"
    assert station.authentication.kind == "api_key"
    assert station.authentication.key.reveal() == "k3y"


def test_absolute_paths_stay(tmp_path: Path) -> None:
    text = changed(("path: store", "path: /data/store"), ("sqlite:///state", "sqlite:////data/state"))

    settings = parsed(text, base=tmp_path)

    assert Path(settings.store.place) == Path("/data/store")
    assert settings.state.url == "sqlite:////data/state.sqlite"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_document_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "gone.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError, match=r"gone\.yaml"):
        load_settings(path)


def test_the_error_shows_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(changed(("start: 2026-01-01", "start: soon")))

    with pytest.raises(InvalidSettingsError, match=r"my\.yaml:16: stations\.0\.start: "):
        load_settings(path)


def test_the_json_schema_accepts_the_demo_and_describes_every_key() -> None:
    schema = Settings.model_json_schema()
    # JSON has no dates: they are text there, as in the loader.
    demo = yaml.load(DEMO_SETTINGS.read_text(), Loader=yaml.BaseLoader)
    demo |= {"schema_version": 1, "keys_per_run": 31}
    for station in demo["stations"]:
        station |= {"concurrency": 8}

    validator = jsonschema_rs.validator_for(schema)

    assert [error.message for error in validator.iter_errors(demo)] == []
    assert not validator.is_valid(demo | {"schema_version": 2})
    assert all("description" in key for key in schema["$defs"]["Retries"]["properties"].values())


@pytest.mark.parametrize(
    ("right", "wrong", "hint"),
    [
        ("password: {env: RS_ASSETS_SIMULATOR_PASSWORD, default: simulator}", "password: hunter2", "{env: NAME}"),
        ("start: 2024-01-01", "start: 01/01/2024", "expected a day, e.g. 2024-01-31"),
        ("missions: [S1, S2, S3]", "missions: [no]", "so quote it"),
        ("concurrency: 8", "verification: strikt", "expected a mapping of keys"),
        ("lag: PT2H", "lag: 2 hours", "expected an ISO 8601 duration"),
    ],
)
def test_a_plausible_mistake_is_told_with_what_to_write_instead(right: str, wrong: str, hint: str) -> None:
    text = DEMO_SETTINGS.read_text()
    assert right in text

    with pytest.raises(InvalidSettingsError) as caught:
        parse_settings(text.replace(right, wrong))

    assert hint in str(caught.value)
    assert "hunter2" not in str(caught.value)
