"""From a listing to what it lists: entities read as a model, with what cannot be read among the rejections."""

from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from rs_assets.items.untrusted import printable
from rs_assets.selection.odata_terms import PAD
from rs_assets.stations.csc.odata import Entity, Listing, moment
from rs_assets.stations.search import Answer, Rejected
from rs_assets.stations.window import Window

_MAX_NAME = 200

_Model = TypeVar("_Model", bound=BaseModel)


def read_as(model: type[_Model], listing: Listing, answer: Answer) -> Iterator[_Model]:
    """The entities of a listing; what cannot be read goes into the answer's rejections."""
    for entity in listing.keyless:
        answer.rejected.append(Rejected(_name(entity, "?"), "the station gave it no Id"))
    for key, entity in listing.entities.items():
        try:
            yield model.model_validate(entity)
        except ValidationError as error:
            answer.rejected.append(Rejected(_name(entity, key), _reason(error), printable(key)))


def note_listing(listing: Listing, answer: Answer) -> None:
    """Add to the answer how a listing came about."""
    answer.pages += listing.pages
    answer.partial |= listing.partial
    answer.ambiguous_empty |= listing.ambiguous_empty
    answer.warnings += listing.warnings


def window_clause(place: str, window: Window) -> str:
    """What has its time in the window, and a little more on both sides; `place` is the field of that time."""
    return f"{since_clause(place, window.start)} and {place} lt {moment(window.end + PAD)}"


def since_clause(place: str, start: datetime) -> str:
    """What has its time at `start` (aware UTC) or later, and a little more."""
    return f"{place} gt {moment(start - PAD)}"


def _name(entity: Entity, key: str) -> str:
    return printable(str(entity.get("Name") or entity.get("SessionId") or key))[:_MAX_NAME]


def _reason(error: ValidationError) -> str:
    first = error.errors(include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg'].removeprefix('Value error, ')}"
