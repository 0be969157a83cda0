"""What can be odd about a session: all of it has been seen on real or test stations."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rs_assets.simulator.errors import QueryError


class FinalBlock(StrEnum):
    """What the files of a channel say in ``FinalBlock``."""

    TRUE = "true"
    """True in the last file, false in the others."""
    NULL = "null"
    ABSENT = "absent"
    NEVER = "never"
    REPEATED = "repeated"
    """True in the last two files."""


Block = tuple[int, int]
"""A channel, and the place of a file in it; both count from one."""


@dataclass(frozen=True, kw_only=True)
class Oddities:
    """How a session differs from a good one."""

    late_channel: int | None = None
    late_seconds: float = 600.0
    """How much later than the others the files of ``late_channel`` come."""
    withheld: frozenset[Block] = frozenset()
    """Files that are not published until they are released."""
    num_channels: int | None = None
    """NumChannels, true or not."""
    final_block: FinalBlock = FinalBlock.TRUE
    block_gaps: frozenset[Block] = frozenset()
    """Files before which one block number is left out, though no file is missing."""
    text_sizes: bool = False
    """Size is a string of digits."""
    size_error: int = 0
    """By how many bytes Size is too large."""
    text_quality: bool = False
    """The numbers of QualityInfo are strings."""
    quality_error: int = 0
    """By how many bytes TotalVolume is too large."""
    quality_zero: bool = False
    """QualityInfo is never filled in."""
    without: frozenset[str] = frozenset()
    """Fields that are left out of the entities."""
    nulls: frozenset[str] = frozenset()
    """Fields that are null."""

    @classmethod
    def read(cls, order: Mapping[str, Any]) -> dict[str, Any]:
        """The oddities among the fields of an order, checked; ``QueryError`` for a value that cannot be."""
        given: dict[str, Any] = {}
        for name, check in _CHECKS.items():
            if name in order:
                value = order[name]
                if not check(value):
                    raise QueryError(f"The field {name!r} cannot be {value!r}.")
                given[name] = value
        for name in ("withheld", "block_gaps"):
            if name in given:
                given[name] = frozenset((channel, block) for channel, block in given[name])
        for name in ("without", "nulls"):
            if name in given:
                given[name] = frozenset(given[name])
        if "final_block" in given:
            given["final_block"] = FinalBlock(given["final_block"])
        return given


NOTHING_ODD = Oddities()


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_count_or_none(value: object) -> bool:
    return value is None or _is_count(value)


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**8


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_blocks(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(block, list) and len(block) == 2 and all(map(_is_count, block)) for block in value
    )


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


_CHECKS = {
    "late_channel": _is_count_or_none,
    "late_seconds": _is_duration,
    "withheld": _is_blocks,
    "num_channels": _is_count_or_none,
    "final_block": lambda value: value in set(FinalBlock),
    "block_gaps": _is_blocks,
    "text_sizes": _is_truth,
    "size_error": _is_number,
    "text_quality": _is_truth,
    "quality_error": _is_number,
    "quality_zero": _is_truth,
    "without": _is_names,
    "nulls": _is_names,
}
