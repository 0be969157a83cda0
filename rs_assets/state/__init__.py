"""Operational facts that must outlive a process: searches, outcomes, orders, transfers, requests, objects to collect.

SQLAlchemy Core over one schema with a version: in a SQLite file for one machine, in PostgreSQL for several.
"""

from rs_assets.state.asked import AskedRun, AskedRuns
from rs_assets.state.database import StateDatabase
from rs_assets.state.entries import SessionEntries, SessionEntry
from rs_assets.state.heartbeats import Heartbeats
from rs_assets.state.incomplete import IncompleteItem, IncompleteItems
from rs_assets.state.opening import open_state
from rs_assets.state.orders import OrderedFile, Orders
from rs_assets.state.outcomes import FileFailure, Outcomes, Resolution
from rs_assets.state.requests import RequestCounts, RequestRecord, Requests, RequestState, SubmittedRequest
from rs_assets.state.searches import Searches, SearchRecord
from rs_assets.state.superseded import SupersededObjects
from rs_assets.state.transfers import StagedFile, Transfers
from rs_assets.state.unfinished import Unfinished, UnfinishedWork

__all__ = [
    "AskedRun",
    "AskedRuns",
    "FileFailure",
    "Heartbeats",
    "IncompleteItem",
    "IncompleteItems",
    "OrderedFile",
    "Orders",
    "Outcomes",
    "RequestCounts",
    "RequestRecord",
    "RequestState",
    "Requests",
    "Resolution",
    "SearchRecord",
    "Searches",
    "SessionEntries",
    "SessionEntry",
    "StagedFile",
    "StateDatabase",
    "SubmittedRequest",
    "SupersededObjects",
    "Transfers",
    "Unfinished",
    "UnfinishedWork",
    "open_state",
]
