"""Credentials of the further places that a station's files come from."""

from typing import Any

import pytest

from rs_assets.settings import InvalidSettingsError, parse_settings
from rs_assets.settings.sources import BearerAuthentication, S3Credentials
from tests.platform import settings_text

TOKEN = {"env": "TOKEN"}


def parsed(**station: Any) -> Any:
    return parse_settings(settings_text("https://station.example", **station)).stations[0]


def test_each_place_has_credentials_of_its_own() -> None:
    station = parsed(
        credentials={
            "data.example:8443": {"kind": "bearer", "token": TOKEN},
            "public-bucket": {"kind": "s3", "anonymous": True, "endpoint": "https://s3.example"},
        }
    )

    assert isinstance(station.credentials["data.example:8443"], BearerAuthentication)
    assert isinstance(station.credentials["public-bucket"], S3Credentials)


@pytest.mark.parametrize(
    ("place", "described", "says"),
    [
        ("https://data.example", {"kind": "bearer", "token": TOKEN}, "expected a host in lower case"),
        ("Data.example", {"kind": "bearer", "token": TOKEN}, "expected a host in lower case"),
        ("data.example", {"kind": "bearer", "token": TOKEN | {"default": "x"}}, "only for a host on this machine"),
        ("bucket", {"kind": "s3", "access_key_id": TOKEN}, "give 'access_key_id' and 'secret_access_key'"),
        ("bucket", {"kind": "s3", "anonymous": True, "secret_access_key": TOKEN}, "leave the keys out"),
        ("bucket", {"kind": "s3", "anonymous": True, "endpoint": "http://s3.example"}, "has no TLS"),
        ("bucket", {"kind": "s3"}, "anonymous: true"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(place: str, described: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        parsed(credentials={place: described})

    assert says in str(caught.value)
    assert "credentials" in str(caught.value)


def test_roots_of_files_start_at_the_settings_file() -> None:
    text = settings_text("https://station.example", file_roots=["archive"])

    assert [root.name for root in parse_settings(text).stations[0].file_roots] == ["archive"]
