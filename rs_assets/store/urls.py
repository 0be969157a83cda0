"""The URLs of the objects of a bucket."""

import re
from urllib.parse import quote, unquote

_UNREPRESENTABLE = re.compile(r'[\x00-\x20"%#?<>\\^`{|}\x7f]')


def object_url(place: str, key: str) -> str:
    """The URL of an object below `place`: the key as it is, but for what no URL may hold."""
    return f"{place}/{_UNREPRESENTABLE.sub(lambda match: quote(match[0], safe=''), key)}"


def key_below(place: str, url: str) -> str | None:
    """The key of the object at `url`; None if that is not below `place`."""
    return unquote(url.removeprefix(f"{place}/")) if url.startswith(f"{place}/") else None
