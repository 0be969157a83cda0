"""When a session is complete."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from pystac import Item

from rs_assets.items.completeness import is_complete, missing_from
from rs_assets.stations.cadip.completeness import SUPERSEDED_BY, chunks_of, deliveries, missing, quiet_from, stated
from rs_assets.stations.cadip.session import Session, SessionFile, session_item
from rs_assets.stations.cadip.settings import Completeness, Sessions
from rs_assets.stations.missions import Belonging

from .downlink import BEGIN, CHUNK, Downlink, again, chunk, chunks, quality, session, stamp
from .searching import Entity

STRICT = Sessions()
LENIENT = Sessions(completeness=Completeness.LENIENT)
OFF = Sessions(completeness=Completeness.OFF)
SOON = BEGIN + timedelta(minutes=3)


def judged(
    files: Sequence[Entity],
    *deliveries: Entity,
    rule: Sessions = STRICT,
    now: datetime = SOON,
    **changes: Any,
) -> Item:
    sessions = [Session.model_validate(entity) for entity in deliveries or (session(**changes),)]
    listed = [SessionFile.model_validate(file) for file in files]
    item = session_item(sessions, listed, Downlink().station, Belonging(None, None))
    before = item.to_dict()
    found = stated(item, missing(item, rule, now))
    assert item.to_dict() == before
    assert missing(found, rule, now) == missing(item, rule, now) == missing_from(found)
    assert is_complete(found) is not bool(missing_from(found))
    return found


BOTH = [quality(1), quality(2)]
FINAL = "the final block, 3 being the last so far"


@pytest.mark.parametrize(
    ("files", "changes", "missing"),
    [
        pytest.param(chunks(), {"QualityInfo": BOTH}, (), id="totals"),
        pytest.param(chunks(), {}, (), id="final blocks"),
        pytest.param(chunks(), {"QualityInfo": [quality(1, 0), quality(2, 0)]}, (), id="totals not known yet"),
        pytest.param(chunks(), {"QualityInfo": [quality(1, TotalVolume=None), quality(2)]}, (), id="half totals"),
        pytest.param(chunks(1), {}, (), id="one block a channel"),
        pytest.param([chunk(c, b, final=b == 2) for c in (1, 2) for b in (0, 1, 2)], {}, (), id="blocks from 0"),
        pytest.param(
            [chunk(c, b, final=None) for c in (1, 2) for b in (1, 2, 3)], {"QualityInfo": BOTH}, (), id="null flags"
        ),
        pytest.param([chunk(c, b, final=b > 1) for c in (1, 2) for b in (1, 2, 3)], {}, (), id="final block repeated"),
        pytest.param([], {}, ("no chunk has been listed yet",), id="no chunk"),
        pytest.param(chunks()[:-1], {"QualityInfo": BOTH}, ("channel 2: 2 of 3 chunks",), id="one chunk short"),
        pytest.param(
            [*chunks()[:-1], chunk(2, 3, final=True, Size=5)],
            {"QualityInfo": BOTH},
            (f"channel 2: {2 * CHUNK + 5} of {3 * CHUNK} bytes",),
            id="other volume",
        ),
        pytest.param(
            chunks(),
            {"QualityInfo": [quality(1)]},
            ("QualityInfo of 1 of 2 channels", "QualityInfo of channel 2"),
            id="totals of one channel",
        ),
        pytest.param(chunks(channels=[1]), {}, ("1 of 2 channels",), id="a channel absent"),
        pytest.param(
            chunks(channels=[1]),
            {"NumChannels": None},
            ("the number of channels, which the station does not state",),
            id="channels not stated",
        ),
        pytest.param(
            [chunk(1, b, final=b == 9) for b in (1, 3, 6, 9)] + chunks(channels=[2]),
            {},
            ("channel 1: block 2, 4-5, 7-8",),
            id="gaps",
        ),
        pytest.param(
            [chunk(1, b, final=b == 30) for b in range(2, 31, 2)] + chunks(channels=[2]),
            {},
            ("channel 1: block 1, 3, 5, 7, 9 …",),
            id="many gaps",
        ),
        pytest.param(
            [chunk(1, b, final=False) for b in (1, 2, 3)] + chunks(channels=[2]),
            {},
            (f"channel 1: {FINAL}",),
            id="no final block",
        ),
        pytest.param(
            [chunk(1, b, final=None) for b in (1, 2, 3)] + chunks(channels=[2]),
            {},
            (f"channel 1: {FINAL}",),
            id="null final block",
        ),
        pytest.param(
            [chunk(1, b, final=b == 2) for b in (1, 2, 3)] + chunks(channels=[2]),
            {},
            (f"channel 1: {FINAL}",),
            id="blocks after the final one",
        ),
        pytest.param(
            [*chunks(), chunk(1, 4, BlockNumber=None, Name="odd.raw")],
            {},
            ("channel 1: the block number of odd.raw",),
            id="a chunk without a number",
        ),
        pytest.param(
            [*chunks(), chunk(1, 4, Channel=None, Name="odd.raw")],
            {},
            ("a chunk's channel: the block number of odd.raw",),
            id="a chunk without a channel",
        ),
    ],
)
def test_strictly_a_session_is_complete_by_its_totals_or_else_by_its_final_blocks(
    files: list[Entity], changes: dict[str, Any], missing: tuple[str, ...]
) -> None:
    item = judged(files, **changes)

    assert missing_from(item) == missing


SHORT = chunks()[:-1]


@pytest.mark.parametrize(
    ("files", "changes", "after", "complete"),
    [
        pytest.param(SHORT, {"QualityInfo": BOTH}, timedelta(minutes=3), False, id="soon"),
        pytest.param(SHORT, {"QualityInfo": BOTH}, timedelta(seconds=134 + 599), False, id="not yet quiet"),
        pytest.param(SHORT, {"QualityInfo": BOTH}, timedelta(seconds=134 + 600), True, id="quiet"),
        pytest.param(
            [*SHORT[:-1], chunk(1, 9, PublicationDate=stamp(300))],
            {},
            timedelta(seconds=134 + 600),
            False,
            id="a late chunk begins the quiet anew",
        ),
        pytest.param(SHORT, {"DownlinkStop": None}, timedelta(seconds=140 + 600), True, id="planned end"),
        pytest.param([], {}, timedelta(days=1), False, id="nothing is never complete"),
        pytest.param(chunks(), {"QualityInfo": [quality(1, 4)]}, timedelta(0), True, id="final blocks suffice"),
    ],
)
def test_leniently_any_test_suffices_quiet_included(
    files: list[Entity], changes: dict[str, Any], after: timedelta, complete: bool
) -> None:
    item = judged(files, rule=LENIENT, now=BEGIN + after, **changes)

    assert is_complete(item) is complete
    assert quiet_from(item, LENIENT) >= BEGIN + timedelta(seconds=134 + 600)


def test_without_a_test_whatever_is_there_is_complete() -> None:
    assert is_complete(judged(chunks()[:1], rule=OFF))
    assert not is_complete(judged([], rule=OFF))


HOLED = [entity for entity in chunks() if entity["Id"] != "6552-1-2"]
WHOLE_AGAIN = [again(entity) for entity in chunks()]


@pytest.mark.parametrize(
    ("files", "entities", "complete"),
    [
        pytest.param([*HOLED, *WHOLE_AGAIN], [session()], True, id="the retransfer is whole"),
        pytest.param([*chunks(), WHOLE_AGAIN[0]], [session()], True, id="the original is whole"),
        pytest.param([*HOLED, again(chunk(1, 2))], [session()], True, id="both together are whole"),
        pytest.param(
            [*HOLED, again(chunk(1, 2))], [session(QualityInfo=BOTH)], True, id="both together meet the totals"
        ),
        pytest.param([*HOLED, again(chunk(2, 2))], [session()], False, id="another block came again"),
        pytest.param(
            [*HOLED, again(chunk(2, 2))],
            [session(QualityInfo=BOTH), again(session(QualityInfo=[quality(2, 1)], NumChannels=1))],
            False,
            id="the totals of a retransferred block say nothing of the session",
        ),
        pytest.param(
            [*HOLED, again(chunk(1, 1)), again(chunk(2, 1))],
            [session(QualityInfo=BOTH), again(session(QualityInfo=[quality(1, 1), quality(2, 1)]))],
            False,
            id="even where it begins each channel",
        ),
        pytest.param(WHOLE_AGAIN, [again(session(QualityInfo=BOTH))], True, id="only the retransfer is listed"),
        pytest.param(
            [*HOLED, chunk(1, 2), chunk(1, 1) | {"Id": "twice", "PublicationDate": stamp(999)}],
            [session()],
            True,
            id="a block twice in one delivery",
        ),
    ],
)
def test_each_delivery_is_judged_and_what_all_give_together(
    files: list[Entity], entities: list[Entity], complete: bool
) -> None:
    assert is_complete(judged(files, *entities)) is complete


def test_of_two_deliveries_of_a_block_the_later_is_preferred_and_the_other_says_so() -> None:
    item = judged([*chunks(), again(chunk(1, 2))])

    superseded = {key: asset.extra_fields.get(SUPERSEDED_BY) for key, asset in item.assets.items()}
    [(old, new)] = [(key, value) for key, value in superseded.items() if value is not None]
    assert item.assets[old].extra_fields["cadip:id"] == "6552-1-2"
    assert item.assets[str(new)].extra_fields["cadip:id"] == "re-6552-1-2"


def test_a_retransfer_of_a_retransfer_is_a_delivery_of_its_own() -> None:
    third = [again(entity, "third", 9999) for entity in chunks()]

    item = judged([*chunks(), *WHOLE_AGAIN, *third])

    assert [len(delivery) for delivery in deliveries(chunks_of(item))] == [6, 6, 6]


def test_a_verdict_follows_what_has_come_since() -> None:
    item = judged(SHORT)
    assert not is_complete(item)
    whole = judged(chunks())
    item.assets |= whole.assets

    again = stated(item, missing(item, STRICT, SOON))

    assert is_complete(again)
    assert missing_from(again) == ()


def test_a_block_that_several_files_say_they_are_is_unknown_and_hides_none_of_them() -> None:
    files = [entity | {"BlockNumber": 1} for entity in chunks(channels=(1,))]

    whole = judged(files, NumChannels=1)
    short = judged([files[0], files[2]], NumChannels=1)

    for item in (whole, short):
        assert not any(SUPERSEDED_BY in asset.extra_fields for asset in item.assets.values())
        assert "channel 1: the block number of" in missing_from(item)[0]
    contradictions = [asset.extra_fields.get("cadip:contradiction") for asset in whole.assets.values()]
    assert contradictions == [None, *(f"its BlockNumber is 1, its name says {number}" for number in (2, 3))]


def test_names_without_a_block_do_not_supersede_each_other_for_a_number_that_is_alike() -> None:
    files = [chunk(1, 1, final=True, Name=f"part-{number}.raw", Id=f"id-{number}") for number in (1, 2)]

    item = judged(files, NumChannels=1)

    assert not any(SUPERSEDED_BY in asset.extra_fields for asset in item.assets.values())
    assert not is_complete(item)


def test_totals_make_a_session_complete_whose_block_numbers_say_nothing() -> None:
    files = [entity | {"BlockNumber": 1} for entity in chunks(channels=(1,))]

    assert is_complete(judged(files, NumChannels=1, QualityInfo=[quality(1)]))


def test_a_chunk_s_size_of_nothing_is_not_known_yet() -> None:
    item = judged([chunk(1, 1, Size=0), chunk(1, 2, Size="0")])

    assert not any("file:size" in asset.extra_fields for asset in item.assets.values())
