"""Unpacking what has been staged: each file inside goes into the store as any other file, beside the packed one."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial

from rs_assets.errors import RsAssetsError
from rs_assets.items.files import FileRecord, FileState
from rs_assets.settings import PackedFormat, Station, Unpacking
from rs_assets.staging.contents.contents import Contents, ReadPacked
from rs_assets.staging.contents.gzip import GzipContents
from rs_assets.staging.engine import stage_files
from rs_assets.staging.messages import Progress
from rs_assets.staging.messages import Unpacking as UnpackingMessage
from rs_assets.staging.sources.source import Answer, Source, Wanted
from rs_assets.store import Sink
from rs_assets.store.origin import Origin

FORMATS: Mapping[PackedFormat, Contents] = {PackedFormat.GZIP: GzipContents()}
"""What unpacks a file, by the name of its format in the settings."""


async def unpack_files(
    files: Sequence[FileRecord],
    sink: Sink,
    station: Station,
    *,
    taken: Collection[tuple[str, str]],
    progress: Progress,
) -> list[FileRecord]:
    """Unpack the files that are in the store and of a format that the station's `unpack` names; the others stay.

    What is inside is verified by the format's own checksum, counted and hashed on its way, and visible only once it is
    whole. What is in the store already is not unpacked again.

    Args:
        files: what has become of each file.
        sink: where the packed files are, and what is inside goes.
        station: whose settings count, for what is inside as for the files themselves.
        taken: item ids and asset keys that the station itself has; what is inside takes none of them.
        progress: called once with how many files are unpacked.

    Returns:
        The files in their order, with their `members`. One that cannot be unpacked has failed; its object stays.
    """
    ended = list(files)
    if station.unpack is None:
        return ended
    contents = [FORMATS[name] for name in station.unpack.formats]
    packed: dict[int, list[FileRecord]] = {}
    opened: dict[str, tuple[Contents, str, ReadPacked]] = {}
    for index, file in enumerate(files):
        content = next((each for each in contents if each.holds(file.asset)), None)
        if content is None or not file.state.in_store or file.key is None:
            continue
        read = partial(sink.read, file.key)
        try:
            names = await content.members(file.asset, read)
        except RsAssetsError as error:
            ended[index] = _failed(file, str(error))
            continue
        packed[index] = [_member(file, file.key, name) for name in names if (file.item_id, name) not in taken]
        opened |= {member.source_href: (content, member.asset, read) for member in packed[index]}
    if packed:
        progress(UnpackingMessage(len(packed)))
    members = [member for each in packed.values() for member in each]
    staged = iter(await stage_files(members, _PackedSource(opened, station.unpack), sink, station))
    for index, inside in packed.items():
        ended[index] = _unpacked(files[index], tuple(next(staged) for _ in inside))
    return ended


async def member_keys(file: FileRecord, key: str, sink: Sink) -> list[str]:
    """The keys under which the files inside a file would be, whatever the settings say; it is under `key` itself.

    Raises:
        ContentsError, StoreError: what is inside cannot be determined.
    """
    contents = [each for each in FORMATS.values() if each.holds(file.asset)]
    return [
        _member(file, key, name).object_key
        for each in contents
        for name in await each.members(file.asset, partial(sink.read, key))
    ]


def _member(file: FileRecord, key: str, name: str) -> FileRecord:
    """A file inside another that is under `key`, beside which its object is to be."""
    # Where the packed file had to take another key, what is inside follows it.
    source_id, href = key.split("/")[-2], f"{key}!/{name}"
    return FileRecord(
        collection=file.collection, item_id=file.item_id, asset=name, source_id=source_id, source_href=href
    )


def _unpacked(file: FileRecord, members: tuple[FileRecord, ...]) -> FileRecord:
    bad = next((member for member in members if not member.state.in_store), None)
    if bad is not None:
        return _failed(file, str(bad.reason))
    return replace(file, members=tuple(replace(member, source_id=file.source_id) for member in members))


def _failed(file: FileRecord, reason: str) -> FileRecord:
    """The file as failed: what should be made of it is not there."""
    reason = f"{file.asset} is in the store but cannot be unpacked: {reason}"
    return replace(file, state=FileState.FAILED, key=None, href=None, size=None, digest=None, reason=reason)


class _PackedSource(Source):
    """Gives the files inside packed ones, by the addresses that were made for them."""

    def __init__(self, opened: Mapping[str, tuple[Contents, str, ReadPacked]], limits: Unpacking) -> None:
        self._opened = opened
        self._limits = limits

    @asynccontextmanager
    async def open(self, wanted: Wanted) -> AsyncIterator[Answer]:
        contents, name, read = self._opened[wanted.href]
        async with aclosing(contents.open(name, read, self._limits)) as chunks:
            yield Answer(chunks, 0, Origin())
