"""What is wrong with a filter or with what a policy is asked."""

from rs_assets.errors import FilterError

__all__ = ["FilterError"]
