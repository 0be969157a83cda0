"""Objects in a real S3 server, and what becomes of them when things go wrong half-way."""

import os
from collections.abc import Sequence

import pytest

from rs_assets.items.multihash import Algorithm
from rs_assets.staging.object_sink import ObjectStoreSink
from rs_assets.staging.origin import Origin
from tests.servers import S3Server

from .rig import md5, passage_of, pieces_of

KEY = "s1_aux/A/uuid-1/A.zip"
PART = 5 << 20


@pytest.fixture
def sink(s3_server: S3Server, prefix: str) -> ObjectStoreSink:
    return ObjectStoreSink.of(s3_server.store(prefix))


@pytest.fixture
def stored(s3_server: S3Server, prefix: str) -> "Stored":
    return Stored(s3_server, prefix)


class Stored:
    """What the server holds."""

    def __init__(self, server: S3Server, prefix: str) -> None:
        self._server = server
        self._prefix = prefix

    def __call__(self) -> dict[str, bytes]:
        return self._server.files(self._prefix)


async def staged(
    sink: ObjectStoreSink, key: str, body: bytes, batches: Sequence[Sequence[bytes]] | None = None
) -> bool:
    passage = passage_of(body)
    async with sink.writer(key) as writer:
        await writer.begin(Origin(size=len(body)), passage)
        for batch in pieces_of(body) if batches is None else batches:
            await writer.write(batch, passage)
        passage.finish()
        return await writer.commit()


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 3 * PART, 3 * PART + 7])
async def test_an_object_of_any_size_is_stored_byte_for_byte(sink: ObjectStoreSink, stored: Stored, size: int) -> None:
    body = os.urandom(size)

    assert await staged(sink, KEY, body)

    assert stored() == {KEY: body}
    found = await sink.find(KEY)
    assert found is not None
    assert (found.size, found.href) == (size, sink.href(KEY))
    assert await sink.digest(KEY, Algorithm.MD5) == md5(body)
