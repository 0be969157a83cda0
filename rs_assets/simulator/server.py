"""A simulated station as a process: uvicorn, one line when it is ready, and a prompt end."""

import asyncio
import socket
import sys
from types import FrameType

import uvicorn

from rs_assets.simulator.app import create_app
from rs_assets.simulator.options import SimulatorOptions


def serve(options: SimulatorOptions | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
    """Serve a station until SIGTERM or SIGINT; port 0 takes a free one.

    Prints ``simulator ready at http://HOST:PORT`` as soon as requests are answered, and nothing else.
    Downloads that are open at the end are cut off. Raises ``OSError`` if the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=512) as listener:
        config = uvicorn.Config(
            create_app(options),
            log_level="critical",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=0,
        )
        asyncio.run(_Server(config).serve(sockets=[listener]))


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets
        host, port = sockets[0].getsockname()[:2]
        sys.stdout.write(f"simulator ready at http://{f'[{host}]' if ':' in host else host}:{port}\n")
        sys.stdout.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # The base class would raise the signal once more after its clean end, and spoil the exit code.
        del sig, frame
        self.should_exit = True
