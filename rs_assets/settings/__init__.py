"""Typed settings: stations, missions, store, catalogue, state and limits, from one YAML document.

The document holds no secret: it names the environment variable (or the file) that does, and that is read at
first use. Loading the settings needs no secret and opens no connection.
"""

from rs_assets.settings.authentication import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    ClientPlacement,
    NoAuthentication,
    OAuth2Authentication,
    Secret,
)
from rs_assets.settings.document import OTHER_MISSION, Mission, Settings, SqliteCatalogSettings
from rs_assets.settings.interfaces import interface_names, load_interface
from rs_assets.settings.loading import (
    CONFIG_VARIABLE,
    DEMO_SETTINGS,
    InvalidSettingsError,
    Problem,
    default_path,
    load_settings,
    parse_settings,
)
from rs_assets.settings.needs import CATALOG_SOURCE, Need, SessionRequest
from rs_assets.settings.retention import Retention
from rs_assets.settings.state import StateSettings
from rs_assets.settings.station import (
    RESERVED_COLLECTIONS,
    RESERVED_STATION_NAMES,
    CatchUp,
    Order,
    PackedFormat,
    Policy,
    Retries,
    Since,
    Station,
    TimeField,
    Timeouts,
    Unpacking,
    Verification,
    WindowLength,
)
from rs_assets.settings.store import AzureStore, BucketStore, DirectoryStore, GcsStore, S3Store, Store

__all__ = [
    "CATALOG_SOURCE",
    "CONFIG_VARIABLE",
    "DEMO_SETTINGS",
    "OTHER_MISSION",
    "RESERVED_COLLECTIONS",
    "RESERVED_STATION_NAMES",
    "ApiKeyAuthentication",
    "Authentication",
    "AzureStore",
    "BasicAuthentication",
    "BucketStore",
    "CatchUp",
    "ClientPlacement",
    "DirectoryStore",
    "GcsStore",
    "InvalidSettingsError",
    "Mission",
    "Need",
    "NoAuthentication",
    "OAuth2Authentication",
    "Order",
    "PackedFormat",
    "Policy",
    "Problem",
    "Retention",
    "Retries",
    "S3Store",
    "Secret",
    "SessionRequest",
    "Settings",
    "Since",
    "SqliteCatalogSettings",
    "StateSettings",
    "Station",
    "Store",
    "TimeField",
    "Timeouts",
    "Unpacking",
    "Verification",
    "WindowLength",
    "default_path",
    "interface_names",
    "load_interface",
    "load_settings",
    "parse_settings",
]
