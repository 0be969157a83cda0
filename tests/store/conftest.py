from pathlib import Path

import pytest

from rs_assets.store.directory_sink import DirectorySink


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def sink(root: Path) -> DirectorySink:
    return DirectorySink(root)
