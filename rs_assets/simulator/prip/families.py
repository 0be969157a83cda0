"""The table of product families of the simulated PRIP station."""

from datetime import timedelta

from rs_assets.simulator.csc.products import Family, Instrument, Validity
from rs_assets.simulator.missions import S1, S2, S3
from rs_assets.simulator.odata.schema import Attribute, Kind

_HOUR = timedelta(hours=1)
_SCENE = Validity(3 * _HOUR, timedelta(seconds=25))
_DATATAKE = Validity(4 * _HOUR, timedelta(seconds=14))
_FRAME = Validity(2 * _HOUR, timedelta(minutes=3))


def _radar(mode: str, kilometres: float, channels: str) -> Instrument:
    return Instrument(
        "SAR",
        kilometres,
        (
            Attribute("operationalMode", Kind.STRING, mode),
            Attribute("polarisationChannels", Kind.STRING, channels),
            Attribute("productClass", Kind.STRING, "S"),
        ),
    )


_IW, _EW = _radar("IW", 250, "VV&VH"), _radar("EW", 410, "HH&HV")
_MSI = Instrument("MSI", 290, sees_clouds=True)
_OLCI = Instrument("OLCI", 1270, sees_clouds=True)

_SAFE = "{unit}_%s_{start}_{stop}_{number:06d}_{number:06X}_C{number:03X}.SAFE.zip"
_TILE = "{unit}_MSIL1C_{start}_N0511_R{number:03d}_T32TQM_{created}.SAFE.zip"
_SEN3 = "{unit}_OL_1_EFR____{start}_{stop}_{created}_0179_110_051_1980_PS1_O_NR_004.SEN3.zip"

FAMILIES: tuple[Family, ...] = (
    Family("IW_GRDH_1S", S1, "ABC", _SAFE % "IW_GRDH_1SDV", (200, 900), _SCENE, 4, center="IPF-1", observes=_IW),
    Family("IW_SLC__1S", S1, "ABC", _SAFE % "IW_SLC__1SDV", (400, 1500), _SCENE, 3, center="IPF-1", observes=_IW),
    Family("EW_GRDM_1S", S1, "ABC", _SAFE % "EW_GRDM_1SDH", (100, 500), _SCENE, 2, center="IPF-1", observes=_EW),
    Family("S2MSI1C", S2, "ABC", _TILE, (300, 900), _DATATAKE, 4, center="IPF-2", observes=_MSI),
    Family("OL_1_EFR___", S3, "AB", _SEN3, (200, 700), _FRAME, 4, center="IPF-3", observes=_OLCI),
)
"""A product's id is made from its family's place in this table: new rows go to its end."""
