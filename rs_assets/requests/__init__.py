"""On-demand requests: give me every auxiliary file that I need for this interval.

Their model, the inbox that they are filed in, and their life cycle from there to their end.
"""

from rs_assets.requests.inbox import Inbox
from rs_assets.requests.life_cycle import Batch, Rejection, TakenIn, begin, end, give_back, plan, retry, take_in
from rs_assets.requests.model import (
    AuxRequest,
    RequestError,
    new_request_id,
    parse_request,
)

__all__ = [
    "AuxRequest",
    "Batch",
    "Inbox",
    "Rejection",
    "RequestError",
    "TakenIn",
    "begin",
    "end",
    "give_back",
    "new_request_id",
    "parse_request",
    "plan",
    "retry",
    "take_in",
]
