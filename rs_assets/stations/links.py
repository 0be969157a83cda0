"""Where a station's answer leads on: the target of a redirect, the next page."""

from urllib.parse import urlsplit

import httpx

from rs_assets.errors import StationError


def followed(station: str, answer: httpx.URL, link: str) -> httpx.URL:
    """The address that a `link` in an answer of the station leads to; it may be relative.

    Raises:
        StationError: it is not an address of HTTP.
    """
    try:
        target = answer.join(link)
        parts = urlsplit(str(target))
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except (httpx.InvalidURL, ValueError):
        usable = False
    if not usable:
        raise StationError(f"{station}: it leads on to {link[:200]!r}, which is not an HTTP address")
    return target
