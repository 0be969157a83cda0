"""Where the settings say that objects and documents are."""

from datetime import timedelta
from pathlib import Path

import pytest

from rs_assets.settings import DirectoryStore, S3Store, Store

from .documents import changed, parsed, problems_of

SECRET = "hunter2"


def document(store: str) -> str:
    return changed(("{kind: directory, path: store}", store))


def store_of(text: str, base: Path | None = None) -> Store:
    return parsed(document(text), base).store


def s3(text: str) -> S3Store:
    store = store_of(f"{{kind: s3, url: s3://bucket/pre/fix, {text}}}")
    assert isinstance(store, S3Store)
    return store


def test_a_store_without_a_kind_is_a_directory(tmp_path: Path) -> None:
    store = store_of("{path: store}", tmp_path)
    assert isinstance(store, DirectoryStore)
    assert store.place == str(tmp_path / "store")


def test_a_bucket_needs_no_more_than_its_url() -> None:
    store = s3("")
    assert (store.bucket, store.prefix, store.place) == ("bucket", "pre/fix", "s3://bucket/pre/fix")
    assert store.superseded_retention == timedelta(days=1)


@pytest.mark.parametrize(("url", "prefix"), [("s3://bucket", None), ("s3://bucket/", None), ("s3://bucket/a/", "a")])
def test_a_prefix_is_what_follows_the_bucket(url: str, prefix: str | None) -> None:
    store = store_of(f"{{kind: s3, url: '{url}'}}")
    assert isinstance(store, S3Store)
    assert (store.bucket, store.prefix) == ("bucket", prefix)


@pytest.mark.parametrize(
    "url",
    ["bucket", "https://bucket/a", "s3://", "s3://B", "s3://b/../c", "s3://bucket//a", "s3://bucket/a?b", "s3://u:p@b"],
)
def test_what_is_no_bucket_is_refused(url: str) -> None:
    [problem] = problems_of(document(f"{{kind: s3, url: '{url}'}}"))
    assert (problem.key, problem.line) == ("store.url", 8)
    assert "expected s3://bucket" in problem.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("endpoint: 'http://minio.example:9000'", "no TLS"),
        ("endpoint: 'https://me:hunter2@minio.example'", "must not hold a user name"),
        ("access_key_id: {env: A}", "go together"),
        ("secret_access_key: {env: A}", "go together"),
        ("session_token: {env: A}", "goes with"),
        ("skip_signature: true, access_key_id: {env: A}, secret_access_key: {env: B}", "leave 'access_key_id' out"),
        ("access_key_id: {env: A, default: hunter2}, secret_access_key: {env: B}", "a store on this machine"),
        ("access_key_id: hunter2", "a secret never stands here"),
        ("part_size: 5000000", "greater than or equal to 5242880"),
        ("parts_at_once: 0", "greater than or equal to 1"),
        ("superseded_retention: PT0S, bucket: b", "'bucket' is not a key here"),
    ],
)
def test_what_contradicts_itself_or_is_unsafe_is_refused_without_showing_a_secret(text: str, message: str) -> None:
    [problem] = problems_of(document(f"{{kind: s3, url: s3://bucket, {text}}}"))
    assert message in problem.message
    assert problem.key.startswith("store")
    assert SECRET not in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "endpoint: 'http://127.0.0.1:9000'",
        "endpoint: 'http://[::1]:9000'",
        "endpoint: 'http://minio.example:9000', allow_http: true",
        "endpoint: 'http://localhost:9', access_key_id: {env: A, default: x}, secret_access_key: {env: B}",
        "access_key_id: {env: A}, secret_access_key: {file: b}, session_token: {env: C}",
    ],
)
def test_what_is_safe_is_taken(text: str) -> None:
    assert s3(text).kind == "s3"


def test_relative_paths_start_at_the_document(tmp_path: Path) -> None:
    store = store_of(
        "{kind: s3, url: s3://b-c, ca_file: ca.pem, access_key_id: {file: a}, secret_access_key: {file: b}}", tmp_path
    )
    assert isinstance(store, S3Store)
    assert store.ca_file == tmp_path / "ca.pem"
    assert store.access_key_id is not None
    assert store.access_key_id.file == tmp_path / "a"


def test_the_earlier_name_of_the_retention_is_still_read(caplog: pytest.LogCaptureFixture) -> None:
    assert store_of("{path: store, keep_superseded: PT5S}").superseded_retention == timedelta(seconds=5)
    assert "'keep_superseded' is now called 'superseded_retention'" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: gcs, url: 's3://bucket'", "expected gs://bucket"),
        ("kind: gcs, url: 'gs://bucket', token: {env: A}, service_account_key: {file: b}", "not both"),
        ("kind: azure, url: 'az://box'", "the key 'account' is missing"),
        ("kind: azure, url: 'az://box', account: acc, account_key: {env: A}, sas_token: {env: B}", "give one of"),
        ("kind: azure, url: 'az://box', account: acc, client_secret: {env: A}", "go together"),
        ("kind: azure, url: 'az://box', account: acc, endpoint: 'http://far/acc'", "no TLS"),
        ("kind: ftp", "'directory', 's3', 'gcs' or 'azure'"),
    ],
)
def test_what_a_kind_of_bucket_cannot_be_is_refused(text: str, message: str) -> None:
    [problem] = problems_of(document(f"{{{text}}}"))
    assert message in problem.message


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("path: store", {"file"}),
        ("kind: s3, url: 's3://bucket'", {"s3"}),
        ("kind: gcs, url: 'gs://bucket/a', service_account_key: {file: key.json}", {"gcs"}),
        ("kind: azure, url: 'az://box/a', account: acc, sas_token: {env: A}", {"azure"}),
    ],
)
def test_each_kind_says_what_the_ui_shows(text: str, kinds: set[str]) -> None:
    assert store_of(f"{{{text}}}").kinds == kinds
