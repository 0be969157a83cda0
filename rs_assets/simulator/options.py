"""What a simulated station can be told when it starts."""

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
    """A fixed clock (aware); None follows the real one. Nothing is published after now."""

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
    """Whether ``/control`` (faults, publications, clock, request log) is served; it asks for no credentials."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "auth", Authentication(self.auth))
        if self.now is not None and self.now.tzinfo is None:
            raise ValueError("now needs a time zone, such as 2024-05-01T00:00:00+00:00")
        if self.max_page < 1:
            raise ValueError(f"max_page is {self.max_page}; a page holds at least one product")
        if self.token_lifetime < 0 or self.refresh_lifetime < 0:
            raise ValueError("token lifetimes are numbers of seconds, zero or more")
        if self.evict_after_days is not None and self.evict_after_days <= 0:
            raise ValueError("evict_after_days is more than zero, or None to keep products for ever")
