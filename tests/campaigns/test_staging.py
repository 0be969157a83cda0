"""The short form of the randomised campaign; the long one is ``python -m tests.campaigns.staging``."""

import json
from itertools import count
from random import Random

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.campaigns.playing import prepared
from tests.campaigns.script import Script, drawn
from tests.campaigns.staging import main
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation
from tests.postgresql import POSTGRESQL_MISSING

needs_postgresql = pytest.mark.skipif(POSTGRESQL_MISSING is not None, reason=POSTGRESQL_MISSING or "it is there")

_runs = count()


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(dice=st.randoms(use_true_random=False), length=st.integers(10, 20))
def test_whatever_fails_and_dies_what_is_visible_is_right_and_nothing_good_is_lost(
    station: SimulatedStation, dice: Random, length: int
) -> None:
    script = drawn(dice, length)
    note(json.dumps(script.to_dict()))
    with pytest.MonkeyPatch.context() as environment, prepared(script, station, next(_runs)) as play:
        environment.setenv(PASSWORD_VARIABLE, PASSWORD)
        play.play()


@pytest.mark.parametrize("state", ["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def test_the_command_plays_the_script_of_a_seed(
    state: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "")  # the command sets it, and it is gone afterwards
    assert main(["--runs", "1", "--seed", "22", "--actions", "18", "--state", state]) == 0, capsys.readouterr().out


def test_a_script_is_that_of_its_seed_and_survives_json() -> None:
    script = drawn(Random(7), 40)
    assert drawn(Random(7), 40) == script != drawn(Random(8), 40)
    assert Script.from_dict(script.to_dict()) == script
