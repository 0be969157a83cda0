"""What Dagster loads: everything that the settings (RS_ASSETS_CONFIG) describe."""

from rs_assets.defs.location import code_location
from rs_assets.settings import load_settings

defs = code_location(load_settings())
