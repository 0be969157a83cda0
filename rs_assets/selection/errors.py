"""What is wrong with a filter or with what a policy is asked."""

from rs_assets.errors import RsAssetsError


class FilterError(RsAssetsError):
    """A filter, a policy or an interval cannot be understood; the message quotes the part and says what is accepted."""
