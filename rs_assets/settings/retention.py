"""How long operational facts are kept that nobody waits for any more."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from rs_assets.settings.model import SettingsModel

_Span = Annotated[timedelta, Field(gt=timedelta(0))]


class Retention(SettingsModel):
    """What is older is removed by the housekeeping; with null it stays for ever.

    No staged file and no item of the catalogue is touched.
    """

    transfers: _Span | None = timedelta(days=365)
    """What was moved, when and how fast."""
    failures: _Span | None = timedelta(days=180)
    """Failures, counted from when they were resolved."""
    requests: Annotated[timedelta, Field(ge=timedelta(days=31))] | None = timedelta(days=365)
    """On-demand requests that have ended, with their documents in the store; 31 days at least."""
    rejected: _Span | None = timedelta(days=90)
    """Files of the inbox that were no requests."""
    sessions: _Span | None = timedelta(days=180)
    """What was decided for downlink sessions that entered the catalogue."""
    asked_runs: _Span | None = timedelta(days=30)
    """Which runs the sensors have asked for."""
    history: _Span | None = timedelta(days=365)
    """What was done to the catalogue's items."""
    runs: _Span | None = None
    """Dagster's runs, with their events. The partitions that they have materialised lose their colour in the UI."""
