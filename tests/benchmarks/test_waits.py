"""The benchmark of waits in its short form: that it works, not what its figures are."""

import re

import pytest

from tests.benchmarks.waits import main


def test_waits_are_measured_on_every_database_beside_the_same_alone(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--quick"])

    printed = capsys.readouterr().out
    assert status == 0, printed
    rows = re.findall(r"(\w+): (alone|beside a merge)\D+(\d+)", printed)
    assert {(kind, what) for kind, what, _ in rows} >= {("SQLite", "alone"), ("SQLite", "beside a merge")}
    assert all(int(times) >= 1 for _, _, times in rows)
