"""After a station was given another name in the settings: what was known under the old one is known under the new."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rs_assets.errors import RsAssetsError
from rs_assets.ingest import Platform
from rs_assets.ingest.search_results import FORM, SearchResults, united
from rs_assets.ingest.work import workers
from rs_assets.requests.inbox import Inbox
from rs_assets.requests.model import RequestError
from rs_assets.settings import Station
from rs_assets.state.stations import StationNames
from rs_assets.stations.registry import interface_of
from rs_assets.stations.window import Partition
from rs_assets.store import Document


class RenameError(RsAssetsError):
    """The station cannot be renamed so; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """What was done."""

    documents: int
    rows: int
    requests: int
    """Requests that wait and name the station."""


def rename_station(platform: Platform, old: str, new: str) -> Renamed:
    """Let everything be of the station `new` that was of `old`; killed in between, it goes on when it is called again.

    Search results that both have become one; of manifests the one of `new` stays. Collections, objects and items do
    not depend on the name. Nothing else may run meanwhile.

    Raises:
        RenameError: the settings have `old` still, or do not have `new`; or a run is at work.
        StoreError, StateError: they cannot be used.
    """
    names = {station.name for station in platform.settings.stations}
    if old in names or new not in names:
        raise RenameError(
            f"name the station {new} in the settings first, in place of {old}; they have {', '.join(sorted(names))}"
        )
    if workers(platform):
        raise RenameError("a run is at work; let it end, and start nothing meanwhile")
    documents = _move_results(platform, old, platform.settings.station(new)) + _move_manifests(platform, old, new)
    digests = _move_requests(platform, old, new)
    rows = StationNames(platform.state).rename(old, new, digests)
    for root in (f"search_results/{old}", f"staged_files/{old}"):
        for window in platform.documents.folders(root):
            platform.documents.delete_folder(f"{root}/{window}")
        platform.documents.delete_folder(root)
    return Renamed(documents, rows, len(digests))


def _move_results(platform: Platform, old: str, station: Station) -> int:
    """Write the search results under the new name, and say so in them; how many there are."""
    documents, count = platform.documents, 0
    are_sessions = interface_of(station).has_sessions
    for path in _paths(platform, f"search_results/{old}"):
        with FORM.explained(f"search_results/{old}/{path}"):
            earlier = _results(documents.read(f"search_results/{old}/{path}") or {})
        mine = replace(earlier, station=station.name)

        def change(present: Document | None, mine: SearchResults = mine) -> Document:
            both = mine if present is None else united(mine, _results(present), are_sessions=are_sessions)
            return both.to_dict()

        with FORM.explained(f"search_results/{station.name}/{path}"):
            documents.update(f"search_results/{station.name}/{path}", change)
        count += 1
    return count


def _results(document: Document) -> SearchResults:
    key = document["rs_assets"]["partition"] if isinstance(document.get("rs_assets"), dict) else ""
    return SearchResults.from_dict(document, Partition.of_any_length(key))


def _move_manifests(platform: Platform, old: str, new: str) -> int:
    """Write the manifests under the new name, where there are none yet, and say so in them; how many there are."""
    count = 0
    for path in _paths(platform, f"staged_files/{old}"):
        document = platform.documents.read(f"staged_files/{old}/{path}") or {}
        content = json.dumps(document | {"station": new}, indent=1).encode()
        platform.documents.create(f"staged_files/{new}/{path}", content)
        count += 1
    return count


def _paths(platform: Platform, root: str) -> Iterator[str]:
    """Where the documents of a station's partitions are below a folder."""
    for window in platform.documents.folders(root):
        for name in platform.documents.names(f"{root}/{window}"):
            yield f"{window}/{name}"


def _move_requests(platform: Platform, old: str, new: str) -> dict[str, str]:
    """Write the requests anew that wait and name the station; their digests, by id."""
    inbox, digests = Inbox(platform.documents), dict[str, str]()
    for request_id in inbox.ids():
        try:
            request = inbox.read(request_id)
        except RequestError:  # it is rejected when it is taken in
            continue
        if request.source in {old, new}:
            renamed = request.model_copy(update={"source": new})
            inbox.replace(request_id, renamed)
            digests[request_id] = renamed.digest
    return digests
