"""What a process that writes to an object store weighs, and what it leaves when it is killed."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.servers import S3Server
from tests.store.rig import object_sink

_MEBIBYTE = 1 << 20


@contextmanager
def writing(server: S3Server, prefix: str, keys: list[str], size: int) -> Iterator["subprocess.Popen[str]"]:
    """A process that writes objects of zeros."""
    store = server.store(prefix).model_dump(mode="json", exclude_none=True)
    order = json.dumps({"store": store, "keys": keys, "size": size})
    command = [sys.executable, "-m", "tests.store.object_process", order]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("files", "bound"), [(3, 3 * 18), (8, 8 * 18)])
def test_the_memory_that_is_used_has_the_bound_that_is_stated(
    s3_server: S3Server, prefix: str, files: int, bound: int
) -> None:
    with writing(s3_server, prefix, [str(number) for number in range(files)], 40 * _MEBIBYTE) as process:
        out, _ = process.communicate(timeout=60)

    weight = json.loads(out.splitlines()[-1])
    # Buffers of connections and the allocator's slack come on top.
    assert 5 * files < weight["more"] < bound * 1.3
    assert weight["most"] < 250


def test_a_process_that_is_killed_in_the_middle_leaves_no_object_and_does_not_bar_the_next(
    s3_server: S3Server, prefix: str
) -> None:
    with writing(s3_server, prefix, ["a/b"], 40 * _MEBIBYTE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    assert s3_server.files(prefix) == {"first": b""}
    assert asyncio.run(object_sink(s3_server.store(prefix)).find("a/b")) is None
    with writing(s3_server, prefix, ["a/b"], 40 * _MEBIBYTE) as process:
        assert process.wait(60) == 0
    assert s3_server.files(prefix)["a/b"] == bytes(40 * _MEBIBYTE)
