import json
import traceback
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from rs_assets.errors import SettingsError
from rs_assets.settings import Authentication, ClientPlacement, OAuth2Authentication, Secret, load_settings

from .documents import parsed, problems_of, with_station_line

SECRET = "hunter2"

PASSWORD = "{kind: basic, username: u, password: {env: PASSWORD}}"
OAUTH2 = "kind: oauth2, token_url: https://station.example/token"


def authentication(text: str) -> Authentication:
    return parsed(with_station_line(f"authentication: {text}")).station("adgs").authentication


def test_a_secret_is_read_at_first_use_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PASSWORD", raising=False)
    basic = authentication(PASSWORD)
    assert basic.kind == "basic"

    monkeypatch.setenv("PASSWORD", SECRET)

    assert basic.password.reveal() == SECRET


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PASSWORD", raising=False)

    with pytest.raises(SettingsError, match="PASSWORD is not set"):
        Secret(env="PASSWORD").reveal()


def test_no_form_of_the_settings_shows_a_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PASSWORD", SECRET)
    text = with_station_line(f"authentication: {PASSWORD}").replace("station.example", "127.0.0.1")
    text = text.replace("{env: PASSWORD}", f"{{env: PASSWORD, default: {SECRET}}}")
    settings = parsed(text, base=tmp_path)

    shown = [repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()]
    shown.append(json.dumps(settings.model_dump(mode="json")))

    assert not [form for form in shown if SECRET in form]


def test_an_error_about_a_secret_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", f"{SECRET}\r\nX-Header: forged")

    with pytest.raises(SettingsError, match="PASSWORD holds a line break") as caught:
        Secret(env="PASSWORD").reveal()

    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "place", [f"password: {SECRET}", f"password: {{env: X, value: {SECRET}}}", f"password: [{SECRET}]"]
)
def test_a_secret_that_is_written_into_the_document_is_refused_without_being_shown(place: str) -> None:
    problems = problems_of(with_station_line(f"authentication: {{kind: basic, username: u, {place}}}"))

    assert problems
    assert SECRET not in str(problems)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_trailing_line_break_belongs_to_no_secret(
    ending: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PASSWORD", f" {SECRET} {ending}")
    file = tmp_path / "secret"
    file.write_bytes(f" {SECRET} {ending}".encode())

    assert Secret(env="PASSWORD").reveal() == Secret(file=file).reveal() == f" {SECRET} "


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe", b"a\x00b"])
def test_a_file_that_holds_no_secret_is_named(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError, match=str(file)):
        Secret(file=file).reveal()


def test_the_demo_secret_may_stand_in_the_settings_until_the_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RS_ASSETS_SIMULATOR_PASSWORD", raising=False)
    monkeypatch.delenv("RS_ASSETS_CONFIG", raising=False)
    demo = load_settings().station("adgs").authentication
    assert demo.kind == "oauth2"
    assert demo.password is not None
    assert demo.password.reveal() == "simulator"

    monkeypatch.setenv("RS_ASSETS_SIMULATOR_PASSWORD", SECRET)

    assert demo.password.reveal() == SECRET


@pytest.mark.parametrize(
    "host", ["https://station.example", "http://127.0.0.1.station.example", "http://localhost.station.example"]
)
def test_a_literal_secret_is_only_for_a_station_on_this_machine(host: str) -> None:
    line = "authentication: {kind: basic, username: u, password: {env: PASSWORD, default: simple}}"
    text = with_station_line(line).replace("https://station.example", host)

    assert "'default' is only for a station on this machine" in problems_of(text)[0].message
    assert not problems_of(text.replace(host, "http://127.0.0.1:8127"))


def test_a_literal_secret_is_refused_where_the_token_endpoint_is_elsewhere() -> None:
    line = f"authentication: {{{OAUTH2}, username: u, password: {{env: P, default: simple}}}}"
    text = with_station_line(line).replace("https://station.example/auxip", "http://localhost/auxip")

    assert "'default'" in problems_of(text)[0].message


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("", "'username' and 'password'"),
        (", username: u", "'username' and 'password'"),
        (", password: {env: P}", "'username' and 'password'"),
        (", grant: client_credentials", "'client_id' and 'client_secret'"),
        (", grant: client_credentials, client_id: c", "'client_id' and 'client_secret'"),
        (", grant: implicit", "'password' or 'client_credentials'"),
        (", username: u, password: {env: P}, client_placement: url", "'form' or 'basic'"),
    ],
)
def test_an_incomplete_grant_says_what_it_needs(given: str, missing: str) -> None:
    assert missing in problems_of(with_station_line(f"authentication: {{{OAUTH2}{given}}}"))[0].message


def test_a_token_url_with_credentials_is_refused() -> None:
    line = "authentication: {kind: oauth2, token_url: 'https://u:pw@station.example/', username: u, password: {env: P}}"

    assert problems_of(with_station_line(line))[0].key == "stations.0.authentication.token_url"


def test_every_placement_of_a_token_request_can_be_told() -> None:
    full = authentication(
        f"{{{OAUTH2}, username: u, password: {{env: P}}, client_id: c, client_secret: {{env: S}}, "
        "client_placement: basic, scope: openid, extra_headers: {Authorization: {env: H}}, token_header: X-Token}"
    )

    assert isinstance(full, OAuth2Authentication)
    assert full.client_placement is ClientPlacement.BASIC
    assert full.extra_headers["Authorization"] == Secret(env="H")
    assert (full.scope, full.token_header) == ("openid", "X-Token")


@pytest.mark.parametrize("kind", ["none", "basic", "api_key", "oauth2"])
def test_an_unknown_key_is_refused_in_every_kind_of_authentication(kind: str) -> None:
    adapter: TypeAdapter[Authentication] = TypeAdapter(Authentication)
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        adapter.validate_python({"kind": kind, "passwort": "x"})


def test_the_default_of_a_secret_is_read_under_its_earlier_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PASSWORD", raising=False)

    assert Secret.model_validate({"env": "PASSWORD", "otherwise": SECRET}).reveal() == SECRET
