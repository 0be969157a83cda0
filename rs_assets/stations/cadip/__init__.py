"""CADIP: the downlink sessions of a station."""

from rs_assets.stations.cadip.search import CadipSearch, Publications

__all__ = ["CadipSearch", "Publications"]
