"""Which credentials a request may carry: the station's own, those of another host, or none."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from rs_assets.settings.sources import LOOPBACK_HOSTS
from rs_assets.stations.credentials import Credentials
from rs_assets.stations.trust import Trust, is_signed


class Keyring:
    """The credentials of a station and of the further hosts that its settings name, each for its place alone."""

    def __init__(self, trust: Trust, own: Credentials, others: Mapping[str, Credentials] | None = None) -> None:
        """Take credentials.

        Args:
            trust: where the station's own may be sent.
            own: the station's.
            others: those of other places, by ``host`` or ``host:port`` in lower case.
        """
        self.own = own
        self._trust = trust
        self._others = others or {}

    def at(self, url: str) -> Credentials | None:
        """What a request to `url` may carry; None for a place that is sent none.

        Where the settings name credentials for a host, these go there, and the station's own do not, unless it is
        the station's origin. Those of another host never go over plain http, this machine apart, nor to a URL that
        is signed already.
        """
        if self._trust.is_origin(url):
            return self.own if self._trust.covers(url) else None
        target = urlsplit(url)
        host = target.hostname or ""
        # An IPv6 address has brackets in the settings, as in a URL.
        name = f"[{host}]" if ":" in host else host
        other = self._others.get(f"{name}:{target.port}") if target.port else None
        other = other or self._others.get(name)
        if other is None:
            return self.own if self._trust.covers(url) else None
        is_private = target.scheme == "https" or (target.scheme == "http" and host in LOOPBACK_HOSTS)
        return other if is_private and not is_signed(url) else None
