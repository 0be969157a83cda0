"""How far a station may be loaded, by all runs and processes together."""

from rs_assets.stations.limits.station_limits import StationLimits

__all__ = ["StationLimits"]
