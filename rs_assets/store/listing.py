"""Listing a folder of S3 that holds keys which the client cannot name, e.g. ``inbox//x.json``.

The client refuses the whole list for one of them. So the same client, with its credentials, is opened on the address
of the list itself, and reads it as if it were an object.
"""

import logging
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import quote, unquote_plus
from xml.etree import ElementTree

import obstore
from obstore.store import ObjectStore

from rs_assets.errors import StoreError

_log = logging.getLogger(__name__)

_reported: set[str] = set()


def nameable(place: str, prefix: str | None, folder: str, opening: Callable[[str], ObjectStore]) -> list[str]:
    """The names directly in a folder that the client can name; of any other key below it a warning is logged, once.

    Args:
        place: the URL of the store, for people to read.
        prefix: what goes before every key of the store.
        folder: a folder of the store.
        opening: opens a client whose only object is the answer to a query of the bucket.
    """
    above = f"{prefix}/{folder}/" if prefix else f"{folder}/"
    names = []
    for key in _keys(above, opening):
        name = key.removeprefix(above)
        if not all(map(_is_nameable, name.removesuffix("/").split("/"))):
            _report(place, f"{folder}/{name}")
        elif "/" not in name:
            names.append(name)
    return names


def _keys(prefix: str, opening: Callable[[str], ObjectStore]) -> Iterator[str]:
    query = f"list-type=2&encoding-type=url&prefix={quote(prefix, safe='')}"
    more = ""
    while True:
        content = bytes(obstore.get(opening(query + more), "list").bytes())
        try:
            # The store is trusted with the files themselves.
            answer = ElementTree.fromstring(content)  # noqa: S314
        except ElementTree.ParseError as error:
            raise StoreError(f"the list of {prefix} is not XML: {error}") from None
        yield from (unquote_plus(element.text or "") for element in answer.iterfind("{*}Contents/{*}Key"))
        token = answer.findtext("{*}NextContinuationToken")
        if not token:
            return
        more = f"&continuation-token={quote(token, safe='')}"


def _is_nameable(part: str) -> bool:
    return part not in {"", ".", ".."} and not any(unicodedata.category(character) == "Cc" for character in part)


def _report(place: str, key: str) -> None:
    if (url := f"{place}/{key}") not in _reported:
        _reported.add(url)
        _log.warning("%r in the store %s is passed over, since such a key cannot be named; delete it", key, place)
