"""Keeping an installation small: what has ended long ago is removed."""

from rs_assets.upkeep.housekeeping import keep_house

__all__ = ["keep_house"]
