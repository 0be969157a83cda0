"""Whether the bytes are those that the station states: counted and hashed while they pass, judged at the end."""

from dataclasses import dataclass

from rs_assets.items.files import FileRecord
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.settings import Policy, Verification
from rs_assets.store.errors import MismatchError


@dataclass(frozen=True, slots=True)
class Verified:
    """A file whose bytes were accepted."""

    size: int
    """In bytes."""
    digest: Digest
    """The cheapest one that the station vouches for, else a BLAKE3 of our own."""
    warnings: tuple[str, ...] = ()
    """Differences tolerated by policy `warn`."""


class Expectation:
    """What the station states of one file, and what a difference means."""

    def __init__(self, file: FileRecord, verification: Verification) -> None:
        self._size = file.stated_size
        self._size_policy = verification.size
        self._digest = file.expected_digest if verification.checksum is not Policy.OFF else None
        self._digest_policy = verification.checksum
        self.algorithm = self._digest.algorithm if self._digest else Algorithm.BLAKE3
        """The digest to compute."""

    @property
    def max_bytes(self) -> int | None:
        """The size beyond which the file is surely refused; None if there is no such size."""
        return self._size if self._size_policy is Policy.STRICT else None

    def check_size(self, size: int | None) -> tuple[str, ...]:
        """The warnings about a size, where one is known: of all bytes, or as an answer announces it.

        Raises:
            MismatchError: it is not the one that the station states, and the policy is strict.
        """
        if size is None or self._size is None or size == self._size:
            return ()
        return _judge(self._size_policy, f"the size is {size} bytes where the station states {self._size}")

    def verify(self, size: int, digest: Digest) -> Verified:
        """Accept a file.

        Raises:
            MismatchError: its size or digest is not the one that the station states, and the policy is strict.
        """
        warnings = self.check_size(size)
        if self._digest is not None and digest != self._digest:
            name = digest.algorithm
            difference = f"the {name} checksum is {digest.hex} where the station states {self._digest.hex}"
            warnings += _judge(self._digest_policy, difference)
        return Verified(size, digest, warnings)


class VerifyingHasher:
    """Counts and hashes the bytes of one file as they pass."""

    def __init__(self, expectation: Expectation) -> None:
        self.algorithm = expectation.algorithm
        """The digest that is computed."""
        self.size = 0
        """Bytes that have passed."""
        self._expectation = expectation
        self._max_bytes = expectation.max_bytes
        self._hasher = self.algorithm.hasher()

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes. Burns CPU without the GIL, so it is called in an executor thread.

        Raises:
            MismatchError: there are more than the station states, and the policy is strict.
        """
        self.size += len(data)
        if self._max_bytes is not None and self.size > self._max_bytes:
            raise MismatchError(f"{self.size} bytes or more came where the station states {self._max_bytes}")
        self._hasher.update(data)

    def restart(self) -> None:
        """Forget all that has passed."""
        self.size = 0
        self._hasher = self.algorithm.hasher()

    def digest_so_far(self) -> str:
        """Digest of the bytes that have passed, as hex; more may pass."""
        return self._hasher.copy().hexdigest()

    def finish(self) -> Verified:
        """Accept what has passed.

        Raises:
            MismatchError: it is not what the station states, and the policy is strict.
        """
        return self._expectation.verify(self.size, Digest(self.algorithm, self._hasher.hexdigest()))


def _judge(policy: Policy, difference: str) -> tuple[str, ...]:
    if policy is Policy.STRICT:
        raise MismatchError(difference)
    return (difference,) if policy is Policy.WARN else ()
