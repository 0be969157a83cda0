"""Who may be sent a station's credentials."""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

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
        target, own = urlsplit(url), urlsplit(self.origin)
        if own.scheme == "https" and target.scheme != "https":
            return False
        if is_signed(url):
            return False
        return _place(target) == _place(own) or target.hostname in self.hosts

    def is_origin(self, url: str) -> bool:
        """Whether `url` is at the station's own host and port."""
        return _place(urlsplit(url)) == _place(urlsplit(self.origin))


def is_signed(url: str) -> bool:
    """Whether a URL is signed already, so that a second authorization would make it invalid."""
    return any(name.lower() in _SIGNATURES for name, _ in parse_qsl(urlsplit(url).query))


def _place(url: SplitResult) -> tuple[str | None, int | None]:
    """Host and port; no port where it is the scheme's own, so that the step from http to https stays at home."""
    return url.hostname, None if url.port == _PORTS.get(url.scheme) else url.port
