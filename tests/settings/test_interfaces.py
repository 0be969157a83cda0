"""The interfaces that are installed: built in or brought by another package, and no two of one name."""

from importlib.metadata import EntryPoint

import pytest

from rs_assets.errors import SettingsError
from rs_assets.settings import interface_names, load_interface
from rs_assets.settings.interfaces import BUILT_IN, GROUP, by_name

from .documents import DOCUMENT, problems_of, with_station_line


def test_the_packages_own_interfaces_are_installed_and_load() -> None:
    assert interface_names()[: len(BUILT_IN)] == tuple(entry.name for entry in BUILT_IN)
    for name in interface_names():
        assert load_interface(name).settings.model_fields["interface"].annotation is not str


def test_an_interface_that_is_not_installed_is_an_error_that_names_those_that_are() -> None:
    with pytest.raises(
        SettingsError, match="'telex' is not an installed interface; installed are 'auxip', 'prip', 'cadip'"
    ):
        load_interface("telex")


def test_an_interface_of_a_name_that_is_taken_is_an_error_that_names_both() -> None:
    theirs = EntryPoint(BUILT_IN[0].name, "their.package:INTERFACE", GROUP)

    with pytest.raises(SettingsError, match=f"two interfaces are called 'auxip': {BUILT_IN[0].value} and their.pack"):
        by_name([*BUILT_IN, theirs])


def test_an_interface_that_is_listed_twice_is_one() -> None:
    assert by_name([*BUILT_IN, *BUILT_IN]) == {entry.name: entry for entry in BUILT_IN}


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ("collection: requests", "stations.0.collection", "are the store's own documents"),
        ("timeouts: {connect: 0}", "stations.0.timeouts.connect", "greater than 0"),
        ("retries: {patience: 1, busy_timeout: 2}", "stations.0.retries.patience", "earlier name of 'busy_timeout'"),
        ("colour: red", "stations.0.colour", "not a key here"),
    ],
)
def test_what_is_wrong_within_a_station_keeps_its_key_and_line(line: str, key: str, message: str) -> None:
    [problem] = problems_of(with_station_line(line))

    assert problem.key == key
    assert message in problem.message
    assert problem.line == 17


def test_the_common_keys_are_checked_where_the_interface_is_missing_too() -> None:
    text = DOCUMENT.replace("    interface: auxip\n", "").replace("start: 2026-01-01", "start: soon")

    assert {problem.key for problem in problems_of(text)} == {"stations.0", "stations.0.start"}
