"""What a request to a station carries to be let in."""

from collections.abc import Mapping
from typing import Protocol


class Credentials(Protocol):
    """The headers that open a station, for whichever HTTP client sends them."""

    async def headers(self) -> Mapping[str, str]:
        """Headers for one request, renewed first where they are about to expire.

        Raises:
            AuthenticationError: the station or its token endpoint refuses the credentials.
            StationError: the token endpoint could not be asked.
        """
        ...

    async def refused(self, headers: Mapping[str, str]) -> bool:
        """Take note that the station answered 401 to `headers`; whether other ones can be offered instead.

        Concurrent requests that were refused with the same headers cause one renewal between them.
        """
        ...
