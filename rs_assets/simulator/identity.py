"""Ids that hide where an entity stands in the archive, and lead back there."""

from hashlib import blake2b
from uuid import UUID


class Identity:
    """Makes and reads the ids of one archive.

    An id hides the entity's place behind a mask that its other half gives, so that an id alone leads back
    to the entity without walking through the archive.
    """

    def __init__(self, salt: str) -> None:
        self._salt = salt.encode()[:64]

    def digest(self, text: str) -> bytes:
        """32 bytes that this archive, and no other, has for a text."""
        return blake2b(text.encode(), digest_size=32, key=self._salt).digest()

    def uuid(self, place: bytes, key: bytes) -> str:
        """The id of what stands at a place (6 bytes) and has this key."""
        tail = bytearray(key[-10:])
        tail[0] = tail[0] & 0x0F | 0x80
        tail[2] = tail[2] & 0x3F | 0x80
        return str(UUID(bytes=self._masked(place, tail) + bytes(tail)))

    def place(self, uuid: str) -> bytes:
        """The place that an id hides; any 6 bytes if the id is none of this archive's."""
        raw = UUID(uuid).bytes
        return self._masked(raw[:6], raw[6:])

    def _masked(self, place: bytes, tail: bytes | bytearray) -> bytes:
        mask = blake2b(tail, digest_size=6, key=self._salt).digest()
        return (int.from_bytes(place, "big") ^ int.from_bytes(mask, "big")).to_bytes(6, "big")
