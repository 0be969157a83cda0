"""What is done to an installation as a whole: keeping it small, and following what its operators change or lose."""

from rs_assets.upkeep.comparing import differences
from rs_assets.upkeep.housekeeping import keep_house
from rs_assets.upkeep.rebuilding import Rebuilt, rebuild
from rs_assets.upkeep.relocating import Relocated, relocate
from rs_assets.upkeep.renaming import Renamed, RenameError, rename_station

__all__ = [
    "Rebuilt",
    "Relocated",
    "RenameError",
    "Renamed",
    "differences",
    "keep_house",
    "rebuild",
    "relocate",
    "rename_station",
]
