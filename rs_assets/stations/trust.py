"""Who may be sent a station's credentials."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from rs_assets.settings import Station

MAX_REDIRECTS = 5
"""Redirects followed for one request."""

_SIGNATURES = frozenset({"x-amz-credential", "x-amz-signature", "awsaccesskeyid", "x-goog-signature", "sig"})
"""Query parameters of URLs that are signed already (S3, Google Cloud Storage, Azure)."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Trust:
    """The places that may see a station's credentials: its own origin, and the hosts that the settings trust."""

    origin: str
    """URL of the station."""
    hosts: frozenset[str] = frozenset()
    """Further hosts, by name in lower case; any port."""

    @classmethod
    def of(cls, station: Station) -> "Trust":
        """The trust that the settings of a station state."""
        return cls(str(station.url), frozenset(host.lower() for host in station.trusted_hosts))

    def covers(self, url: str) -> bool:
        """Whether a request to `url` may carry the credentials.

        Never over plain http where the station itself is reached by https, and never to a URL that is signed
        already, which a second authorization would make invalid.
        """
        target = urlsplit(url)
        if target.scheme != "https" and urlsplit(self.origin).scheme == "https":
            return False
        if is_signed(url):
            return False
        return self.is_origin(url) or target.hostname in self.hosts

    def is_origin(self, url: str) -> bool:
        """Whether `url` is at the station's own host and port."""
        return _place(url) == _place(self.origin)


def is_signed(url: str) -> bool:
    """Whether a URL is signed already, so that a second authorization would make it invalid."""
    return any(name.lower() in _SIGNATURES for name, _ in parse_qsl(urlsplit(url).query))


# Asked several times for each file: parsing them took an eighth of the CPU time of small files.
@lru_cache(maxsize=1024)
def _place(url: str) -> tuple[str | None, int | None]:
    """Host and port; no port where it is the scheme's own, so that the step from http to https stays at home."""
    parts = urlsplit(url)
    return parts.hostname, None if parts.port == _PORTS.get(parts.scheme) else parts.port
