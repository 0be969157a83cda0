"""Objects of S3 buckets that the station's settings name."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from rs_assets.errors import StationError
from rs_assets.settings import Station
from rs_assets.settings.sources import S3Credentials
from rs_assets.staging.sources.source import Answer, Source, Wanted
from rs_assets.staging.sources.watchdog import Watchdog
from rs_assets.staging.transfer_errors import ChangedError, EvictedError, NoSpareSlotError, PassingError
from rs_assets.stations.keyring import Keyring
from rs_assets.stations.limits import StationLimits
from rs_assets.store.bucket import Bucket
from rs_assets.store.opening import open_bucket
from rs_assets.store.origin import Origin

if TYPE_CHECKING:
    from obstore import BytesStream, GetOptions, GetResult

_CHUNK_BYTES = 256 << 10
_IGNORES_RANGES = "Received non-partial response"
"""What obstore says of a server that answers a request for a range with the whole object."""
_ADDRESS = re.compile(r"s3://(?P<bucket>[^/?#]+)/(?P<key>[^?#]+)", re.IGNORECASE)


class S3Source(Source):
    """Objects of the buckets that the station's `credentials` name, each with the keys that stand there.

    A bucket that is not named is refused: what a station answers never makes the keys of this machine be used.
    """

    def __init__(self, station: Station, keyring: Keyring, limits: StationLimits) -> None:  # noqa: ARG002 - as every source
        self._station = station
        self._limits = limits
        self._buckets: dict[str, Bucket] = {}

    @asynccontextmanager
    async def open(self, wanted: Wanted) -> AsyncIterator[Answer]:
        name = self._station.name
        match = _ADDRESS.fullmatch(wanted.href)
        if match is None:
            raise StationError(f"{name}: {wanted.href} is not s3://bucket/key")
        bucket = self._bucket(match["bucket"])
        async with self._limits.spare_slot() if wanted.spare else self._limits.slot() as slot:
            if slot is None:
                raise NoSpareSlotError(f"{name}: no connection is to spare")
            await self._limits.turn()
            result, begin = await self._begun(bucket, unquote(match["key"]), wanted)
            self._limits.served()
            tag = result.meta["e_tag"] or ""
            origin = Origin(tag if tag.startswith('"') else None, size=result.meta["size"])
            if begin and wanted.origin is not None and not origin.may_be(wanted.origin):
                raise ChangedError(f"{name}: {wanted.href} has changed while it was read")
            async with aclosing(self._chunks(bucket, result.stream(min_chunk_size=_CHUNK_BYTES), wanted)) as chunks:
                # Some servers ignore ranges, so a file is not read over several connections.
                yield Answer(chunks, begin, origin)

    def _bucket(self, name: str) -> Bucket:
        described = self._station.credentials.get(name)
        if not isinstance(described, S3Credentials):
            raise StationError(
                f"{self._station.name}: nothing is set for the bucket {name}; add it to the station's credentials, "
                "with 'anonymous: true' if it is public"
            )
        if name not in self._buckets:
            self._buckets[name] = open_bucket(described.bucket(name))
        return self._buckets[name]

    async def _begun(self, bucket: Bucket, key: str, wanted: Wanted) -> "tuple[GetResult, int]":
        """The answer, and its first byte: that wanted, or 0 where the server does not give ranges."""
        import obstore

        options: GetOptions = {}
        if wanted.end is not None:
            options["range"] = (wanted.begin, wanted.end)
        elif wanted.begin:
            options["range"] = {"offset": wanted.begin}
        if wanted.begin and wanted.origin is not None and wanted.origin.etag is not None:
            options["if_match"] = wanted.origin.etag
        try:
            try:
                return await obstore.get_async(bucket.client, key, options=options), wanted.begin
            except obstore.exceptions.GenericError as error:
                if _IGNORES_RANGES not in str(error):
                    raise
            return await obstore.get_async(bucket.client, key), 0
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            raise self._explained(error, bucket, wanted) from None

    async def _chunks(self, bucket: Bucket, stream: "BytesStream", wanted: Wanted) -> AsyncGenerator[bytes, None]:
        import obstore

        timeouts = self._station.timeouts
        watchdog = Watchdog(timeouts.min_rate, timeouts.rate_period)
        pieces = aiter(stream)
        while True:
            try:
                with watchdog:
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except (obstore.exceptions.BaseError, OSError) as error:
                raise self._explained(error, bucket, wanted) from None
            watchdog.passed(len(piece))
            yield bytes(piece)

    def _explained(self, error: BaseException, bucket: Bucket, wanted: Wanted) -> StationError:
        """What an error of the object store means for the file; its own words may repeat what was signed."""
        from obstore.exceptions import PermissionDeniedError, PreconditionError, UnauthenticatedError

        place = f"{self._station.name}: {wanted.href}"
        if isinstance(error, FileNotFoundError):
            return EvictedError(f"{place} is not there any more")
        if isinstance(error, PreconditionError):
            return ChangedError(f"{place} has changed while it was read")
        reason = f"{place} cannot be read: {bucket.explain(error).reason}"
        is_final = isinstance(error, PermissionDeniedError | UnauthenticatedError | ValueError)
        return StationError(reason) if is_final else PassingError(reason)
