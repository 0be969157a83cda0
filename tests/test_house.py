"""Who may import whom: downwards only, and never in circles."""

from pathlib import Path

import pytest

import rs_assets
from tests.house import Import, cycles, dagster_outside, imports_of, misplaced_parts, modules_of, wrong_directions

MODULES = modules_of(Path(rs_assets.__file__).parent)
IMPORTS = imports_of(MODULES)


def test_every_part_of_the_package_stands_on_a_level() -> None:
    assert misplaced_parts(MODULES) == []


def test_imports_go_downwards_only() -> None:
    assert wrong_directions(IMPORTS) == []


def test_only_the_uppermost_parts_import_dagster() -> None:
    assert dagster_outside(IMPORTS) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert cycles(IMPORTS) == []


def made_up(root: Path, **sources: str) -> dict[str, Path]:
    """The modules of a package with these sources; ``settings__model`` stands for ``settings/model.py``."""
    for name, source in sources.items():
        path = root / f"{name.replace('__', '/')}.py"
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
