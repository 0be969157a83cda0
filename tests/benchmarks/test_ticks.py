"""The benchmark of ticks in its short form: that it works, not what its figures are."""

import re

import pytest

from tests.benchmarks.ticks import main


def test_ticks_and_their_queries_are_measured_on_every_database(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--quick"])

    printed = capsys.readouterr().out
    assert status == 0, printed
    rows = re.findall(r"^ ?(\w+): (.+?) +(\d+) +(\d+\.\d+) +(\d+\.\d)", printed, re.MULTILINE)
    what = {"what is due", "inbox in directory", "inbox in s3"}
    assert {(kind, name) for kind, name, *_ in rows} >= {("SQLite", name) for name in what}
    assert all(int(ticks) >= 1 for _, _, ticks, _, _ in rows)
