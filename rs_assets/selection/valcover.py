"""The filter that finds the files whose validity covers an interval."""

from datetime import MAXYEAR, UTC, datetime

from rs_assets.items.times import format_time
from rs_assets.selection.errors import FilterError
from rs_assets.selection.expression import And, Comparison, Json, Property, Text, Timestamp
from rs_assets.selection.instants import aware, is_open, zoned_moment
from rs_assets.selection.operators import ComparisonOperator

_OPEN_YEAR = datetime(MAXYEAR, 1, 1, tzinfo=UTC)


def create_valcover_filter(start: datetime | str, end: datetime | str, product_type: str) -> dict[str, Json]:
    """CQL2-JSON for the files of a type that are valid at least from `start` to `end`, both bounds included.

    ESA's ValCover asks for ``start_datetime <= start`` and ``end_datetime >= end``; CQL2's ``t_contains`` is strict
    and would lose a file that is valid for exactly the interval, so the filter is written with comparisons. Times
    are brought to UTC and keep their microseconds. An end in the year 9999 asks for files without an end, in
    whichever way their station writes that.

    Raises:
        FilterError: a time is naive, a text is not a date with time and zone, or the end lies before the start.
    """
    begin, finish = _moment(start), _moment(end)
    if begin > finish:
        raise FilterError(f"the interval ends at {format_time(finish)}, before its start {format_time(begin)}")
    if is_open(finish):
        finish = _OPEN_YEAR
    return And(
        (
            Comparison(ComparisonOperator.EQUAL, Property("product:type"), Text(product_type)),
            Comparison(ComparisonOperator.LESS_OR_EQUAL, Property("start_datetime"), Timestamp(begin)),
            Comparison(ComparisonOperator.GREATER_OR_EQUAL, Property("end_datetime"), Timestamp(finish)),
        )
    ).to_json()


def _moment(value: datetime | str) -> datetime:
    return zoned_moment(value) if isinstance(value, str) else aware(value)
