"""Which content some bytes belong to, as a source names it, so that a later answer can be held against it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """What a source says of a file's content, as far as it says anything."""

    etag: str | None = None
    """Its strong entity tag."""
    modified: str | None = None
    """Its Last-Modified header."""
    size: int | None = None
    """Bytes of the whole file."""

    @property
    def condition(self) -> str | None:
        """What an If-Range header names the content by (RFC 9110, 13.1.5); None where nothing does."""
        return self.etag or self.modified

    def may_be(self, other: "Origin") -> bool:
        """Whether nothing says that the other content is another one; a checksum has the last word."""
        pairs = ((self.size, other.size), (self.etag, other.etag), (self.modified, other.modified))
        return all(one is None or two is None or one == two for one, two in pairs)
