"""The rules of the house: who may import whom, where kinds are told apart, what is stored and how."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest

import rs_assets
from rs_assets.settings import Settings, interface_names
from rs_assets.settings.model import SettingsModel
from tests.house import (
    OPENERS,
    REGISTRIES,
    Import,
    cycles,
    dagster_outside,
    imports_of,
    interfaces_named_outside,
    kinds_told_apart,
    long_modules,
    misplaced_parts,
    modules_of,
    transactions_outside_state,
    writers,
    wrong_directions,
)

MODULES = modules_of(Path(rs_assets.__file__).parent)
IMPORTS = imports_of(MODULES)


def kinds_in(*fields: str) -> set[str]:
    """The settings' classes that these fields of the document may hold, each of which stands for one kind."""
    pending: list[object] = [Settings.model_fields[name].annotation for name in fields]
    found: set[str] = set()
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, SettingsModel):
            if "kind" in annotation.model_fields:
                found.add(annotation.__name__)
        else:
            pending += get_args(annotation)
    return found


KINDS = kinds_in("store", "catalog", "state")

WRITERS: Mapping[str, str] = {
    "rs_assets.ingest.searching": "search results, of `ingest.search_results.FORM`",
    "rs_assets.ingest.staging": "manifests, of `ingest.manifest.FORM`",
    "rs_assets.upkeep.relocating": "manifests and results of requests, in the form in which they are",
    "rs_assets.upkeep.renaming": "search results, in today's form, and manifests, in that in which they are",
    "rs_assets.requests.inbox": "requests, of `requests.model.AuxRequest.schema_version`",
    "rs_assets.requests.results": "results of requests, of `requests.results.SCHEMA_VERSION`; pictures",
    "rs_assets.store.journal": "journals, of `store.journal._VERSION`; one of another version is not used",
    "rs_assets.cli.demo_archive": "the size of the demo's chunks, without a version: the demo can begin anew",
}
"""The modules that write documents or files, and what: each stored form has a version, and a test in tests/upgrade."""


def test_every_part_of_the_package_stands_on_a_level() -> None:
    assert misplaced_parts(MODULES) == []


def test_imports_go_downwards_only() -> None:
    assert wrong_directions(IMPORTS) == []


def test_only_the_uppermost_parts_import_dagster() -> None:
    assert dagster_outside(IMPORTS) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert cycles(IMPORTS) == []


def test_kinds_of_stores_catalogues_and_states_are_told_apart_only_where_they_are_opened() -> None:
    assert len(KINDS) >= 3
    assert MODULES.keys() >= OPENERS
    assert kinds_told_apart(MODULES, KINDS) == []


def test_an_interface_is_named_only_in_its_own_folder_and_where_it_is_registered() -> None:
    assert MODULES.keys() >= REGISTRIES
    assert interfaces_named_outside(MODULES, interface_names()) == []


def test_only_the_state_opens_its_transactions() -> None:
    assert transactions_outside_state(MODULES) == {}


def test_the_state_asks_nothing_else_while_a_transaction_is_open() -> None:
    rooms = {"store", "catalog", "stations", "staging"}
    assert [found for found in IMPORTS if _room(found.importer) == "state" and _room(found.imported) in rooms] == []


def test_no_module_is_too_long() -> None:
    assert long_modules(MODULES) == []


def test_what_writes_documents_or_files_is_known_with_the_version_of_its_form() -> None:
    assert writers(MODULES) == set(WRITERS)


def _room(module: str) -> str:
    return [*module.split("."), ""][1]


def made_up(root: Path, **sources: str) -> dict[str, Path]:
    """The modules of a package with these sources; ``settings__model`` stands for ``settings/model.py``."""
    for name, source in sources.items():
        room, initial, _ = f"__{name}".rpartition("____init__")
        path = root / (f"{room.strip('_')}/__init__.py" if initial else f"{name.replace('__', '/')}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return modules_of(root)


@pytest.mark.parametrize(
    ("importer", "source", "is_wrong"),
    [
        ("stations__http", "from rs_assets.settings import Station", False),
        ("stations__http", "import rs_assets.staging.engine", True),
        ("stations__http", "from rs_assets import staging", True),
        ("stations__http", "from rs_assets.staging.engine import stage", True),
        ("stations__http", "def get():\n    from rs_assets.ingest import Platform", True),
        ("stations__http", "if TYPE_CHECKING:\n    from rs_assets.ingest import Platform", True),
        ("stations__http", "from ..staging import engine", True),
        ("stations__http", "from . import limits", False),
        ("stations__http", "from rs_assets.unheard_of import x", True),
        ("staging__source", "from rs_assets.stations.http import tls_context", False),
        ("staging__source", "from rs_assets.catalog import Catalog", True),
        ("catalog__sqlite", "from rs_assets.stations.http import tls_context", True),
        ("catalog__sqlite", "from rs_assets.state import Outcomes", True),
        ("catalog__sqlite", "from rs_assets.items.times import utc_now", False),
        ("items__times", "from rs_assets.state import Outcomes", True),
        ("settings__model", "from rs_assets.errors import SettingsError", False),
        ("errors", "from rs_assets.settings import Settings", True),
        ("simulator__app", "from rs_assets.errors import RsAssetsError", True),
        ("simulator__app", "from rs_assets.simulator.clock import now", False),
        ("cli__simulator", "from rs_assets.simulator.__main__ import main", False),
        ("ingest__platform", "from rs_assets.simulator import create_app", True),
        ("ingest__platform", "import httpx, json", False),
    ],
)
def test_an_import_that_does_not_go_downwards_is_found(
    tmp_path: Path, importer: str, source: str, is_wrong: bool
) -> None:
    modules = made_up(tmp_path, **{"staging____init__": "", "staging__engine": "", importer: source})

    assert bool(wrong_directions(imports_of(modules))) is is_wrong


@pytest.mark.parametrize(
    ("importer", "source", "is_wrong"),
    [
        ("defs__assets", "import dagster as dg", False),
        ("ingest__platform", "import dagster as dg", True),
        ("ingest__platform", "def f():\n    from dagster import Config", True),
        ("staging__engine", "from dagster_aws import s3", True),
        ("staging__engine", "import os", False),
    ],
)
def test_an_import_of_dagster_in_the_library_is_found(
    tmp_path: Path, importer: str, source: str, is_wrong: bool
) -> None:
    assert bool(dagster_outside(imports_of(made_up(tmp_path, **{importer: source})))) is is_wrong


def test_a_part_without_a_level_is_reported_with_what_to_do(tmp_path: Path) -> None:
    (problem,) = misplaced_parts(made_up(tmp_path, __init__="", errors="", novelty__thing=""))

    assert problem.startswith("rs_assets.novelty stands on no level: give it one in LEVELS of tests/house.py")


def test_circles_are_found_once_and_written_out(tmp_path: Path) -> None:
    modules = made_up(
        tmp_path,
        items____init__="from rs_assets.items.a import x",
        items__a="from rs_assets.items import b",
        items__b="def f():\n    from .c import x",
        items__c="import rs_assets.items.a",
    )

    assert cycles(imports_of(modules)) == [
        "rs_assets.items.a → rs_assets.items.b → rs_assets.items.c → rs_assets.items.a"
    ]


def test_an_import_says_where_it_stands(tmp_path: Path) -> None:
    modules = made_up(tmp_path, errors='"""Errors."""\n\nimport rs_assets.settings')

    assert imports_of(modules) == [Import("rs_assets.errors", "rs_assets.settings", 3)]
    assert wrong_directions(imports_of(modules))[0].startswith("rs_assets.errors:3 imports rs_assets.settings")


@pytest.mark.parametrize(
    ("module", "source", "is_wrong"),
    [
        ("ingest__x", "from rs_assets.settings import DirectoryStore\nisinstance(store, DirectoryStore)", True),
        ("ingest__x", "from rs_assets.settings import S3Store\nmatch store:\n    case S3Store(url=u): pass", True),
        ("ingest__x", "from rs_assets.settings import S3Store\ntype(store) is S3Store", True),
        ("ingest__x", "from rs_assets.settings import S3Store\nS3Store(kind='s3', url=url)", False),
        ("store__bucket", "from rs_assets.settings import S3Store\nisinstance(store, S3Store)", True),
        ("store__opening", "from rs_assets.settings import S3Store\nisinstance(store, S3Store)", False),
        ("catalog____init__", "isinstance(place, SqliteCatalogSettings)", False),
        ("cli__demo", "if settings.store.kind == 'directory': pass", True),
        ("cli__demo", "match settings.catalog.kind:\n    case 'sqlite': pass", True),
        ("cli__demo", "print(settings.store.kind, station.authentication.kind == 'none')", False),
        ("cli__demo", "if make_url(state.url).get_backend_name() == 'sqlite': pass", True),
        ("ingest__x", "from rs_assets.store.sink import Disk\nisinstance(sink, Disk)", True),
        ("ingest__x", "from rs_assets.store.sink import Disk\nisinstance(sink, str | Disk)", True),
        ("ingest__x", "from rs_assets.catalog import C\nmatch x:\n    case C(): pass", True),
        ("ingest__x", "from rs_assets.store.sink import Disk\nDisk(1)", False),
        ("ingest__x", "from rs_assets.store.errors import FullError\nisinstance(error, FullError)", False),
        ("store__x", "from rs_assets.store.sink import Disk\nisinstance(sink, Disk)", False),
    ],
)
def test_a_kind_that_is_told_apart_elsewhere_is_found(tmp_path: Path, module: str, source: str, is_wrong: bool) -> None:
    assert bool(kinds_told_apart(made_up(tmp_path, **{module: source}), KINDS)) is is_wrong


@pytest.mark.parametrize(
    ("module", "source", "is_wrong"),
    [
        ("ingest__x", "from rs_assets.stations.cadip import INTERFACE", True),
        ("ingest__x", "if station.interface == 'cadip': pass", True),
        ("items__x", "item.properties.get('cadip:complete')", True),
        ("items__x", "item.properties.get('acadip')", False),
        ("stations__csc__x", "class CadipRule: pass", True),
        ("stations__cadip__x", "item.properties.get('cadip:complete')", False),
        ("settings__interfaces", "names = {'cadip'}", False),
    ],
)
def test_an_interface_that_is_named_elsewhere_is_found(
    tmp_path: Path, module: str, source: str, is_wrong: bool
) -> None:
    assert bool(interfaces_named_outside(made_up(tmp_path, **{module: source}), {"cadip"})) is is_wrong


def test_a_transaction_that_is_opened_elsewhere_is_found_with_its_function(tmp_path: Path) -> None:
    source = "async def write(platform):\n    with platform.state.transaction() as c:\n        pass"
    modules = made_up(tmp_path, state__searches=source, ingest__publishing=source)

    assert transactions_outside_state(modules) == {"rs_assets.ingest.publishing.write": 2}


def test_a_module_that_is_too_long_is_found(tmp_path: Path) -> None:
    modules = made_up(tmp_path, items__long="x = 1\n" * 401, items__short="x = 1\n" * 400)

    assert long_modules(modules) == ["rs_assets.items.long has 401 lines, at most 400"]


@pytest.mark.parametrize(
    ("source", "is_writer"),
    [
        ("platform.documents.write(path, document)", True),
        ("await to_thread(self._documents.write_bytes, path, content)", True),
        ("Path('x').write_text('y')", True),
        ("platform.documents.read(path)", False),
        ("file.write(content)", False),
    ],
)
def test_a_module_that_writes_documents_or_files_is_found(tmp_path: Path, source: str, is_writer: bool) -> None:
    assert bool(writers(made_up(tmp_path, ingest__x=source))) is is_writer
