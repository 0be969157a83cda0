"""A timeline as a matplotlib figure: names on the left, bars in the middle, validities in words on the right.

Fonts are those that come with matplotlib: none is looked for on the host.
"""

from datetime import datetime
from functools import singledispatchmethod
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.transforms import blended_transform_factory

from rs_assets.items.times import OPEN_END
from rs_assets.reports.axis import Requested, View, position, ticks_of
from rs_assets.reports.rows import TimelineRow
from rs_assets.reports.sheet import Block, FileLine, GapLine, GroupLine, Line, NoteLine, Sheet
from rs_assets.reports.wording import time_text
from rs_assets.selection.coverage import Gap

_DPI = 100
_EDGE, _NAMES, _BARS, _VALIDITIES = 0.15, 3.95, 5.4, 3.05
_WIDTH = _EDGE + _NAMES + _BARS + _VALIDITIES
_HEAD, _LINE, _FOOT = 1.26, 0.205, 0.85
_MIN_BAR = 0.04
"""All in inches; the least bar is so wide that a validity of an instant can be seen."""

_INDENT = 0.2
_TITLE_WIDTH = 120
"""Characters of a title in one line."""

_POINTS = 72
"""To an inch."""

_BREADTH, _MONO_BREADTH = 0.68, 0.603
"""How broad a character is on average in bold text, and each one in the monospaced font, in sizes of the font."""

_CHOSEN, _OTHER, _OTHER_EDGE = "#0060A8", "#C6CFD6", "#7F8B96"
_GOOD, _BAD, _INK, _FAINT = "#00634A", "#B3161B", "#1F2A33", "#55626C"
_BAND, _MARGIN, _STRIP = "#FFE79A", "#FFF6DB", "#E6EAEE"
"""Blue, red and yellow differ in lightness too, and stay apart for every kind of colour blindness."""

_FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"


def figure_of(sheet: Sheet, requested: Requested, view: View) -> Figure:
    """The picture of a sheet: as wide as every other, and as high as it has lines."""
    drawing = _Drawing(sheet, requested, view)
    drawing.draw()
    return drawing.figure


class _Drawing:
    """One figure while it is drawn. Across, the axes count days since 1970; downwards they count lines."""

    def __init__(self, sheet: Sheet, requested: Requested, view: View) -> None:
        self.sheet, self.requested, self.view = sheet, requested, view
        self.lines = sum(len(block.lines) for block in sheet.blocks)
        self.height = _HEAD + _LINE * self.lines + _FOOT
        self.figure = Figure(figsize=(_WIDTH, self.height), dpi=_DPI, facecolor="white")
        box = ((_EDGE + _NAMES) / _WIDTH, _FOOT / self.height, _BARS / _WIDTH, _LINE * self.lines / self.height)
        self.axes = self.figure.add_axes(box, facecolor="white")
        self.axes.set_xlim(view.left, view.right)
        self.axes.set_ylim(self.lines, 0)
        self.across = blended_transform_factory(self.figure.transFigure, self.axes.transData)
        self.per_inch = (view.right - view.left) / _BARS

    def draw(self) -> None:
        self._draw_head()
        self._draw_band()
        self._draw_axis()
        top = 0
        for block in self.sheet.blocks:
            self._draw_block(block, top)
            top += len(block.lines)
        self._draw_legend()

    def _draw_head(self) -> None:
        sign, colour = ("✔", _GOOD) if self.sheet.is_covered else ("✘", _BAD)
        strip = 0.4 / self.height
        figure = self.figure
        figure.add_artist(Rectangle((0, 1 - strip), 1, strip, facecolor=colour, transform=figure.transFigure))
        self._head_text(0.2, f"{sign}  {self.sheet.headline}", "Sans-Bold", 14, "white")
        title = " ".join(self.sheet.title.split())
        if len(title) > _TITLE_WIDTH:
            title = f"{title[: _TITLE_WIDTH - 1]}…"
        self._head_text(0.58, title, "Sans-Bold", 10.5, _INK)
        self._head_text(0.81, self.sheet.interval, "Sans", 9.5, _INK)

    def _head_text(self, down: float, text: str, font: str, size: float, colour: str) -> None:
        self.figure.text(
            _EDGE / _WIDTH,
            1 - down / self.height,
            text,
            fontproperties=_font(font, _fitting(font, size, text, _WIDTH - 2 * _EDGE)),
            color=colour,
            verticalalignment="center_baseline",
            parse_math=False,
        )

    def _draw_band(self) -> None:
        """The interval that was requested; its bounds stand outside it, and so never on each other."""
        requested, view = self.requested, self.view
        if requested.has_margins:
            first, last = view.clip(position(requested.first)), view.clip(position(requested.last))
            self.axes.axvspan(first, last, facecolor=_MARGIN, edgecolor="none", zorder=0)
            for edge in (first, last):
                self.axes.axvline(edge, color=_FAINT, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
        start, end = view.clip(position(requested.start)), view.clip(position(requested.end))
        if start < end:
            self.axes.axvspan(start, end, facecolor=_BAND, edgecolor="none", zorder=0.5)
            self._draw_bound(start, requested.start, "right")
        if requested.end != OPEN_END:
            self._draw_bound(end, requested.end, "left" if start < end else "center")

    def _draw_bound(self, where: float, moment: datetime, side: str) -> None:
        with_day = self.requested.start.date() != self.requested.end.date()
        self.axes.axvline(where, color=_INK, linewidth=1.2, linestyle=(0, (4, 2)), zorder=4)
        self.axes.text(
            where,
            -0.1 / _LINE,
            {"right": "{} ", "left": " {}", "center": "{}"}[side].format(time_text(moment, with_day=with_day)),
            fontproperties=_font("Sans-Bold", 8.5),
            color=_INK,
            horizontalalignment=side,
            verticalalignment="center_baseline",
        )

    def _draw_axis(self) -> None:
        ticks, labels = ticks_of(self.view)
        self.axes.set_xticks(ticks, labels, fontproperties=_font("Sans", 8), color=_INK)
        self.axes.set_yticks([])
        self.axes.tick_params(axis="x", length=3, width=0.8, color=_INK)
        self.axes.grid(visible=True, axis="x", color="#D4DADF", linewidth=0.6, linestyle="-")
        self.axes.set_axisbelow(True)
        for side, spine in self.axes.spines.items():
            spine.set(visible=side in ("bottom", "left", "right"), color=_FAINT, linewidth=0.8)
        self.figure.text(
            (_EDGE + _NAMES - 0.5) / _WIDTH,
            (_FOOT - 0.17) / self.height,
            "time (UTC)",
            fontproperties=_font("Sans-Bold", 8.5),
            color=_INK,
            horizontalalignment="right",
            verticalalignment="center_baseline",
        )

    def _draw_block(self, block: Block, top: int) -> None:
        for gap in block.gaps:
            self._draw_gap(gap, top + isinstance(block.lines[0], GroupLine), top + len(block.lines))
        for offset, line in enumerate(block.lines):
            self._draw_line(line, top + offset)

    def _draw_gap(self, gap: Gap, top: float, bottom: float) -> None:
        left, right = self._span(gap.start, gap.end)
        hatched = Rectangle((left, top), right - left, bottom - top, facecolor="none", edgecolor=_BAD, hatch="////")
        hatched.set(linewidth=0.8, zorder=2)
        hatched.set_hatch_linewidth(1.1)
        self.axes.add_patch(hatched)

    @singledispatchmethod
    def _draw_line(self, line: Line, top: int) -> None:
        raise TypeError(f"{line!r} is not a line of a timeline, at {top}")

    @_draw_line.register
    def _(self, line: GroupLine, top: int) -> None:
        strip = Rectangle((0, top), 1, 1, facecolor=_STRIP, transform=self.across, clip_on=False, zorder=5)
        self.axes.add_patch(strip)
        sign, colour = ("✔", _GOOD) if line.is_covered else ("✘", _BAD)
        self._text((_EDGE, top + 0.5), f"{sign} {line.group}", "Sans-Bold", 9, colour)
        self._text((_EDGE + _NAMES, top + 0.5), line.text, "Sans-Bold", 8.5, colour)

    @_draw_line.register
    def _(self, line: GapLine, top: int) -> None:
        self._text((_EDGE + _INDENT, top + 0.5), f"✘ {line.name}", "Sans-Bold", 8.5, _BAD)
        self._text((_WIDTH - _VALIDITIES + 0.2, top + 0.5), line.bounds, "SansMono-Bold", 7, _BAD)

    @_draw_line.register
    def _(self, line: FileLine, top: int) -> None:
        row, middle = line.row, top + 0.5
        bold, colour = ("-Bold", _CHOSEN) if row.chosen else ("", _FAINT)
        if row.chosen:
            self._text((_EDGE, middle), "★", "Sans", 9, _CHOSEN)
        self._text((_EDGE + _INDENT, middle), line.name, f"SansMono{bold}", 7.2, colour)
        self._text((_WIDTH - _VALIDITIES + 0.2, middle), line.validity, f"SansMono{bold}", 7, colour)
        self._draw_bar(row, middle)

    @_draw_line.register
    def _(self, line: NoteLine, top: int) -> None:
        self._text((_EDGE + _INDENT, top + 0.5), line.text, "Sans-Oblique", 8.5, _FAINT)

    def _draw_bar(self, row: TimelineRow, middle: float) -> None:
        """The validity as far as it is shown, with an arrow at the edge beyond which it goes on."""
        begin = position(row.begin)
        end = max(position(row.end), begin)
        face, edge = (_CHOSEN, _CHOSEN) if row.chosen else (_OTHER, _OTHER_EDGE)
        height = 0.66 if row.chosen else 0.5
        is_shown = begin <= self.view.right and end >= self.view.left
        if is_shown:
            left, right = self._span(row.begin, max(row.begin, row.end))
            bar = Rectangle((left, middle - height / 2), right - left, height, facecolor=face, edgecolor=edge)
            bar.set(linewidth=0.7, zorder=3)
            self.axes.add_patch(bar)
        if begin < self.view.left:
            self._draw_arrow(self.view.left, "<", middle, face if is_shown else "white", edge)
        if end > self.view.right:
            self._draw_arrow(self.view.right, ">", middle, face if is_shown else "white", edge)

    def _draw_arrow(self, where: float, sign: str, middle: float, face: str, edge: str) -> None:
        outside = 0.07 * self.per_inch * (1 if sign == ">" else -1)
        arrow = Line2D([where + outside], [middle], marker=sign, markersize=8, linestyle="none", clip_on=False)
        arrow.set(markerfacecolor=face, markeredgecolor=edge, markeredgewidth=0.7, zorder=6)
        self.axes.add_line(arrow)

    def _span(self, start: datetime, end: datetime) -> tuple[float, float]:
        """What is shown of a span; widened around its middle where it would be too narrow to see."""
        left, right = self.view.clip(position(start)), self.view.clip(position(end))
        lacking = max(_MIN_BAR * self.per_inch - (right - left), 0) / 2
        return left - lacking, right + lacking

    def _draw_legend(self) -> None:
        gap = Patch(facecolor="white", edgecolor=_BAD, hatch="//////", linewidth=0.8, label="not covered")
        gap.set_hatch_linewidth(1.1)
        margins = Patch(facecolor=_MARGIN, edgecolor=_FAINT, linewidth=0.7, label="its margins")
        requested = (
            Line2D([], [], color=_INK, linewidth=1.2, linestyle=(0, (4, 2)), label="requested")
            if self.requested.start == self.requested.end
            else Patch(facecolor=_BAND, edgecolor=_INK, linewidth=0.7, label="requested")
        )
        candidates = [
            Patch(facecolor=_CHOSEN, label="★ chosen"),
            Patch(facecolor=_OTHER, edgecolor=_OTHER_EDGE, linewidth=0.7, label="other candidate"),
            _arrow_handle(_OTHER, "goes on"),
            _arrow_handle("white", "lies outside"),
        ]
        handles = [
            requested,
            *([margins] if self.requested.has_margins else []),
            *([gap] if any(block.gaps for block in self.sheet.blocks) else []),
            *(candidates if self.sheet.rows else []),
        ]
        self.figure.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(_EDGE / _WIDTH, 0.03 / self.height),
            borderaxespad=0,
            ncols=len(handles),
            frameon=False,
            prop=_font("Sans", 8.5),
            labelcolor=_INK,
            handlelength=1.8,
            columnspacing=1.8,
        )

    def _text(self, place: tuple[float, float], text: str, font: str, size: float, colour: str) -> None:
        """Text at a place: across in inches of the figure, down in lines."""
        across, down = place
        room = (_EDGE + _NAMES if across < _EDGE + _NAMES else _WIDTH) - across
        self.axes.text(
            across / _WIDTH,
            down,
            text,
            transform=self.across,
            fontproperties=_font(font, _fitting(font, size, text, room)),
            color=colour,
            verticalalignment="center_baseline",
            parse_math=False,
            zorder=7,
        )


def _arrow_handle(face: str, label: str) -> Line2D:
    arrow = Line2D([], [], marker=">", markersize=8, linestyle="none", label=label)
    arrow.set(markerfacecolor=face, markeredgecolor=_OTHER_EDGE, markeredgewidth=0.7)
    return arrow


def _fitting(font: str, size: float, text: str, room: float) -> float:
    """The size, made smaller where the text would need more room than these inches."""
    breadth = _MONO_BREADTH if "Mono" in font else _BREADTH
    return min(size, room * _POINTS / (breadth * max(len(text), 1)))


def _font(name: str, size: float) -> FontProperties:
    """A font by its file, which comes with matplotlib: a search by name could find another version on the host."""
    return FontProperties(fname=_FONTS / f"DejaVu{name}.ttf", size=size)
