"""One downlink session at a glance: found by its id, from state, store and catalogue, without asking a station."""

from rs_assets.sessions.auxiliary import Auxiliary, TypeCoverage
from rs_assets.sessions.finding import SessionPlace, find_sessions
from rs_assets.sessions.glance import Channel, Glance, Moments, Problem, glance_at

__all__ = [
    "Auxiliary",
    "Channel",
    "Glance",
    "Moments",
    "Problem",
    "SessionPlace",
    "TypeCoverage",
    "find_sessions",
    "glance_at",
]
