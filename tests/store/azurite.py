"""Azurite, Microsoft's emulator of Azure Blob Storage, with one container."""

import base64
import hashlib
import hmac
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

import httpx
import pytest

ACCOUNT = "account"
KEY = base64.b64encode(b"k" * 32).decode()
CONTAINER = "container"
AZURITE_MISSING = "azurite-blob is not on the PATH; install it with: npm install -g azurite"
_ADDRESS = re.compile(r"listens on (http://127\.0\.0\.1:\d+)")


@contextmanager
def azurite() -> Iterator[str]:
    """The server on a free port; the URL of its account."""
    program = shutil.which("azurite-blob")
    if program is None:
        pytest.skip(AZURITE_MISSING)
    options = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry"]
    process = subprocess.Popen(
        [program, *options, "--skipApiVersionCheck"],
        env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        found = next(filter(None, map(_ADDRESS.search, process.stdout)), None)
        if found is None:
            raise RuntimeError(f"{program} ended before it served")
        # A full pipe would hold the server up.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        _make_container(found[1])
        yield f"{found[1]}/{ACCOUNT}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _make_container(server: str) -> None:
    """By a request with Shared Key, which obstore cannot send."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
    path = f"/{ACCOUNT}/{CONTAINER}"
    named = [f"{name}:{value}" for name, value in headers.items()]
    signed = "\n".join(["PUT", *[""] * 11, *named, f"/{ACCOUNT}{path}", "restype:container"])
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), signed.encode(), hashlib.sha256)).decode()
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{signature}"
    httpx.put(f"{server}{path}", params={"restype": "container"}, headers=headers).raise_for_status()
