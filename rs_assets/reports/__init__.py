"""Pictures and figures that show an operator what happened, made from plain values.

`draw_timeline` shows whether the files chosen for a request cover its interval; `markdown_image` puts it into a text.
"""

from rs_assets.reports.picture import markdown_image
from rs_assets.reports.rows import TimelineRow
from rs_assets.reports.timeline import draw_timeline
from rs_assets.reports.verdict import Verdict, verdict, verdicts

__all__ = ["TimelineRow", "Verdict", "draw_timeline", "markdown_image", "verdict", "verdicts"]
