"""What a simulated station can be told when it starts."""

import math
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Authentication(StrEnum):
    """How the station wants its data requests signed."""

    OAUTH2 = "oauth2"
    BASIC = "basic"
    API_KEY = "api_key"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class SimulatorOptions:
    """Everything that shapes one station; the same options give the same archive, byte for byte.

    Raises ``ValueError`` for values that no station could have.
    """

    seed: int = 0
    """Chooses the archive: another seed has other sizes, bytes, times and ids."""

    first_day: date = date(2014, 4, 3)
    """The UTC day of the archive's first publication."""

    now: datetime | None = None
    """Where the clock stands (aware); None follows the real time. Nothing is published after now."""

    speed: float | None = None
    """How many seconds pass at the station in a real one; None is 0 with ``now``, and 1 without it."""

    cadip_stations: tuple[str, ...] = ("ins", "mps", "mti", "nsg", "sgs")
    """The names below ``/cadip``; each station has an archive of its own."""

    chunk_size: int = 128 * 1024
    """Bytes in a file of a session, but for the last of each channel, which is smaller."""

    max_sessions: int | None = None
    """Of each mission and day at most so many sessions at a CADIP station; None leaves the 3 to 6 that there are."""

    odd_sessions: bool = False
    """Whether some sessions of the archive are odd: late, incomplete, mislabelled, transferred again."""

    max_page: int = 1000
    """The most entities in one answer, and the page size when ``$top`` is absent."""

    next_link: bool = True
    """Whether a page that is not the last one carries ``@odata.nextLink``."""

    auth: Authentication = Authentication.OAUTH2

    username: str = "simulator"

    password: str = field(default="simulator", repr=False)

    client_id: str | None = None
    """When set, a token request must name this client."""

    client_secret: str | None = field(default=None, repr=False)
    """When set, a token request must prove the client with it."""

    api_key: str = field(default="simulator", repr=False)
    """The value of the ``x-api-key`` header, with ``auth="api_key"``."""

    token_lifetime: float = 600.0
    """Seconds for which an access token is good."""

    refresh_tokens: bool = True
    """Whether a token answer carries a refresh token."""

    refresh_lifetime: float = 3600.0
    """Seconds for which a refresh token is good."""

    eviction_days: float = 7.0
    """Days from PublicationDate to the EvictionDate that is announced; by itself it evicts nothing."""

    evict_after_days: float | None = None
    """Days after which a product is neither listed nor downloadable; it then sets EvictionDate, too."""

    control: bool = True
    """Whether ``/control`` (faults, publications, sessions, clock, request log) is served without credentials."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "auth", Authentication(self.auth))
        if self.now is not None and self.now.tzinfo is None:
            raise ValueError("now needs a time zone, such as 2024-05-01T00:00:00+00:00")
        if self.speed is not None and not (math.isfinite(self.speed) and self.speed >= 0):
            raise ValueError(f"speed is {self.speed}; it is a number, zero or more")
        self._check_downlink()
        if self.max_page < 1:
            raise ValueError(f"max_page is {self.max_page}; a page holds at least one entity")
        if self.token_lifetime < 0 or self.refresh_lifetime < 0:
            raise ValueError("token lifetimes are numbers of seconds, zero or more")
        if self.evict_after_days is not None and self.evict_after_days <= 0:
            raise ValueError("evict_after_days is more than zero, or None to keep products for ever")

    def _check_downlink(self) -> None:
        for name in self.cadip_stations:
            if not re.fullmatch("[A-Za-z0-9_-]{1,16}", name):
                raise ValueError(f"{name!r} cannot be a CADIP station; a name is 1 to 16 letters, digits, _ or -")
        if len(set(self.cadip_stations)) < len(self.cadip_stations):
            raise ValueError(f"the CADIP stations {', '.join(self.cadip_stations)} are not all different")
        if self.chunk_size < 1:
            raise ValueError(f"chunk_size is {self.chunk_size}; a file holds at least one byte")
        if self.max_sessions is not None and self.max_sessions < 0:
            raise ValueError(f"max_sessions is {self.max_sessions}; it is a number of sessions, zero or more")
