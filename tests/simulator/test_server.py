"""The station as a process: one line, real sockets, a prompt end."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
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


def test_a_connection_is_reset_before_the_answer_and_in_the_middle_of_a_body(process: subprocess.Popen[str]) -> None:
    url = _url(process)
    with httpx.Client(base_url=url) as client:
        _log_in(client)
        file = client.get("/cadip/mps/Files", params={"$top": 1}).json()["value"][0]
        address, token = f"/cadip/mps/Files({file['Id']})/$value", client.headers["authorization"]
        client.post("/control/faults", json={"path_contains": "$value", "reset": True, "times": 1})
        with pytest.raises(ConnectionResetError):
            _raw(url, address, token)
        client.post("/control/faults", json={"path_contains": "$value", "reset": True, "after_bytes": 5000, "times": 1})
        received: list[bytes] = []
        with pytest.raises(ConnectionResetError):
            _raw(url, address, token, received)
        head, _, body = b"".join(received).partition(b"\r\n\r\n")
        assert f"content-length: {file['Size']}".encode() in head
        assert len(body) == 5000
        before, middle = [entry for entry in client.get("/control/requests").json() if entry["path"] == address]
        assert (before["status"], before["bytes_sent"]) == (0, 0)
        assert (middle["status"], middle["bytes_sent"]) == (200, 5000)
        assert len(client.get(address).content) == file["Size"]
    process.terminate()
    assert process.communicate(timeout=5) == ("", "")


def test_a_body_without_a_length_that_is_cut_off_does_not_end_properly(process: subprocess.Popen[str]) -> None:
    with httpx.Client(base_url=_url(process)) as client:
        _log_in(client)
        file = client.get("/cadip/mps/Files", params={"$top": 1}).json()["value"][0]
        rule = {"path_contains": "$value", "without_headers": ["Content-Length"], "truncate_bytes": 1000, "times": 1}
        client.post("/control/faults", json=rule)
        url = f"/cadip/mps/Files({file['Id']})/$value"
        with client.stream("GET", url) as answer:
            assert answer.headers["transfer-encoding"] == "chunked"
            with pytest.raises(httpx.RemoteProtocolError):
                answer.read()
            assert answer.num_bytes_downloaded <= 1000
        assert len(client.get(url).content) == file["Size"]
    process.terminate()
    assert process.communicate(timeout=5) == ("", "")


def _raw(url: str, address: str, token: str, received: list[bytes] | None = None) -> None:
    """Ask on a connection of its own, and keep what comes until the connection ends."""
    target = httpx.URL(url)
    with socket.create_connection((target.host, target.port or 80), timeout=5) as connection:
        connection.sendall(f"GET {address} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
        while part := connection.recv(65536):
            if received is not None:
                received.append(part)


def test_the_log_counts_the_data_requests_that_are_under_way_at_once(process: subprocess.Popen[str]) -> None:
    with httpx.Client(base_url=_url(process)) as client, ExitStack() as open_downloads:
        _log_in(client)
        made = client.post("/control/cadip/mps/sessions", json={"chunks": 2, "chunk_size": 10**10}).json()
        for file in made["Files"][:3]:
            answer = client.stream("GET", f"/cadip/mps/Files({file['Id']})/$value")
            assert open_downloads.enter_context(answer).status_code == 200
        assert client.get("/auxip/Products", params={"$top": 1}).status_code == 200
        _log_in(client)
        token, *downloads, products, again = client.get("/control/requests").json()
        assert [entry["concurrent"] for entry in downloads] == [1, 2, 3]
        assert len({entry["port"] for entry in downloads}) == 3
        assert all(entry["ended"] is None for entry in downloads)
        assert (products["concurrent"], token["concurrent"], again["concurrent"]) == (1, 0, 0)
        assert products["ended"] >= products["started"]
        assert client.get("/control/load").json() == {
            "all": {"in_flight": 3, "peak": 4},
            "/cadip/mps": {"in_flight": 3, "peak": 3},
            "/auxip": {"in_flight": 0, "peak": 1},
        }
        client.delete("/control/requests")
        assert client.get("/control/load").json()["all"] == {"in_flight": 3, "peak": 3}
    process.terminate()
    process.communicate(timeout=5)


def test_the_options_of_the_command_line_reach_the_stations() -> None:
    command = [
        sys.executable,
        "-m",
        "rs_assets.simulator",
        "--list",
        "--auth",
        "none",
        "--no-control",
        "--odd-sessions",
    ]
    command += ["--cadip-station", "abc", "--cadip-station", "xyz", "--now", "2024-05-04T12:00:00Z", "--speed", "0"]
    environment = os.environ | {"RS_ASSETS_SIMULATOR_CHUNK_SIZE": "1000"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as started:
        try:
            url = _url(started)
            assert started.stdout is not None
            listed = [started.stdout.readline().strip() for _ in range(4)]
            assert listed == [f"{url}/auxip", f"{url}/prip", f"{url}/cadip/abc", f"{url}/cadip/xyz"]
            with httpx.Client(base_url=url) as client:
                files = client.get("/cadip/abc/Files", params={"$filter": "FinalBlock eq false", "$top": 1}).json()
                assert int(files["value"][0]["Size"]) == 1000
                assert client.get("/cadip/mps/Sessions").status_code == 404
        finally:
            started.terminate()


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
