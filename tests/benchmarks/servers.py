"""The servers that the staging benchmark runs against: nginx as a station, ``rclone serve s3`` as an object store.

Each has its own process group, free port and temporary directory, and ends with its context.
"""

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

_PATIENCE_S = 20.0
_TRIES = 5
"""How often a port that another process took meanwhile is replaced."""

_NGINX_CONF = """\
{user}
daemon off;
worker_processes 1;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    log_format sent '$status $body_bytes_sent $http_range';
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {prefix}/body;
    proxy_temp_path {prefix}/proxy;
    fastcgi_temp_path {prefix}/fastcgi;
    uwsgi_temp_path {prefix}/uwsgi;
    scgi_temp_path {prefix}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=512;
        location /plain/ {{ alias {files}/; autoindex on; }}
        location /capped/ {{ alias {files}/; limit_rate {cap}; }}
        location /logged/ {{ alias {files}/; access_log {prefix}/sent.log sent; }}
        location = /status {{ stub_status; }}
        {more}
    }}
}}
"""


class ServerError(Exception):
    """A server could not be started, or did not do what it was asked for."""


@dataclass(frozen=True)
class Station:
    """An nginx that serves a directory: under ``/plain/``, ``/capped/`` (each answer slowed) and ``/logged/``."""

    url: str
    log: Path

    def bytes_logged(self, offset: int = 0) -> int:
        """Body bytes sent from ``/logged/``, by the log's lines from `offset` on."""
        if not self.log.exists():
            return 0
        lines = self.log.read_bytes()[offset:].decode("ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines)

    def idle_log_size(self) -> int:
        """Wait until no answer is under way, and give the length of the log then.

        Raises:
            ServerError: an answer is still under way after 20 s.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            status = httpx.get(f"{self.url}/status", trust_env=False).text
            if re.search(r"Active connections: 1\b", status):
                return self.log.stat().st_size if self.log.exists() else 0
            time.sleep(0.05)
        raise ServerError(f"nginx still answers after {_PATIENCE_S:.0f} s: {status}")


def nginx_program() -> str | None:
    """Path of nginx, if it is installed."""
    return shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def rclone_program() -> str | None:
    """Path of rclone, if it is installed; the one beside this Python first."""
    return shutil.which("rclone", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


@contextmanager
def station(files: Path, scratch: Path, cap: str, more: str = "") -> Iterator[Station]:
    """Serve a directory.

    Args:
        files: what is served.
        scratch: an empty directory for logs and temporary files.
        cap: nginx's ``limit_rate`` for each answer under ``/capped/``, e.g. ``50m`` for 50 MiB/s.
        more: further locations, as nginx has them in its settings; relative paths in them start at `scratch`.

    Raises:
        ServerError: nginx is not installed or does not start.
    """
    program = nginx_program()
    if program is None:
        raise ServerError("nginx is not installed")
    configuration = scratch / "nginx.conf"

    def command(port: int) -> list[str]:
        # A worker of another user could not read a directory made for this one.
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        text = _NGINX_CONF.format(user=user, prefix=scratch, port=port, files=files, cap=cap, more=more)
        configuration.write_text(text, encoding="utf-8")
        return [program, "-p", str(scratch), "-e", str(scratch / "error.log"), "-c", str(configuration)]

    with _serving(command, scratch / "nginx.out") as url:
        yield Station(url, scratch / "sent.log")


@contextmanager
def object_store(root: Path, scratch: Path) -> Iterator[str]:
    """Serve a directory over S3 without keys, each directory in it a bucket; gives the endpoint.

    Raises:
        ServerError: rclone is not installed or does not start.
    """
    program = rclone_program()
    if program is None:
        raise ServerError("rclone is not installed")
    options = ["--config", "", "--cache-dir", str(scratch / "cache"), "--log-level", "ERROR"]
    with _serving(
        lambda port: [program, "serve", "s3", str(root), "--addr", f"127.0.0.1:{port}", *options],
        scratch / "rclone-serve.out",
    ) as url:
        yield url


@contextmanager
def _serving(command: Callable[[int], Sequence[str]], output: Path) -> Iterator[str]:
    """Run a server on a free port until the context ends."""
    for _ in range(_TRIES):
        port = _free_port()
        with output.open("ab") as stream:
            process = subprocess.Popen(
                command(port), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
            )
        try:
            if _accepts(process, port):
                yield f"http://127.0.0.1:{port}"
                return
        finally:
            end_group(process)
    said = output.read_text(encoding="utf-8", errors="replace").strip()
    raise ServerError(f"{command(0)[0]} did not start: {said[-500:] or 'it said nothing'}")


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process that leads its own group, and whatever else is in the group."""
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _accepts(process: "subprocess.Popen[bytes]", port: int) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            # Another process may have taken the port in between; the server then ends.
            return process.poll() is None
        time.sleep(0.02)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
