"""The benchmark of a year in its short form: that it works, and that what is old goes."""

import json
from pathlib import Path

import pytest

from tests.benchmarks.year import main


def test_what_is_old_goes_month_after_month(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--quick", "--json", str(tmp_path / "figures.json")])

    assert status == 0, capsys.readouterr().out
    months = json.loads((tmp_path / "figures.json").read_text())["months"]
    for name in {month["state"] for month in months}:
        removed = [month["removed"] for month in months if month["state"] == name]
        assert len(removed) == 12
        assert all(count > 1000 for count in removed[4:])
