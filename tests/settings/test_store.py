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
    assert store.keep_superseded == timedelta(days=1)


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
        ("keep_superseded: PT0S, bucket: b", "'bucket' is not a key here"),
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
