"""The table of product families: what the simulated station offers, from whom, how often and how large."""

from datetime import UTC, datetime, timedelta

from rs_assets.simulator.csc.products import Family, Validity
from rs_assets.simulator.missions import DAY, S1, S2, S3, S5P, S6

_HOUR = timedelta(hours=1)
_PASS = timedelta(hours=3, minutes=17, seconds=30)

_RESTITUTED = Validity(4 * _HOUR, _PASS)
_PREDICTED = Validity(-_HOUR, _PASS)
_PRECISE = Validity(20 * DAY, 26 * _HOUR, grid=DAY, offset=-timedelta(hours=1, seconds=18))
_WEEK = Validity(-_HOUR, 7 * DAY)
_SINCE_LAST_WEEK = Validity(7 * DAY, grid=_HOUR)
_FROM_TOMORROW = Validity(-2 * DAY, grid=DAY, offset=8 * _HOUR)
_UNTIL_2100 = Validity(-3 * DAY, until=datetime(2100, 1, 1, tzinfo=UTC), grid=DAY)
_YEAR = Validity(-DAY, 365 * DAY, grid=DAY)
_YESTERDAY = Validity(32 * _HOUR, DAY, grid=DAY)
_ANALYSIS = Validity(9 * _HOUR, 12 * _HOUR, grid=6 * _HOUR)
_FORECAST = Validity(-3 * _HOUR, 30 * _HOUR, grid=3 * _HOUR)

_ORBIT = "{unit}_OPER_{type}_OPOD_{created}_V{start}_{stop}.EOF"
_PLAN = "{unit}_OPER_{type}_{start}_{stop}_{number:04d}.EOF"
_SCENARIO = "{unit}_OPER_{type}_{start}_99999999T999999_{number:04d}.EOF"
_SAFE = "{unit}_{type}_V{start}_G{created}.SAFE.zip"
_GIPP = "{unit}_OPER_{type}_MPC__{created}_V{start}_{stop}_B00.TGZ"
_ADG = "{unit}_OPER_{type}_ADG__{created}_V{start}_{stop}.TGZ"
_SEN3 = "{unit}_{type}_{start}_{stop}_{created}___________________{center}_O_AL_001.SEN3.zip"
_NETCDF = "{unit}_OPER_{type}_{start}_{stop}_{created}.nc"

FAMILIES: tuple[Family, ...] = (
    Family("AUX_RESORB", S1, "ABC", _ORBIT, (150, 600), _RESTITUTED, per_day=6, orbit=True),
    Family("AUX_PREORB", S1, "ABC", _ORBIT, (100, 300), _PREDICTED, per_day=4, orbit=True),
    Family("AUX_POEORB", S1, "ABC", _ORBIT, (800, 1500), _PRECISE, together=True),
    Family("MPL_ORBPRE", S1, "ABC", _PLAN, (4, 20), _WEEK, center="FOS_", together=True),
    Family("MPL_ORBSCT", S1, "ABC", _SCENARIO, (2, 8), _SINCE_LAST_WEEK, every=3, center="FOS_"),
    Family("AUX_PP1", S1, "ABC", _SAFE, (30, 120), _FROM_TOMORROW, every=9, center="MPC"),
    Family("AUX_PP2", S1, "ABC", _SAFE, (30, 120), _FROM_TOMORROW, every=7, center="MPC"),
    Family("AUX_CAL", S1, "ABC", _SAFE, (200, 900), _FROM_TOMORROW, every=11, center="MPC"),
    Family("AUX_INS", S1, "ABC", _SAFE, (1, 12), _FROM_TOMORROW, every=13, center="MPC"),
    Family("AUX_SCS", S1, "ABC", _SAFE, (5, 40), _FROM_TOMORROW, every=17, center="MPC"),
    Family("AUX_ITC", S1, "_", _SAFE, (5, 60), _FROM_TOMORROW, every=19, center="MPC"),
    Family("AUX_WND", S1, "_", _SAFE, (300, 1500), _ANALYSIS, per_day=4, center="ECMWF"),
    Family("AUX_WAV", S1, "_", _SAFE, (200, 900), _ANALYSIS, per_day=2, center="ECMWF"),
    Family("AUX_ICE", S1, "_", _SAFE, (300, 1200), _YESTERDAY, center="OSISAF"),
    Family("AUX_RESORB", S2, "ABC", _ORBIT, (150, 500), _RESTITUTED, per_day=3, orbit=True),
    Family("AUX_PREORB", S2, "ABC", _ORBIT, (100, 300), _PREDICTED, per_day=2, orbit=True),
    Family("MPL_ORBPRE", S2, "ABC", _PLAN, (4, 20), _WEEK, center="FOS_", together=True),
    Family("GIP_ATMIMA", S2, "ABC", _GIPP, (5, 15), _UNTIL_2100, every=21, center="MPC_"),
    Family("GIP_R2ABCA", S2, "ABC", _GIPP, (40, 200), _UNTIL_2100, every=30, center="MPC_"),
    Family("GIP_VIEDIR", S2, "ABC", _GIPP, (100, 400), _UNTIL_2100, every=45, center="MPC_"),
    Family("AUX_ECMWFD", S2, "_", _ADG, (600, 3000), _FORECAST, per_day=2, center="ADG_"),
    Family("AUX_CAMSFO", S2, "_", _ADG, (400, 2000), _FORECAST, per_day=2, center="ADG_"),
    Family("AUX_UT1UTC", S2, "_", _ADG, (5, 12), _YEAR, every=7, center="ADG_"),
    Family("AX___FRO_AX", S3, "AB", _SEN3, (20, 90), _WEEK, per_day=2, center="EUM"),
    Family("AX___OSF_AX", S3, "AB", _SEN3, (4, 15), _SINCE_LAST_WEEK, every=5, center="EUM"),
    Family("SR___ROE_AX", S3, "AB", _SEN3, (60, 250), _RESTITUTED, per_day=4, center="CNE", orbit=True),
    Family("SL_1_SCTIAX", S3, "AB", _SEN3, (50, 300), _FROM_TOMORROW, every=14, center="MPC"),
    Family("AX___MA1_AX", S3, "_", _SEN3, (600, 2000), _ANALYSIS, per_day=4, center="ECW"),
    Family("AX___MF1_AX", S3, "_", _SEN3, (500, 1500), _FORECAST, per_day=6, center="ECW"),
    Family("AX___BA__AX", S3, "_", _SEN3, (8, 40), _YESTERDAY, per_day=2, center="CLS", together=True),
    Family("SR_2_SIC_AX", S3, "_", _SEN3, (200, 700), _YESTERDAY, per_day=2, center="OSI"),
    Family("AUX_NISE__", S5P, "P", _NETCDF, (300, 900), _YESTERDAY, center="NSIDC"),
    Family("AUX_MET_2D", S5P, "P", _NETCDF, (500, 1500), _FORECAST, per_day=4, center="ECMWF"),
    Family("AUX_CTMFCT", S5P, "P", _NETCDF, (500, 1800), _FORECAST, center="KNMI"),
    Family("AUX_CTMANA", S5P, "P", _NETCDF, (500, 1800), _YESTERDAY, every=2, center="KNMI"),
    Family("AX____ROE__AX", S6, "A", "{unit}_{type}_{start}_{stop}_{created}_CNE_NR.EOF", (30, 90),
           _RESTITUTED, every=3, center="CNE"),
)  # fmt: skip
"""A product's id is made from its family's place in this table: new rows go to its end."""
