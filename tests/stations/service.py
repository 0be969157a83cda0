"""A station on a loopback port that answers what its script says, and the settings that lead to it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, Self
from urllib.parse import parse_qsl

import httpx
from aiohttp import web
from pydantic import HttpUrl, TypeAdapter

from rs_assets.settings import Authentication, Retries, Station, load_interface

Reply = httpx.Response | Callable[[httpx.Request], httpx.Response]

AT_ONCE = Retries(attempts=3, first_wait=0, max_wait=0, busy_timeout=0.2)
"""Tries again without waiting."""


class Service:
    """Give each path its replies with `on`; the last of them repeats. Asked without a script it answers 404."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.url = "http://station.example"
        """Where it is; another one once it is `served`."""
        self._scripts: dict[str, list[Reply]] = {}

    def on(self, path: str, *replies: Reply) -> Self:
        """Set the replies of a path."""
        self._scripts[path] = list(replies)
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        replies = self._scripts.get(request.url.path)
        if not replies:
            return httpx.Response(404)
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply(request) if callable(reply) else reply

    def asked(self, path: str) -> list[httpx.Request]:
        """The requests for a path, in their order."""
        return [request for request in self.requests if request.url.path == path]

    def forms(self, path: str = "/token") -> list[dict[str, str]]:
        """The forms that were posted to a path."""
        return [dict(parse_qsl(request.content.decode())) for request in self.asked(path)]

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Self]:
        """The service on a free loopback port."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        url = f"http://{request.host}{request.raw_path}"
        asked = httpx.Request(request.method, url, headers=list(request.headers.items()), content=await request.read())
        given = self(asked)
        headers = [(name, value) for name, value in given.headers.items() if name.lower() != "content-length"]
        return web.Response(status=given.status_code, body=given.content, headers=dict(headers))

    def station(self, authentication: Mapping[str, Any] | None = None, **others: Any) -> Station:
        """The settings of this station; ``token_url`` is added to an authentication that needs one."""
        given = dict(authentication or {"kind": "none"})
        if given["kind"] == "oauth2":
            given.setdefault("token_url", f"{self.url}/token")
        adapter: TypeAdapter[Authentication] = TypeAdapter(Authentication)
        defaults: dict[str, Any] = {
            "name": "adgs",
            "interface": "auxip",
            "url": HttpUrl(f"{self.url}/auxip"),
            "authentication": adapter.validate_python(given),
            "missions": ("S1", "other"),
            "start": date(2026, 1, 1),
            "retries": AT_ONCE,
        }
        given_settings = defaults | others
        return load_interface(given_settings["interface"]).settings(**given_settings)


def token(text: str = "t0ken", **others: Any) -> httpx.Response:
    """What a token endpoint answers to good credentials."""
    return httpx.Response(200, json={"access_token": text, "token_type": "Bearer"} | others)


def products(*entities: Mapping[str, Any], **others: Any) -> httpx.Response:
    """A page of a search."""
    return httpx.Response(200, json={"value": list(entities)} | others)
