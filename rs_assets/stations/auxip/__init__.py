"""AUXIP: the auxiliary files of a station."""

from rs_assets.stations.auxip.search import AuxipSearch

__all__ = ["AuxipSearch"]
