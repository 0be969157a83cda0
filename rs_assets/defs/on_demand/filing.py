"""A job that files a request, with a form in the launchpad."""

import dagster as dg
from pydantic import Field

from rs_assets.errors import RsAssetsError
from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.requests.inbox import Inbox
from rs_assets.requests.model import new_request_id, parse_request


class AuxRequestForm(dg.Config):
    """What to ask for. Times need a zone, e.g. 2026-11-01T10:00:00Z."""

    product_types: list[str] = Field(description="Product types, e.g. AUX_RESORB.")
    start: str = Field(description="Begin of the interval, with a zone, e.g. 2026-11-01T10:00:00Z.")
    end: str = Field(description="End of the interval, with a zone.")
    policy: str = Field(default="ValCover", description="Selection policy, e.g. ValCover or LatestValCover.")
    dt0: float = Field(default=0.0, ge=0, description="Seconds by which the interval is enlarged before its begin.")
    dt1: float = Field(default=0.0, ge=0, description="Seconds by which the interval is enlarged after its end.")
    mission: str | None = Field(default=None, description="Mission, e.g. S1.")
    satellite: str | None = Field(default=None, description="Satellite, e.g. S1A, instead of the mission.")
    source: str = Field(description="Name of a station, or `catalog`.")
    collection: str | None = Field(default=None, description="Collection to publish to; by default the station's.")
    priority: int = Field(default=0, ge=-100, le=100, description="The higher, the sooner.")
    requester: str = Field(default="", description="Who asks.")
    error_if_empty: bool = Field(default=False, description="Whether finding nothing is an error.")


@dg.op(description="Files a request into the inbox; the sensor answers it.")
def file_request(context: dg.OpExecutionContext, config: AuxRequestForm, platform: dg.ResourceParam[Platform]) -> None:
    """Check the form and file the request."""
    now = utc_now()
    document = {name: value for name, value in config.model_dump().items() if value is not None}
    try:
        request = parse_request(document).checked_against(platform.settings)
    except RsAssetsError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    request_id = Inbox(platform.documents).file(request, new_request_id(now))
    context.add_output_metadata({"request_id": request_id})
    context.log.info(f"filed as {request_id}; the sensor aux_request_inbox answers it")


@dg.job(description="File an on-demand request for auxiliary files: every file whose validity covers an interval.")
def file_aux_request() -> None:
    """File one request."""
    file_request()
