"""What counts and hashes the bytes of an object on their way into the store."""

from typing import Protocol

from rs_assets.items.multihash import Algorithm


class Hasher(Protocol):
    """Sees every byte of one object before it is written; may refuse it."""

    @property
    def algorithm(self) -> Algorithm:
        """The digest that is computed."""
        ...

    @property
    def size(self) -> int:
        """Bytes that it has seen."""
        ...

    def update(self, data: bytes | memoryview, /) -> None:
        """Take the next bytes. Burns CPU without the GIL, so it is called in an executor thread.

        Raises:
            MismatchError: they cannot belong to the object.
        """
        ...

    def restart(self) -> None:
        """Forget all bytes seen."""
        ...

    def digest_so_far(self) -> str:
        """Digest of the bytes seen, as hex; more may follow."""
        ...
