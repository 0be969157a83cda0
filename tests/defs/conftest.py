"""A Dagster instance of its own, and the definitions of the platform under test."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from rs_assets.defs.location import code_location
from rs_assets.ingest import Platform
from tests.defs.runs import Runs


@pytest.fixture
def runs(platform: Platform, tmp_path: Path) -> Iterator[Runs]:
    """Runs of the platform's assets in an instance that keeps its events below a directory."""
    home = tmp_path / "dagster"
    home.mkdir()
    with dg.instance_for_test(temp_dir=str(home)) as instance:
        yield Runs(code_location(platform.settings), instance)
