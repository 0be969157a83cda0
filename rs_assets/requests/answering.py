"""Answering a request: search its source, choose, stage what the catalogue lacks, publish, read back."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Self

from pystac import Item

from rs_assets.catalog.protocol import CollectionSpec, TimeInterval, UpsertResult, UpsertStatus
from rs_assets.errors import RsAssetsError, StationError
from rs_assets.ingest import Platform
from rs_assets.ingest.job import IngestJob
from rs_assets.ingest.opening import OpenStation, open_station
from rs_assets.ingest.publishing import collection_spec, publish_items
from rs_assets.ingest.staging import StagingOptions, stage_missing
from rs_assets.items.files import FileRecord, FileState, count_states
from rs_assets.items.identity import publication_order
from rs_assets.requests.choosing import Choice, asked_for, bounds, choose, mission_of
from rs_assets.requests.model import AuxRequest
from rs_assets.selection import compile_filter
from rs_assets.settings import CATALOG_SOURCE, OTHER_MISSION
from rs_assets.state.requests import RequestCounts, RequestState

OWNER = "on_demand"
"""Under which name the failures of requests are recorded, apart from those of the stations' own assets."""


@dataclass(frozen=True)
class RequestResult:
    """What became of a request."""

    request_id: str
    request: AuxRequest
    state: RequestState
    message: str
    """What happened, as one sentence."""
    items: tuple[Item, ...] = ()
    """The chosen items that are complete, as the catalogue holds them."""
    files: tuple[FileRecord, ...] = ()
    """The outcome of every file; empty where nothing had to be staged."""
    refused: tuple[UpsertResult, ...] = ()
    """Items that the catalogue did not take."""
    found: int = 0
    """Items that the source has found."""
    choice: Choice | None = None
    """None where the search failed."""
    warnings: tuple[str, ...] = ()

    def count(self, state: FileState) -> int:
        """How many files there are of this state."""
        return count_states(self.files)[state]

    @property
    def counts(self) -> RequestCounts:
        """Its figures, for the list of requests."""
        return RequestCounts(
            found=self.found,
            selected=len(self.choice.items) if self.choice else 0,
            staged=self.count(FileState.STAGED),
            catalogued=len(self.items),
            gaps=self.choice.gaps if self.choice else 0,
        )


class Answering:
    """Answers requests one after another or side by side, over shared connections; an async context manager."""

    def __init__(self, platform: Platform, *, run_id: str | None = None) -> None:
        self._platform = platform
        self._run_id = run_id
        self._open = AsyncExitStack()
        self._stations: dict[str, OpenStation] = {}
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def answer(self, request_id: str, request: AuxRequest) -> RequestResult:
        """Answer one request. What cannot be done is in the result; it raises nothing that a user can mend."""
        failed = RequestResult(request_id, request, RequestState.FAILED, "")
        try:
            async with asyncio.timeout(request.search_timeout):
                found, warnings = await self._found(request)
        except TimeoutError:
            return replace(failed, message=f"the search took longer than {request.search_timeout:g} s")
        except RsAssetsError as error:
            return replace(failed, message=str(error))
        try:
            found = _newest(found)
            choice = choose(request, found)
            result = replace(failed, found=len(found), choice=choice, warnings=tuple(warnings))
            if not choice.items:
                return _empty(result)
            if request.source == CATALOG_SOURCE:
                message = f"{len(choice.items)} items chosen; {len(found)} found{_uncovered(choice)}"
                return replace(result, state=RequestState.ANSWERED, message=message, items=choice.items)
            return await self._staged(result, choice)
        except RsAssetsError as error:
            return replace(failed, message=str(error), found=len(found))

    async def _found(self, request: AuxRequest) -> tuple[list[Item], list[str]]:
        expression = asked_for(request, self._platform.settings)
        if request.source == CATALOG_SOURCE:
            return await asyncio.to_thread(self._in_catalog, request), []
        station = await self._station(request.source)
        answer = await station.search.find(expression)
        if answer.partial:
            raise StationError(f"{request.source}: {'; '.join(answer.warnings)}; try again")
        return answer.items, [*answer.warnings, *(f"{entry.name}: {entry.reason}" for entry in answer.rejected)]

    def _in_catalog(self, request: AuxRequest) -> list[Item]:
        meets = compile_filter(asked_for(request, self._platform.settings))
        job = bounds(request)
        held = self._platform.catalog.search(
            collections=None if request.collection is None else [request.collection],
            datetime=None if job is None else TimeInterval(job.s0, job.s1),
        )
        return [item for item in held if meets(item)]

    async def _staged(self, result: RequestResult, choice: Choice) -> RequestResult:
        request = result.request
        station = await self._station(request.source)
        targets: dict[CollectionSpec, list[Item]] = {}
        for item in choice.items:
            mission = mission_of(item, self._platform.settings.missions)
            spec = collection_spec(self._platform, station.settings, mission.name if mission else OTHER_MISSION)
            targets.setdefault(replace(spec, id=request.collection or spec.id), []).append(item)
        files: list[FileRecord] = []
        refused: list[UpsertResult] = []
        items: list[Item] = []
        for spec, members in targets.items():
            done, not_taken = await self._published(result, station, spec, members)
            files += done
            refused += not_taken
            lacking = {file.item_id for file in done if not file.state.is_settled}
            lacking |= {entry.item_id for entry in not_taken}
            items += await asyncio.to_thread(self._read_back, spec.id, members, lacking)
        complete, wanted = len(items), len(choice.items)
        state = RequestState.ANSWERED if complete == wanted else RequestState.PARTIAL
        if not complete and not any(file.state is FileState.ORDERED for file in files):
            state = RequestState.FAILED
        message = f"{complete} of {wanted} chosen items in the catalogue; {result.found} found"
        reasons = [f"{file.asset}: {file.reason}" for file in files if not file.state.is_settled]
        reasons += [f"{entry.item_id}: {entry.reason}" for entry in refused]
        if reasons:
            message += f"; {reasons[0]}" + (f" and {len(reasons) - 1} more" if len(reasons) > 1 else "")
        message += _uncovered(choice)
        return replace(
            result, state=state, message=message, items=tuple(items), files=tuple(files), refused=tuple(refused)
        )

    async def _published(
        self, result: RequestResult, station: OpenStation, spec: CollectionSpec, items: Sequence[Item]
    ) -> tuple[list[FileRecord], list[UpsertResult]]:
        job = IngestJob(self._platform, station.settings, OWNER, result.request_id, self._run_id, is_retried=False)
        options = StagingOptions(selected_assets=result.request.selected_assets)
        staged = await stage_missing(job, station.source, spec.id, items, options)
        publication = await publish_items(job, spec, staged.items)
        held = [
            UpsertResult(entry.session_id, UpsertStatus.FAILED, f"it is not complete: {'; '.join(entry.missing)}")
            for entry in staged.sessions
            if not entry.complete and entry.session_id not in {item.id for item in staged.items}
        ]
        return list(staged.files), [*publication.report.refused, *held]

    def _read_back(self, collection: str, items: Sequence[Item], lacking: set[str]) -> list[Item]:
        held = (self._platform.catalog.get(collection, item.id) for item in items if item.id not in lacking)
        return [item for item in held if item is not None]

    async def _station(self, name: str) -> OpenStation:
        async with self._opening:
            if name not in self._stations:
                self._stations[name] = await self._open.enter_async_context(open_station(self._platform, name))
        return self._stations[name]


def _newest(items: Sequence[Item]) -> list[Item]:
    """Of the publications of one product the newest; an older one has been replaced, and cannot be catalogued."""
    newest: dict[tuple[str, ...], Item] = {}
    for item in sorted(items, key=publication_order):
        newest[item.id, *sorted(item.assets)] = item
    return list(newest.values())


def _uncovered(choice: Choice) -> str:
    types = [entry.product_type for entry in choice.types if not entry.coverage.is_covered]
    return f"; not covered: {', '.join(types)}" if types else ""


def _empty(result: RequestResult) -> RequestResult:
    state = RequestState.FAILED if result.request.error_if_empty else RequestState.ANSWERED
    what = "nothing was found" if not result.found else f"the policy chooses none of the {result.found} found"
    return replace(result, state=state, message=what)
