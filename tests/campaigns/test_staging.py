"""The short form of the randomised campaign; the long one is ``python -m tests.campaigns.staging``."""

import pytest

from tests.campaigns.script import Script, drawn
from tests.campaigns.staging import main


@pytest.mark.parametrize("seed", [20, 21, 22])
def test_whatever_fails_and_dies_what_is_visible_is_right_and_nothing_good_is_lost(
    seed: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--runs", "1", "--seed", str(seed), "--actions", "18"]) == 0, capsys.readouterr().out


def test_a_script_is_that_of_its_seed_and_survives_json() -> None:
    script = drawn(7, 40)
    assert drawn(7, 40) == script != drawn(8, 40)
    assert Script.from_dict(script.to_dict()) == script
