"""The package's errors: one small hierarchy, each saying what happened, to what, and what to do about it."""


class RsAssetsError(Exception):
    """Base of every error that rs_assets raises for a user to read."""


class SettingsError(RsAssetsError):
    """The settings are wrong or incomplete; the message names the file, the line and the key."""


class FilterError(RsAssetsError):
    """A filter, a policy or an interval cannot be understood; the message quotes the part and says what is accepted."""


class StationError(RsAssetsError):
    """A station could not be asked, refused the request, or answered what is not its interface.

    The message always begins with the station's name.
    """


class AuthenticationError(StationError):
    """A station or its token endpoint refused the credentials."""


class StoreError(RsAssetsError):
    """A document or an object of the store could not be read or written."""


class DamagedDocumentError(StoreError):
    """A document of the store is not what it shall be, and will not become so by waiting."""


class CatalogError(RsAssetsError):
    """The catalogue could not be read or written."""


class StateError(RsAssetsError):
    """The state database could not be read or written."""


class LockError(RsAssetsError):
    """What keeps processes from each other's work could not be used."""
