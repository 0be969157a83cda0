"""One station: how it is reached, what is asked of it, and how far it may be loaded."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, field_validator, model_validator

from rs_assets.settings.authentication import (
    Authentication,
    NoAuthentication,
    OAuth2Authentication,
    secrets_of,
    without_credentials,
)
from rs_assets.settings.model import MisplacedValueError, SettingsModel
from rs_assets.settings.sources import LOOPBACK_HOSTS, HostCredentials, problems_of

RESERVED_STATION_NAMES = frozenset({"on_demand", "operations"})

RESERVED_COLLECTIONS = frozenset({"search_results", "staged_files", "inbox", "rejected", "requests"})
"""Names that would mix a collection's objects with the documents of the store."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COLLECTION = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


class TimeField(StrEnum):
    """Which time of a product decides the window that it belongs to."""

    PUBLICATION = "publication"
    CONTENT = "content"
    """The start of its validity; of a session, the start of its downlink."""


class WindowLength(StrEnum):
    """The length of one window."""

    DAY = "day"
    HOUR = "hour"

    @property
    def duration(self) -> timedelta:
        """The window's length."""
        return timedelta(days=1) if self is WindowLength.DAY else timedelta(hours=1)


class Policy(StrEnum):
    """What a verification that does not hold means."""

    STRICT = "strict"
    """The file is refused."""
    WARN = "warn"
    """The file is kept and the difference is reported."""
    OFF = "off"
    """Nothing is compared."""


class Verification(SettingsModel):
    """What is compared while a file passes."""

    size: Policy = Policy.STRICT
    """The bytes received against the size that the station states."""
    checksum: Policy = Policy.STRICT
    """The digest of the bytes received against the one that the station states."""


class Timeouts(SettingsModel):
    """How long a station may take, in seconds."""

    RENAMED: ClassVar[Mapping[str, str]] = {"least_rate": "min_rate"}

    connect: Annotated[float, Field(gt=0)] = 10.0
    """To accept a connection."""
    read: Annotated[float, Field(gt=0)] = 60.0
    """Between two pieces of an answer."""
    search: Annotated[float, Field(gt=0)] = 120.0
    """For one page of a search, from request to last byte."""
    min_rate: Annotated[float, Field(ge=0)] = 1_000.0
    """Bytes a second below which a download is given up and tried again; 0 for never."""
    rate_period: Annotated[float, Field(gt=0)] = 30.0
    """Over how many seconds of waiting for the station that rate is measured."""
    slot: Annotated[float, Field(gt=0)] = 3600.0
    """For a connection, while other processes hold all that the station allows, or for an object that another process
    is writing; then the file or the search fails."""


class Retries(SettingsModel):
    """What is tried again after a fault that may pass (connection, 408, 425, 5xx, broken body), or while it is busy."""

    RENAMED: ClassVar[Mapping[str, str]] = {"longest_wait": "max_wait", "patience": "busy_timeout"}

    attempts: Annotated[int, Field(ge=1)] = 4
    """How often one request is tried in all; answers that the station is busy (429, 503) do not count."""
    first_wait: Annotated[float, Field(ge=0)] = 0.5
    """Upper bound of the random wait before the second attempt, in seconds; it doubles with every attempt."""
    max_wait: Annotated[float, Field(ge=0)] = 30.0
    """Upper bound of every wait between two attempts, in seconds."""
    busy_timeout: Annotated[float, Field(ge=0)] = 1800.0
    """How long a station may be busy (429, 503) before a request is given up, in seconds; no pause is longer."""
    next_run_after: Annotated[float, Field(ge=0)] = 900.0
    """How long after a run a file that it could not stage is due again, in seconds; doubles up to a day."""


class PackedFormat(StrEnum):
    """A format of files that hold other files."""

    GZIP = "gzip"
    """One file, whose name is that of the packed one without ``.gz``."""


class Unpacking(SettingsModel):
    """Which files are unpacked in the store once they are verified, and how much may come out of one of them.

    What is inside becomes an asset of the same item, beside the packed file.
    """

    formats: Annotated[tuple[PackedFormat, ...], Field(min_length=1)]
    """The formats, by the extension of the file's name."""
    max_size: Annotated[int, Field(ge=1)] = 50 * 10**9
    """Bytes that may come out of one file; it fails beyond."""
    max_ratio: Annotated[float, Field(ge=1)] = 200.0
    """How many times its size a file may grow; it fails beyond. The first MiB is free."""


class Since(StrEnum):
    """From when on windows are searched without being asked for."""

    FIRST_SEARCH = "first_search"
    """Those that have closed since the station was searched for the first time."""
    START = "start"
    """Every window since the station's `start`."""


class Order(StrEnum):
    """What is caught up with first."""

    OLDEST = "oldest"
    NEWEST = "newest"


class CatchUp(SettingsModel):
    """How windows are searched that have closed unseen, e.g. while nothing ran."""

    since: Since = Since.FIRST_SEARCH
    order: Order = Order.OLDEST
    per_tick: Annotated[int, Field(ge=0, le=100)] = 5
    """Most runs of such windows that are asked for at once, every half minute; none with 0."""


class Station(SettingsModel):
    """One station: how it is reached, what is asked of it, and how far it may be loaded.

    These are the keys that the stations of every interface have; each interface adds its own in a class of its own.
    """

    name: str
    """Name of the station: letters, digits and underscores; it begins the asset keys."""
    interface: str
    """The interface that it speaks."""
    url: HttpUrl
    """Root of the service."""
    description: str = ""
    """Shown in the Dagster UI."""
    owners: tuple[str, ...] = ()
    """Who looks after it: e-mail addresses, or ``team:name``."""
    authentication: Authentication = NoAuthentication()
    ca_file: Path | None = None
    """Certificates (PEM) to trust instead of the system's."""
    trusted_hosts: frozenset[str] = frozenset()
    """Hosts beside the station's own that may be sent its credentials after a redirect."""
    credentials: dict[str, HostCredentials] = Field(default_factory=dict)
    """Credentials of further places that files come from: by host, or ``host:port``; of a bucket, by its name. They
    are sent nowhere else, and the station's own are not sent there."""
    file_roots: tuple[Path, ...] = ()
    """Directories below which ``file:`` addresses may be read; without one, none is."""
    missions: tuple[str, ...]
    """Missions to ask for, each a partition; ``other`` gathers what belongs to no mission."""
    collection: str
    """Pattern of the catalogue's collection; ``{mission}`` is the mission's name in lower case."""
    time_field: TimeField = TimeField.PUBLICATION
    window: WindowLength = WindowLength.DAY
    start: date
    """First day (UTC) that has partitions."""
    lag: timedelta = timedelta(hours=2)
    """How long after its end a window still changes; a window searched before that is searched once more."""
    poll_every: timedelta | None = None
    """How often the windows that are still open are searched by the sensor; not at all where empty."""
    catch_up: CatchUp = CatchUp()
    """How windows are searched that have closed unseen."""
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    """Most requests at the same time, searches and downloads together, of all runs and processes."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Most requests a minute, searches and downloads of all runs and processes; unlimited where empty."""
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    page_size: Annotated[int, Field(ge=2, le=10_000)] = 1000
    """Products asked for in one page of a search; two at least, since a page repeats the end of the last one."""
    verification: Verification = Verification()
    unpack: Unpacking | None = None
    """What is unpacked once it is verified; nothing where empty."""

    @field_validator("name")
    @classmethod
    def _valid_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("a station's name is made of letters, digits and underscores, not beginning with a digit")
        if name in RESERVED_STATION_NAMES:
            raise ValueError(f"the names {', '.join(sorted(RESERVED_STATION_NAMES))} are reserved")
        return name

    @field_validator("url")
    @classmethod
    def _no_secret(cls, url: HttpUrl) -> HttpUrl:
        return without_credentials(url)

    @field_validator("missions")
    @classmethod
    def _some_missions(cls, missions: tuple[str, ...]) -> tuple[str, ...]:
        if not missions or len(set(missions)) != len(missions):
            raise ValueError("name at least one mission, and each only once")
        return missions

    @field_validator("collection")
    @classmethod
    def _valid_pattern(cls, pattern: str) -> str:
        if not _COLLECTION.fullmatch(pattern.replace("{mission}", "mission")):
            raise ValueError(
                "a collection's pattern is made of letters, digits, '_', '-', '.' and '{mission}'; "
                "it does not begin with '.'"
            )
        return pattern

    @field_validator("lag", "poll_every")
    @classmethod
    def _not_negative(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < timedelta(0):
            raise ValueError("a duration cannot be negative")
        return value

    @model_validator(mode="after")
    def _collections_keep_to_themselves(self) -> Self:
        for mission in self.missions:
            if self.collection_of(mission) in RESERVED_COLLECTIONS:
                names = " and ".join(sorted(RESERVED_COLLECTIONS))
                message = f"gives {self.collection_of(mission)!r}; {names} are the store's own documents"
                raise MisplacedValueError((("collection",), message))
        return self

    @model_validator(mode="after")
    def _literal_secrets_stay_here(self) -> Self:
        hosts = {urlsplit(str(self.url)).hostname}
        if isinstance(self.authentication, OAuth2Authentication):
            hosts.add(urlsplit(str(self.authentication.token_url)).hostname)
        if hosts <= LOOPBACK_HOSTS:
            return self
        for secret in secrets_of(self.authentication):
            if secret.default is not None:
                raise ValueError("'default' is only for a station on this machine; name 'env' or 'file' alone")
        return self

    @model_validator(mode="after")
    def _credentials_have_a_place(self) -> Self:
        problems = list(problems_of(self.credentials))
        if problems:
            raise MisplacedValueError(*problems)
        return self

    def collection_of(self, mission: str) -> str:
        """The catalogue's collection for a mission's products."""
        return self.collection.replace("{mission}", mission.lower())
