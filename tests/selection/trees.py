"""Random filters, over the properties that the samples have."""

from datetime import date, timedelta

from hypothesis import strategies as st

from rs_assets.selection import Expression
from rs_assets.selection.expression import (
    And,
    Between,
    Boolean,
    Casei,
    Comparison,
    Date,
    In,
    Interval,
    IsNull,
    Like,
    Not,
    Number,
    Or,
    Pattern,
    Property,
    Temporal,
    Text,
    Timestamp,
)
from rs_assets.selection.operators import ComparisonOperator, TemporalOperator

from .samples import DAY, HOUR

TIMES = ("datetime", "start_datetime", "end_datetime", "created", "published", "expires")
TEXTS = ("id", "product:type", "processing:facility", "platform", "missing")

steps = st.integers(-3, 3)
moments = st.builds(
    lambda hours, tick: DAY + hours * HOUR + tick * timedelta(microseconds=1), steps, st.integers(-1, 1)
)
timestamps = st.builds(Timestamp, moments | st.just(DAY.replace(year=9999)))
dates = st.builds(lambda days: Date(date(2026, 11, 1) + timedelta(days=days)), st.integers(-1, 1))
time_properties = st.sampled_from(TIMES).map(Property)
text_properties = st.sampled_from(TEXTS).map(Property)
number_properties = st.sampled_from(("orbit", "version")).map(Property)
words = st.sampled_from(["A", "AB", "ABA", "B", "BA", "aB", "", "it's", "A_B", "50%"])
texts = words.map(Text)
time_texts = moments.map(lambda moment: Text(moment.isoformat()))
numbers = st.sampled_from([-1, 0, 1, 2, 1.5, 2.0, 1e300, 2**70]).map(Number)
patterns = st.lists(st.sampled_from(["A", "B", "AB", "%", "_", r"\%", r"\_", "'"]), max_size=4).map("".join)

instants = timestamps | dates
relations = st.sampled_from(ComparisonOperator)
bounds = st.none() | time_properties | instants


def _ordered(start: Timestamp | Date, end: Timestamp | Date) -> Interval:
    return Interval(start, end) if start.moment <= end.moment else Interval(end, start)


intervals = (
    st.builds(Interval, time_properties, st.none() | time_properties)
    | st.builds(Interval, st.none(), instants | time_properties)
    | st.builds(Interval, instants, st.none())
    | st.builds(_ordered, instants, instants)
)
periods = intervals | time_properties | instants

comparisons = (
    st.builds(Comparison, relations, time_properties, instants | time_texts | time_properties)
    | st.builds(Comparison, relations, instants, time_properties)
    | st.builds(Comparison, relations, text_properties, texts | text_properties)
    | st.builds(Comparison, relations, texts, text_properties)
    | st.builds(Comparison, relations, number_properties, numbers)
    | st.builds(Comparison, relations, text_properties.map(Casei), texts.map(Casei))
    | st.builds(Comparison, relations, text_properties | time_properties, texts | numbers | timestamps)
)
conditions = (
    comparisons
    | st.builds(Between, time_properties, instants, instants)
    | st.builds(Between, number_properties, numbers, numbers)
    | st.builds(In, text_properties, st.lists(texts, min_size=1, max_size=3).map(tuple))
    | st.builds(In, time_properties, st.lists(instants | time_texts, min_size=1, max_size=3).map(tuple))
    | st.builds(In, number_properties, st.lists(numbers, min_size=1, max_size=3).map(tuple))
    | st.builds(Like, text_properties, patterns.map(Pattern))
    | st.builds(Like, text_properties.map(Casei), patterns.map(Pattern), st.just(True))
    | st.builds(IsNull, text_properties | time_properties)
    | st.builds(Temporal, st.sampled_from(TemporalOperator), periods, periods)
    | st.builds(Boolean, st.booleans())
)


def _combined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    operands = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(And, operands) | st.builds(Or, operands)


expressions: st.SearchStrategy[Expression] = st.recursive(conditions, _combined, max_leaves=5)
