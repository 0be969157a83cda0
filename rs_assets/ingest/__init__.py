"""From a station to the catalogue, partition by partition: search, stage, publish.

Plain functions over settings, store, catalogue and state; the Dagster assets and the command line call them.
"""

from rs_assets.ingest.partitions import IngestOptions, ingest
from rs_assets.ingest.platform import Platform
from rs_assets.ingest.progress import PartitionMessage
from rs_assets.ingest.report import PartitionReport, Step
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
