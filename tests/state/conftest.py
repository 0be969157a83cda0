from pathlib import Path

import pytest

from rs_assets.state import StateDatabase


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state/state.sqlite"


@pytest.fixture
def database(url: str) -> StateDatabase:
    return StateDatabase(url)
