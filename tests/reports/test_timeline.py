import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from rs_assets.items.times import OPEN_END
from rs_assets.reports import TimelineRow, draw_timeline, markdown_image
from rs_assets.reports.axis import Requested
from rs_assets.reports.sheet import FileLine, NoteLine, Sheet, sheet_of
from rs_assets.selection import FilterError
from tests.reports.samples import END, START, minutes, row

NONE = timedelta(0)
GOOD, BAD = (0, 99, 74), (179, 22, 27)


def opened(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert image.format == "PNG"
        return image.convert("RGB")


def headline_colour(png: bytes) -> tuple[int, ...]:
    colour = opened(png).getpixel((2, 2))
    assert isinstance(colour, tuple)
    return colour


def sheet(
    rows: list[TimelineRow],
    *,
    margins: tuple[timedelta, timedelta] = (NONE, NONE),
    max_rows: int = 40,
    groups: tuple[str, ...] = (),
) -> Sheet:
    requested = Requested.of(START, END, margins)
    return sheet_of(rows, requested, title="request", max_rows=max_rows, groups=groups)


def notes(drawn: Sheet) -> list[str]:
    return [line.text for block in drawn.blocks for line in block.lines if isinstance(line, NoteLine)]


def many(count: int) -> list[TimelineRow]:
    return [row(98 * i, 98 * i + 197, chosen=i == count // 2) for i in range(-count // 2, count - count // 2)]


def test_a_picture_has_the_colour_of_its_verdict() -> None:
    assert headline_colour(draw_timeline([row(-10, 70)], START, END, title="covered")) == GOOD
    assert headline_colour(draw_timeline([row(-10, 20)], START, END, title="gap")) == BAD
    assert headline_colour(draw_timeline([], START, END, title="nothing")) == BAD


def test_a_gap_is_hatched_and_nothing_else_is_red() -> None:
    def red_between(png: bytes) -> int:
        image = opened(png)
        below_the_strips = image.crop((420, 150, 940, image.height - 90))
        return sum(count for count, colour in below_the_strips.getcolors(1 << 24) or [] if colour == BAD)

    assert red_between(draw_timeline([row(-10, 20), row(40, 70)], START, END, title="gap")) > 50
    assert red_between(draw_timeline([row(-10, 40), row(30, 70)], START, END, title="covered")) == 0


def test_equal_arguments_give_equal_bytes_in_any_thread_and_in_any_order() -> None:
    rows = many(6)

    def draw(rows: list[TimelineRow]) -> bytes:
        return draw_timeline(rows, START, END, title="request", margins=(minutes(5), minutes(5)))

    expected = draw(rows)
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(draw, [rows, rows[::-1]] * 4)) == {expected}


def test_a_picture_says_nothing_of_when_and_with_what_it_was_made() -> None:
    with Image.open(io.BytesIO(draw_timeline([row(-10, 70)], START, END, title="request"))) as image:
        assert image.info.keys() <= {"transparency", "gamma"}


def test_a_hundred_candidates_fit_into_the_text_of_a_page() -> None:
    png = draw_timeline(many(100), START, END, title="a hundred candidates")

    assert len(png) < 100_000
    assert markdown_image(png).startswith("![timeline](data:image/png;base64,iVBOR")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START, START),
        (START, OPEN_END),
        (OPEN_END, OPEN_END),
        (datetime.min.replace(tzinfo=UTC), OPEN_END),
        (START, START + timedelta(microseconds=1)),
    ],
)
def test_every_interval_can_be_drawn(start: datetime, end: datetime) -> None:
    rows = [row(-10, None), row(0, 0), row(70, -10), row(5e5, None, chosen=False)]
    margins = (timedelta(days=1), timedelta(days=400))

    assert opened(draw_timeline(rows, start, end, title="request", margins=margins)).width > 1000


@pytest.mark.filterwarnings("error")
def test_names_are_shown_as_they_are_and_never_read_as_formulas() -> None:
    rows = [TimelineRow("$\\frac$ _^ a\nb" * 20, "$\\x", START, END, chosen=True)]

    draw_timeline(rows, START, END, title="$\\frac{ " * 60)


def test_naive_times_are_refused() -> None:
    with pytest.raises(FilterError, match="no time zone"):
        draw_timeline([], START.replace(tzinfo=None), END, title="request")


def test_the_headline_speaks_for_all_product_types() -> None:
    covered, gap = row(-10, 70), row(-10, 20, group="AUX_PP1")

    assert sheet([covered]).headline == "covered"
    assert sheet([gap]).headline == "NOT covered: gap 10:20:00 – 11:00:00 UTC"
    assert sheet([covered, row(-1, None, group="AUX_CAL")]).headline == "covered: all 2 product types"
    assert sheet([covered, gap]).headline == "NOT covered: AUX_PP1 (1 of 2 product types)"
    assert sheet([]).headline == "NOT covered: nothing was found"


def test_a_product_type_that_was_asked_for_and_not_found_is_not_covered() -> None:
    drawn = sheet([row(-10, 70)], groups=("AUX_RESORB", "AUX_ICE"))

    assert drawn.headline == "NOT covered: AUX_ICE (1 of 2 product types)"
    assert notes(drawn) == ["no file was found"]


def test_margins_that_are_not_covered_are_told_but_change_no_verdict() -> None:
    drawn = sheet([row(-10, 70)], margins=(minutes(10), minutes(20)))

    assert drawn.is_covered
    assert drawn.headline == "covered, but not the margins"
    assert sheet([row(-10, 80)], margins=(minutes(10), minutes(20))).headline == "covered"


def test_files_and_product_types_without_room_are_counted() -> None:
    assert notes(sheet(many(100))) == ["and 60 more not shown"]
    assert notes(sheet([row(i, 60) for i in range(5)], max_rows=2)) == ["and 3 more not shown, 3 of them chosen"]
    types = [row(-10, 70, group=f"AUX_{number}") for number in range(4)]
    assert notes(sheet(types, max_rows=3))[-1] == "and 1 more product types not shown, all of them covered"


def test_all_chosen_files_are_among_those_shown_and_marked() -> None:
    def file_lines(drawn: Sheet) -> Iterator[FileLine]:
        return (line for block in drawn.blocks for line in block.lines if isinstance(line, FileLine))

    rows = [*many(100), row(1e5, 2e5)]

    assert sum(line.row.chosen for line in file_lines(sheet(rows))) == sum(one.chosen for one in rows)


def test_a_picture_too_large_for_a_text_is_replaced_by_where_it_is() -> None:
    png = b"\x89PNG" * 1000

    assert markdown_image(png, limit=1000) == (
        "The picture is too large to be shown here (4 kB): the picture is in the store."
    )
    assert len(markdown_image(png, limit=6000)) <= 6000
