"""What every part of the settings shares: keys that were renamed are still read."""

import logging
from collections.abc import Mapping
from typing import ClassVar

import pytest
from pydantic import ValidationError

from rs_assets.settings.model import SettingsModel


class Renamed(SettingsModel):
    """Settings of which a key had another name."""

    RENAMED: ClassVar[Mapping[str, str]] = {"patience": "busy_timeout"}

    busy_timeout: int = 5


def test_a_renamed_key_is_read_under_its_earlier_name_with_a_warning_that_names_the_new_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        settings = Renamed.model_validate({"patience": 7})

    assert settings.busy_timeout == 7
    assert caplog.messages == ["the setting 'patience' is now called 'busy_timeout'; the earlier name is still read"]


def test_a_renamed_key_under_its_new_name_causes_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert Renamed.model_validate({"busy_timeout": 7}).busy_timeout == 7
    assert caplog.messages == []


def test_a_key_under_both_names_is_an_error() -> None:
    with pytest.raises(ValidationError, match="this is the earlier name of 'busy_timeout'; give one"):
        Renamed.model_validate({"busy_timeout": 7, "patience": 8})
