"""Servers in processes of their own, for tests and measurements."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rs_assets.settings import S3Store
from tests.platform import PASSWORD

BUCKET = "bucket"

_PARTS = ".rclone_temp_multipart_"
"""How the server's files of open uploads begin."""
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True)
class S3Server:
    """A real S3 server whose objects are plain files below a directory."""

    url: str
    root: Path

    def store(self, prefix: str, **settings: object) -> S3Store:
        """The settings of a store below a prefix of its bucket."""
        document = {"kind": "s3", "url": f"s3://{BUCKET}/{prefix}", "endpoint": self.url, "skip_signature": True}
        return S3Store.model_validate(document | {"region": "us-east-1"} | settings)

    def files(self, prefix: str) -> dict[str, bytes]:
        """The objects below a prefix of its bucket."""
        directory = self.root / BUCKET / prefix
        paths = (path for path in directory.rglob("*") if path.is_file() and not path.name.startswith(_PARTS))
        return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}


def free_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def rclone_s3(root: Path) -> Iterator[S3Server]:
    """``rclone serve s3`` over a directory, on a free port."""
    (root / BUCKET).mkdir(parents=True)
    rclone = Path(sys.executable).with_name("rclone")
    command = [str(rclone), "serve", "s3", "--addr", "127.0.0.1:0", "--vfs-cache-mode", "off", str(root)]
    environment = {**os.environ, "RCLONE_CONFIG": str(root.with_name("rclone.conf"))}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    assert process.stderr is not None
    try:
        found = next(filter(None, map(_ADDRESS.search, process.stderr)), None)
        if found is None:
            raise RuntimeError(f"{rclone} ended before it served")
        # A full pipe would hold the server up.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield S3Server(found.group(), root)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@contextmanager
def simulated_stations(*options: str) -> Iterator[str]:
    """The simulator with the tests' password; its URL."""
    command = [sys.executable, "-m", "rs_assets.simulator", "--port", "0", *options]
    environment = {**os.environ, "RS_ASSETS_SIMULATOR_PASSWORD": PASSWORD}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("simulator ready at "), line
        yield line.removeprefix("simulator ready at ").strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        process.stdout.close()
