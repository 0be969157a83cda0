"""The shapes in which stations wrap the entities of a collection."""

from enum import StrEnum


class Envelope(StrEnum):
    """How the answer to a collection request is wrapped; stations differ."""

    VALUE = "value"
    BARE_LIST = "bare_list"
    RESPONSES = "responses"
    MISSING = "missing"
    EMPTY_404 = "empty_404"
