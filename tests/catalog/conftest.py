"""Catalogues to test; whatever implements the protocol joins the parameters of `catalog`."""

from pathlib import Path

import pytest

from rs_assets.catalog import Catalog, open_catalog

from .samples import SPEC


@pytest.fixture(params=["sqlite"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    """An empty catalogue with one collection."""
    made = open_catalog(tmp_path / f"{request.param}.db")
    made.ensure_collection(SPEC)
    return made
