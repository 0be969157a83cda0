"""Which items are wanted: one CQL2 tree with its back ends, and the selection policies. Pure functions, no I/O.

`parse` reads a filter; `matches` evaluates it on an item; `odata_superset` tells a station what to leave out.
`select` applies a policy to what was found, and `coverage` tells whether it leaves gaps.
"""

from rs_assets.policies import Policy
from rs_assets.selection.candidates import Candidate, LatestBy, candidates
from rs_assets.selection.coverage import Coverage, Gap, coverage
from rs_assets.selection.cql2 import parse
from rs_assets.selection.errors import FilterError
from rs_assets.selection.evaluation import compile_filter, matches
from rs_assets.selection.expression import Expression
from rs_assets.selection.odata import odata_superset
from rs_assets.selection.policies import Selection, choose, select
from rs_assets.selection.rules import JobInterval
from rs_assets.selection.valcover import create_valcover_filter
from rs_assets.selection.vocabulary import Vocabulary

__all__ = [
    "Candidate",
    "Coverage",
    "Expression",
    "FilterError",
    "Gap",
    "JobInterval",
    "LatestBy",
    "Policy",
    "Selection",
    "Vocabulary",
    "candidates",
    "choose",
    "compile_filter",
    "coverage",
    "create_valcover_filter",
    "matches",
    "odata_superset",
    "parse",
    "select",
]
