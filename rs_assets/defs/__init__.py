"""The Dagster layer: partitions, assets, checks, sensors, metadata. It calls the library and reports its numbers.

Dagster's notices about its own beta features are silenced here and nowhere else. One is used, knowingly:
backfill policies, which bound how many partitions a run covers.
"""

import warnings

from dagster import BetaWarning

warnings.filterwarnings("ignore", category=BetaWarning)
