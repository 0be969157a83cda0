"""The timeline of a request: the validity of every candidate file, and whether the chosen ones cover what was asked.

One glance must tell: the headline says it in words, with a sign and a colour, and what is missing is hatched in red.
Nothing is said by colour alone.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Lock

from rs_assets.reports.axis import Requested, view_of
from rs_assets.reports.drawing import figure_of
from rs_assets.reports.picture import markdown_image, png_of
from rs_assets.reports.rows import TimelineRow
from rs_assets.reports.sheet import sheet_of
from rs_assets.reports.verdict import verdict

__all__ = ["TimelineRow", "draw_timeline", "markdown_image", "verdict"]

_NO_MARGINS = (timedelta(0), timedelta(0))

_DRAWING = Lock()
"""matplotlib shares fonts between figures and does not promise that two threads may draw at once."""


def draw_timeline(
    rows: Iterable[TimelineRow],
    start: datetime,
    end: datetime,
    *,
    title: str,
    margins: tuple[timedelta, timedelta] = _NO_MARGINS,
    max_rows: int = 40,
    groups: Iterable[str] = (),
) -> bytes:
    """A PNG that shows whether the chosen files cover the time from `start` to `end`, for each product type.

    `margins` enlarge the interval before and after; the verdict is on the interval itself, and the picture says where
    only the margins are not covered. Of more than `max_rows` files the chosen ones and then the nearest are shown.
    `groups` are the product types asked for: one that has no file at all is shown as not covered.

    With one version and configuration of matplotlib, equal arguments give equal bytes, in any process and thread.

    Raises:
        FilterError: a time is naive, `end` lies before `start`, or a margin is negative.
    """
    requested = Requested.of(start, end, margins)
    sheet = sheet_of(list(rows), requested, title=title, max_rows=max_rows, groups=groups)
    view = view_of(requested, sheet.rows)
    with _DRAWING:
        return png_of(figure_of(sheet, requested, view))
