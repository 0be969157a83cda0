from datetime import UTC, datetime

import pytest

from rs_assets.items.times import OPEN_END
from rs_assets.selection import FilterError, LatestBy, candidates
from rs_assets.selection.candidates import creation_time

from .samples import DAY, clock, file, item_with, names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("S1A_AUX_PP2_V20190228T092500_G20210104T141310.SAFE", datetime(2021, 1, 4, 14, 13, 10, tzinfo=UTC)),
        (
            "S1A_OPER_AUX_RESORB_OPOD_20231218T110702_V20231218T065915_20231218T101645",
            datetime(2023, 12, 18, 11, 7, 2, tzinfo=UTC),
        ),
        (
            "S3A_AX___FRO_AX_20230101T000000_20230111T000000_20230104T065029___________________EUM_O_AL_001",
            datetime(2023, 1, 4, 6, 50, 29, tzinfo=UTC),
        ),
        (
            "S5P_OFFL_L2__NO2____20230101T000000_20230101T013000_27000_03_020400_20230102T170000",
            datetime(2023, 1, 2, 17, tzinfo=UTC),
        ),
        ("S1A_IW_SLC__1SDV_20230101T000000_20230101T000030_046581_0595AB_1234", None),
        ("S1A_AUX_PP2_V20190228T092500_G20219904T141310", None),
        ("DCS_01_S1A", None),
    ],
)
def test_the_creation_time_is_read_from_a_name_that_holds_one(name: str, expected: datetime | None) -> None:
    assert creation_time(name) == expected


def test_the_generation_is_the_first_of_the_times_that_an_item_has() -> None:
    item = item_with(
        "S1A_AUX_PP2_V20190228T092500_G20210104T141310",
        processing__datetime="2026-01-01T00:00:00Z",
        created="2026-01-03T00:00:00Z",
        published="2026-01-04T00:00:00Z",
    )

    def generated() -> datetime:
        return candidates([item])[0].generated

    assert generated() == datetime(2026, 1, 1, tzinfo=UTC)
    del item.properties["processing:datetime"]
    assert generated() == datetime(2021, 1, 4, 14, 13, 10, tzinfo=UTC)
    item.id = "NAME"
    assert generated() == datetime(2026, 1, 3, tzinfo=UTC)
    del item.properties["created"]
    assert generated() == datetime(2026, 1, 4, tzinfo=UTC)


def test_an_item_without_the_time_is_the_earliest() -> None:
    found = candidates([item_with("X"), item_with("A", created="2000-01-01T00:00:00Z")], LatestBy.CREATED)

    assert max(found, key=lambda candidate: candidate.age).item.id == "A"


def test_an_instant_is_valid_at_its_datetime() -> None:
    found = candidates([item_with("X", DAY)])[0]

    assert (found.begin, found.end) == (DAY, DAY)


def test_every_way_of_writing_no_end_is_one() -> None:
    for text in ("9999-12-31T23:59:59.999Z", "99999999T999999", "9999-06-01"):
        item = file("X", DAY, clock("10:00"), DAY)
        item.properties["end_datetime"] = text
        found = candidates([item])[0]
        assert (found.end, found.is_open) == (OPEN_END, True)


def test_candidates_stand_in_order_of_validity() -> None:
    files = [
        file("C", clock("9:00"), clock("10:00"), DAY),
        file("A", clock("9:00"), clock("11:00"), DAY),
        file("B", clock("8:00"), clock("12:00"), DAY),
    ]

    assert names(candidate.item for candidate in candidates(files)) == ["B", "C", "A"]


def test_an_item_whose_validity_cannot_be_read_is_refused_by_name() -> None:
    item = file("BROKEN", DAY, DAY, DAY)
    item.properties["end_datetime"] = "soon"

    with pytest.raises(FilterError, match="BROKEN has no validity"):
        candidates([item])
