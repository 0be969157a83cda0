"""Every form in which something is stored: the earlier home holds one of it, and says of which version it is."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import rs_assets.catalog.schema
import rs_assets.ingest.manifest
import rs_assets.ingest.search_results
import rs_assets.requests.results
import rs_assets.state.schema
from rs_assets.cli import cli
from rs_assets.requests.model import AuxRequest
from rs_assets.settings import Settings
from tests.upgrade.conftest import EarlierHome

Stated = Callable[[Path], Any]


def in_document(*keys: str) -> Stated:
    """The version that a JSON document states behind these keys."""

    def stated(path: Path) -> Any:
        value = json.loads(path.read_text())
        for key in (*keys, "schema_version"):
            value = value[key]
        return value

    return stated


def in_request(path: Path) -> Any:
    """The version of a request; one that was filed by hand may leave it out, which means the first."""
    return json.loads(path.read_text()).get("schema_version", 1)


def in_database(path: Path) -> Any:
    """The version that the table `meta` of an SQLite file states."""
    with closing(sqlite3.connect(path)) as database:
        return int(dict(database.execute("SELECT * FROM meta").fetchall())["schema_version"])


def in_settings(path: Path) -> Any:
    """The version that a settings document states."""
    return yaml.safe_load(path.read_text())["schema_version"]


FORMS: dict[str, tuple[str, int, Stated]] = {
    "settings": (r"settings\.yaml", 1, in_settings),
    "catalogue": (r"catalog\.sqlite", rs_assets.catalog.schema.SCHEMA_VERSION, in_database),
    "state": (r"state\.sqlite", rs_assets.state.schema.SCHEMA_VERSION, in_database),
    "search results": (
        r"store/search_results/.*\.json",
        rs_assets.ingest.search_results.FORM.version,
        in_document("rs_assets"),
    ),
    "manifest": (r"store/staged_files/.*\.json", rs_assets.ingest.manifest.FORM.version, in_document()),
    "request": (r"store/(inbox|requests/[^/]*)/(?!items).*\.json", 1, in_request),
    "result of a request": (
        r"store/requests/[^/]*/items\.json",
        rs_assets.requests.results.SCHEMA_VERSION,
        in_document("rs_assets"),
    ),
}
"""Where each form is stored, its version of today, and how a version is found in it."""

NOT_READ = r"store/rejected/.*|.*\.png|store/s[0-9]_(aux|chunk)/.*"
"""Objects, pictures, and what was put into the inbox and is not a request."""


def files_of(home: EarlierHome) -> list[str]:
    return [path.relative_to(home.directory).as_posix() for path in home.directory.rglob("*") if path.is_file()]


@pytest.mark.parametrize("form", FORMS)
def test_the_earlier_home_holds_the_form_in_a_version_that_is_read_today(home: EarlierHome, form: str) -> None:
    pattern, version, stated = FORMS[form]
    found = [stated(home.directory / name) for name in files_of(home) if re.fullmatch(pattern, name)]

    assert found
    assert all(isinstance(each, int) and 1 <= each <= version for each in found)


def test_every_file_of_the_earlier_home_is_of_one_form(home: EarlierHome) -> None:
    patterns = [pattern for pattern, _, _ in FORMS.values()]
    forms = {
        name: sum(re.fullmatch(pattern, name) is not None for pattern in patterns)
        for name in files_of(home)
        if not re.fullmatch(NOT_READ, name)
    }

    assert {name: count for name, count in forms.items() if count != 1} == {}


def test_the_versions_of_documents_that_people_write_are_those_that_are_read() -> None:
    for model, form in ((Settings, "settings"), (AuxRequest, "request")):
        field = model.model_json_schema()["properties"]["schema_version"]
        assert field["const"] == FORMS[form][1]


KEPT = {
    "search_results": ("rs_assets",),
    "staged_files": (),
}
"""The documents of a partition, with where they state their version."""
KEY, FILE = "2011-03-01|S1", "adgs/2011-03-01/S1.json"


def stage(home: EarlierHome) -> str:
    """What staging the partition says; it must fail."""
    result = CliRunner().invoke(cli, ["stage", "adgs", KEY, "--quiet"])
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


@pytest.mark.parametrize("kind", KEPT)
def test_a_document_of_a_newer_program_stays_byte_for_byte(home: EarlierHome, kind: str) -> None:
    path = home.directory / "store" / kind / FILE
    document = json.loads(path.read_text())
    place = document
    for key in KEPT[kind]:
        place = place[key]
    place["schema_version"] = 99
    path.write_text(json.dumps(document))
    before = path.read_bytes()

    assert "version 99, this program reads up to" in stage(home)

    assert path.read_bytes() == before


def test_damaged_search_results_are_named_with_what_to_do(home: EarlierHome) -> None:
    path = home.directory / "store/search_results" / FILE
    path.write_text("{")

    said = stage(home)

    assert f"delete search_results/{FILE}: the next search writes them anew" in said
    path.unlink()
    assert CliRunner().invoke(cli, ["stage", "adgs", KEY, "--quiet"]).exit_code == 0


def test_a_damaged_manifest_is_written_anew(home: EarlierHome) -> None:
    path = home.directory / "store/staged_files" / FILE
    path.write_text("{")

    assert CliRunner().invoke(cli, ["stage", "adgs", KEY, "--quiet"]).exit_code == 0

    assert json.loads(path.read_text())["schema_version"] == rs_assets.ingest.manifest.FORM.version
