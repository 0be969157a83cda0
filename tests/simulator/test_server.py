"""The station as a process: one line, real sockets, a prompt end."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
READY = re.compile(r"simulator ready at (http://127\.0\.0\.1:\d+)\n")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """``python -m rs_assets.simulator`` on a free port, in a process group of its own."""
    command = [sys.executable, "-m", "rs_assets.simulator", "--port", "0", "--now", "2024-05-04T12:00:00Z"]
    environment = os.environ | {"RS_ASSETS_SIMULATOR_PASSWORD": "pw-1"}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        yield started
        if started.poll() is None:
            started.kill()


def _url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    ready = READY.fullmatch(process.stdout.readline())
    assert ready is not None
    return ready[1]


def _log_in(client: httpx.Client) -> None:
    form = {"grant_type": "password", "username": "simulator", "password": "pw-1"}
    token = client.post("/auxip/token", data=form).json()["access_token"]
    client.headers["authorization"] = f"Bearer {token}"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_and_ends_at_once_with_a_download_open(
    process: subprocess.Popen[str], ending: signal.Signals
) -> None:
    with httpx.Client(base_url=_url(process)) as client:
        _log_in(client)
        large = client.post("/control/add", json={"Name": "large.bin", "size": 10**12, "Checksum": []}).json()
        with client.stream("GET", f"/auxip/Products({large['Id']})/$value") as answer:
            assert answer.status_code == 200
            assert len(next(answer.iter_raw(1000))) == 1000
            asked = time.monotonic()
            process.send_signal(ending)
            output, errors = process.communicate(timeout=5)
            assert time.monotonic() - asked < 1.5
    assert (process.returncode, output, errors) == (0, "", "")


def test_a_client_that_leaves_a_download_stops_it(process: subprocess.Popen[str]) -> None:
    with httpx.Client(base_url=_url(process), timeout=3) as client:
        _log_in(client)
        large = client.post("/control/add", json={"Name": "large.bin", "size": 10**12, "Checksum": []}).json()
        with client.stream("GET", f"/auxip/Products({large['Id']})/$value") as answer:
            next(answer.iter_raw(1000))
        sent, before = 0, -1
        while sent != before:
            sent, before = client.get("/control/requests").json()[-1]["bytes_sent"], sent
            assert sent < 10**9, "the station goes on sending"
    process.terminate()
    assert process.communicate(timeout=5) == ("", "")


def test_faults_reach_the_wire(process: subprocess.Popen[str]) -> None:
    with httpx.Client(base_url=_url(process)) as client:
        _log_in(client)
        product = client.get("/auxip/Products", params={"$top": 1}).json()["value"][0]
        client.post("/control/faults", json={"path_contains": "$value", "truncate_bytes": 1000, "times": 1})
        url = f"/auxip/Products({product['Id']})/$value"
        with client.stream("GET", url) as answer:
            with pytest.raises(httpx.RemoteProtocolError):
                answer.read()
            assert answer.num_bytes_downloaded == 1000
        assert len(client.get(url).content) == product["ContentLength"]
        assert client.head(url).headers["content-length"] == str(product["ContentLength"])
    process.terminate()
    assert process.communicate(timeout=5) == ("", "")


def test_a_taken_port_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "rs_assets.simulator", "--port", str(taken.getsockname()[1])]
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert finished.returncode != 0
    assert finished.stdout == ""
    assert "Address already in use" in finished.stderr


def test_the_simulator_loads_nothing_else_of_the_package() -> None:
    script = "import sys, rs_assets.simulator as s; print([m for m in sys.modules if m.startswith('rs_assets.')])"
    finished = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "rs_assets.simulator.app" in finished.stdout
    assert all(name.startswith("'rs_assets.simulator") for name in finished.stdout.strip("[]\n").split(", "))
