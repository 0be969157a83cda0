"""Keeping an installation small, and making its state anew."""

from rs_assets.upkeep.housekeeping import keep_house
from rs_assets.upkeep.rebuilding import Rebuilt, rebuild

__all__ = ["Rebuilt", "keep_house", "rebuild"]
