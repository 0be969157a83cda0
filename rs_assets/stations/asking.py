"""What is common to all requests of the control plane: what is tried again, and where redirects lead."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from rs_assets.errors import StationError
from rs_assets.settings import Station
from rs_assets.stations.backoff import PASSING_STATUSES, wait_before
from rs_assets.stations.faults import in_words
from rs_assets.stations.links import followed
from rs_assets.stations.trust import MAX_REDIRECTS


async def answer_of(station: Station, where: str, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The first answer that is not a passing fault, after as many attempts as the station's settings allow.

    Args:
        station: whose retries count.
        where: what is asked, in an error message.
        ask: sends the request once.

    Raises:
        StationError: the last attempt failed, too.
    """
    attempt = 1
    while True:
        retry_after = None
        try:
            response = await ask()
        except httpx.RequestError as error:
            problem = f"{where} cannot be reached: {in_words(error)}"
        except TimeoutError:
            problem = f"no answer from {where} within {station.timeouts.search:g} s"
        else:
            if response.status_code not in PASSING_STATUSES:
                return response
            problem = f"{where} answers {status_of(response)}"
            retry_after = response.headers.get("Retry-After")
        if attempt >= station.retries.attempts:
            raise StationError(f"{station.name}: {problem} (tried {attempt} times)")
        attempt += 1
        await asyncio.sleep(wait_before(attempt, station.retries, retry_after))


def status_of(response: httpx.Response) -> str:
    """The status with the standard's words for it: a station's own may hold anything."""
    return f"{response.status_code} {httpx.codes.get_reason_phrase(response.status_code)}".strip()


async def final_answer(
    station: Station, where: str, url: httpx.URL, ask: Callable[[httpx.URL], Awaitable[httpx.Response]]
) -> httpx.Response:
    """The first answer that is not a redirect; `ask` decides whether an address is asked, and what it is sent.

    Raises:
        StationError: it redirects too often, or to what is not an address of HTTP.
    """
    for _ in range(MAX_REDIRECTS + 1):
        response = await ask(url)
        if not response.has_redirect_location:
            return response
        url = followed(station.name, url, response.headers["Location"])
    raise StationError(f"{station.name}: {where} redirects in circles")
