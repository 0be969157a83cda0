from pathlib import Path

import pytest

from rs_assets.settings import StateSettings
from rs_assets.state import StateDatabase, open_state


@pytest.fixture
def database(state_settings: StateSettings) -> StateDatabase:
    return open_state(state_settings)


@pytest.fixture
def in_file(tmp_path: Path) -> StateSettings:
    return StateSettings(url=f"sqlite:///{tmp_path}/state/state.sqlite")
