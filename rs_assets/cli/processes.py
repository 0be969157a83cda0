"""Processes that a command starts and certainly ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import Self

import click

SIMULATOR_VARIABLE = "RS_ASSETS_SIMULATOR_URL"
"""Environment variable through which the demo settings learn where the simulator listens."""

_READY = "simulator ready at "


class Process:
    """A child in a process group of its own, which ends with all its descendants."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        """Start it; what it prints goes line by line to `on_line`, or to where this process prints."""
        self.name = name
        self._popen = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if on_line else None,
            stderr=subprocess.STDOUT if on_line else None,
            text=True,
            start_new_session=True,
        )
        if on_line:
            threading.Thread(target=self._forward, args=(on_line,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def exit_status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._popen.poll()

    def stop(self, *, grace: float = 15.0) -> None:
        """Ask it to end, and after `grace` seconds end whatever is left of its group."""
        if self.exit_status is None:
            self._popen.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(grace)
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._popen.pid, number)
                self._wait_for_group(1.0)
        self._popen.wait()

    def _wait_for_group(self, seconds: float) -> None:
        """Wait until the group is empty, which raises ProcessLookupError, or the time is up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._popen.poll()
            os.killpg(self._popen.pid, 0)
            time.sleep(0.05)

    def _forward(self, on_line: Callable[[str], None]) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            on_line(line.rstrip("\n"))


def start_simulator(*arguments: str, port: int = 0) -> tuple[Process, str]:
    """Start the simulator on a loopback port (0: a free one), and wait until it listens; it and its URL.

    Raises:
        click.ClickException: it did not come up, with what it printed.
    """
    lines: Queue[str] = Queue()
    command = [sys.executable, "-m", "rs_assets.simulator", "--port", str(port), *arguments]
    process = Process("simulator", command, on_line=lines.put)
    printed: list[str] = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(Empty):
            line = lines.get(timeout=0.1)
            if line.startswith(_READY):
                url = line.removeprefix(_READY).strip()
                os.environ[SIMULATOR_VARIABLE] = url
                return process, url
            printed.append(line)
            continue
        if process.exit_status is not None:
            break
    process.stop()
    raise click.ClickException("\n".join(["the simulator did not start:", *printed[-10:]]))


def workspace_arguments(directory: Path) -> list[str]:
    """How Dagster's commands find the definitions: through the checkout's workspace file, else as a module."""
    workspace = directory / "workspace.yaml"
    return ["-w", str(workspace)] if workspace.is_file() else ["-m", "rs_assets.definitions"]
