"""On-demand requests in Dagster: three assets partitioned by request, their sensor, and a job that files one."""

GROUP = "on_demand"
"""The group of the assets; their keys begin with it."""

PARTITIONS = "aux_requests"
"""Name of the dynamic partitions: one for each request, its id."""

BATCH_TAG = "rs_assets/batch"
"""Tag of a run with the id of the batch of requests that it answers."""
