"""The partitions of a station's assets: time window × mission, with keys like ``2026-11-01|S1``."""

import dagster as dg

from rs_assets.settings import Station, WindowLength


def partitions_of(station: Station) -> dg.MultiPartitionsDefinition:
    """The station's windows since its start, the one that is still open included, times its missions.

    The dimension is called ``date`` because Dagster sorts dimensions by name, and the date shall come first.
    """
    start = station.start.strftime("%Y-%m-%d")
    windows: dg.TimeWindowPartitionsDefinition = (
        dg.DailyPartitionsDefinition(start_date=start, end_offset=1)
        if station.window is WindowLength.DAY
        else dg.HourlyPartitionsDefinition(start_date=f"{start}-00:00", end_offset=1)
    )
    missions = dg.StaticPartitionsDefinition(list(station.missions))
    return dg.MultiPartitionsDefinition({"date": windows, "mission": missions})


def multi_partition_key(key: str) -> dg.MultiPartitionKey:
    """The key with its dimensions, as a run request wants it."""
    date, _, mission = key.partition("|")
    return dg.MultiPartitionKey({"date": date, "mission": mission})
