"""What tests share that bring an interface in a package of their own: its station, and its installation."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called
        pass


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The URL of a server that gives a directory's files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def describe_package(site: Path, name: str, entry_points: str) -> None:
    """Let a package in a directory of the import path count as installed, with these entry points."""
    described = site / f"{name}-1.dist-info"
    described.mkdir()
    (described / "entry_points.txt").write_text(entry_points)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
