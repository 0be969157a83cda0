"""Which auxiliary files a processor needs, and what is requested automatically when a session enters the catalogue."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, field_validator

from rs_assets.errors import FilterError
from rs_assets.policies import Policy
from rs_assets.settings.model import SettingsModel

CATALOG_SOURCE = "catalog"
"""The source of a request that is not a station: the catalogue, whose files are staged already."""


def _policy(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"expected one of {', '.join(Policy)}")  # noqa: TRY004 - only a ValueError is gathered
    try:
        return Policy.named(value)
    except FilterError as error:
        raise ValueError(str(error)) from error


def _margin(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("a margin widens the interval: expected 0 or more")
    return value


TypeName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
PolicyName = Annotated[Policy, BeforeValidator(_policy)]
Margin = Annotated[timedelta, AfterValidator(_margin)]


class Need(SettingsModel):
    """Some product types, and how their files are chosen for an interval."""

    types: Annotated[
        tuple[TypeName, ...], Field(min_length=1), AfterValidator(lambda names: tuple(dict.fromkeys(names)))
    ]
    """Product types, e.g. ``AX___OSF_AX``; the policy chooses for each of them."""
    policy: PolicyName = Policy.VAL_COVER
    """How files are chosen for the interval, e.g. ``LatestValCover``."""
    dt0: Margin = timedelta(0)
    """How much the interval is widened before its start: seconds, or an ISO 8601 duration."""
    dt1: Margin = timedelta(0)
    """How much the interval is widened after its end: seconds, or an ISO 8601 duration."""


def each_type_once(needs: tuple[Need, ...]) -> tuple[Need, ...]:
    """The needs, if no two of them name the same type.

    Raises:
        ValueError: two do.
    """
    names = [name for need in needs for name in need.types]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"name each product type in one need only; these stand in two: {', '.join(twice)}")
    return needs


Needs = Annotated[tuple[Need, ...], AfterValidator(each_type_once)]
"""Needs that leave no doubt how the files of a type are chosen."""


class SessionRequest(SettingsModel):
    """What is asked for when a session of a mission enters the catalogue, for its whole downlink."""

    source: str
    """Where to look: the name of a station that has auxiliary files, or ``catalog``."""
    needs: Annotated[Needs, Field(min_length=1)]
    """What the mission's processor needs."""
    only_within: timedelta | None = None
    """Ask only for sessions whose downlink ended less long ago, so that a backfill asks for none; for all of them
    where empty."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Higher ones are answered first."""

    @field_validator("only_within")
    @classmethod
    def _some_time(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value <= timedelta(0):
            raise ValueError("a duration must be longer than nothing")
        return value
