"""Operational facts that must outlive a process: searches, outcomes, transfers, requests, objects to collect.

Leases are here, too, for what the processes must agree on while they run: connections, turns, who writes an object.

SQLAlchemy Core over one schema with a version; SQLite on one machine.
"""

from rs_assets.state.claims import Claims
from rs_assets.state.database import StateDatabase
from rs_assets.state.entries import SessionEntries, SessionEntry
from rs_assets.state.heartbeats import Heartbeats
from rs_assets.state.holders import TTL, Holder, Holders, utc_now
from rs_assets.state.incomplete import IncompleteItem, IncompleteItems
from rs_assets.state.outcomes import FileFailure, Outcomes, Resolution
from rs_assets.state.paces import Paces, next_turn
from rs_assets.state.pauses import Pause
from rs_assets.state.requests import RequestCounts, RequestRecord, Requests, RequestState
from rs_assets.state.searches import Searches, SearchRecord
from rs_assets.state.slots import Demand, Slots, Standing
from rs_assets.state.superseded import SupersededObjects
from rs_assets.state.transfers import StagedFile, Transfers

__all__ = [
    "TTL",
    "Claims",
    "Demand",
    "FileFailure",
    "Heartbeats",
    "Holder",
    "Holders",
    "IncompleteItem",
    "IncompleteItems",
    "Outcomes",
    "Paces",
    "Pause",
    "RequestCounts",
    "RequestRecord",
    "RequestState",
    "Requests",
    "Resolution",
    "SearchRecord",
    "Searches",
    "SessionEntries",
    "SessionEntry",
    "Slots",
    "StagedFile",
    "Standing",
    "StateDatabase",
    "SupersededObjects",
    "Transfers",
    "next_turn",
    "utc_now",
]
