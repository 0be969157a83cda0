"""The simulated stations as a process: uvicorn, one line when it is ready, and a prompt end."""

import asyncio
import socket
import sys
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from rs_assets.simulator.app import create_app
from rs_assets.simulator.options import SimulatorOptions
from rs_assets.simulator.wire import TRANSPORT


def serve(
    options: SimulatorOptions | None = None, host: str = "127.0.0.1", port: int = 0, *, listing: bool = False
) -> None:
    """Serve the stations until SIGTERM or SIGINT; port 0 takes a free one.

    Prints ``simulator ready at http://HOST:PORT`` as soon as requests are answered, with ``listing`` the
    address of each station after it, and nothing else. Downloads that are open at the end are cut off.
    Raises ``OSError`` if the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=512) as listener:
        # What is accepted inherits it; asyncio leaves it out here. Without it every small file takes 40 ms, while the
        # body waits for the acknowledgement of the headers.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            create_app(options),
            http=_Protocol,
            log_level="critical",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=0,
        )
        addresses = _addresses(options or SimulatorOptions()) if listing else []
        asyncio.run(_Server(config, addresses).serve(sockets=[listener]))


class _Protocol(AutoHTTPProtocol):  # type: ignore[valid-type, misc]
    """Lets the application reach the connection, which a fault may want to reset."""

    app_state: dict[str, Any]

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.app_state = {**self.app_state, TRANSPORT: transport}
        super().connection_made(transport)


def _addresses(options: SimulatorOptions) -> list[str]:
    control = ["/control"] if options.control else []
    return ["/auxip", "/prip", *(f"/cadip/{name}" for name in options.cadip_stations), *control]


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, addresses: list[str]) -> None:
        super().__init__(config)
        self._addresses = addresses

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets
        host, port = sockets[0].getsockname()[:2]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        sys.stdout.write(f"simulator ready at {url}\n")
        sys.stdout.writelines(f"  {url}{address}\n" for address in self._addresses)
        sys.stdout.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # The base class would raise the signal once more after its clean end, and spoil the exit code.
        del sig, frame
        self.should_exit = True
