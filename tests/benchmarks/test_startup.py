"""The benchmark of a start in its short form: that it works, not what its figures are."""

import re

import pytest

from tests.benchmarks.startup import main


def test_a_start_is_measured_beside_its_peer(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--quick"])

    printed = capsys.readouterr().out
    assert status == 0, printed
    rows = re.findall(r"^ (.+?) +(\d+\.\d\d) +(\d+\.\d\d) $", printed, re.MULTILINE)
    assert [name for name, _, _ in rows] == [
        "import httpx, pydantic, pystac, sqlalchemy",
        "rs-assets stage --help",
        "rs-assets stage of an empty window",
    ]
    assert rows[0][2] == "1.00"
    assert all(float(seconds) > 0 for _, seconds, _ in rows)
