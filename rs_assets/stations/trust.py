"""Who may be sent a station's credentials."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from rs_assets.settings import Station

MAX_REDIRECTS = 5
"""Redirects followed for one request."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The places that may see a station's credentials: its own origin, and the hosts that the settings trust."""

    origin: str
    """URL of the station."""
    hosts: frozenset[str] = frozenset()
    """Further hosts, by name; any port."""

    @classmethod
    def of(cls, station: Station) -> "Trust":
        """The trust that the settings of a station state."""
        return cls(str(station.url), station.trusted_hosts)

    def covers(self, url: str) -> bool:
        """Whether a request to `url` may carry the credentials.

        Never over plain http where the station itself is reached by https, and never to a URL that is signed
        already, which a second authorization would make invalid.
        """
        target, own = urlsplit(url), urlsplit(self.origin)
        if own.scheme == "https" and target.scheme != "https":
            return False
        if "Amz-Credential" in target.query or "X-Amz-Signature" in target.query:
            return False
        if (target.hostname, target.port) == (own.hostname, own.port):
            return True
        return target.hostname in self.hosts
