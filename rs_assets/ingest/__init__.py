"""From a station to the catalogue, partition by partition: search, stage, publish.

Plain functions over settings, store, catalogue and state; the Dagster assets and the command line call them.
"""

from rs_assets.ingest.partitions import IngestOptions, PartitionReport, Step, ingest
from rs_assets.ingest.platform import Platform
from rs_assets.ingest.progress import PartitionMessage, Published, Searched

__all__ = [
    "IngestOptions",
    "PartitionMessage",
    "PartitionReport",
    "Platform",
    "Published",
    "Searched",
    "Step",
    "ingest",
]
