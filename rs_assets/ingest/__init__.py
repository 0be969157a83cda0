"""From a station to the catalogue, partition by partition: search, stage, publish.

Plain functions over settings, store, catalogue and state; the Dagster assets and the command line call them.
"""

from rs_assets.ingest.pipeline import IngestOptions, ingest
from rs_assets.ingest.platform import Platform
from rs_assets.ingest.steps import PartitionMessage, PartitionReport, Step
from rs_assets.ingest.tally import Tally

__all__ = [
    "IngestOptions",
    "PartitionMessage",
    "PartitionReport",
    "Platform",
    "Step",
    "Tally",
    "ingest",
]
