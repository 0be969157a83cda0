"""What every part of the settings shares."""

from pydantic import BaseModel, ConfigDict


class SettingsModel(BaseModel):
    """Frozen, refuses keys that it does not know, and takes field docstrings as descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)


class MisplacedValueError(ValueError):
    """A value that contradicts another place of the document; `key` leads to it from the model that found it."""

    def __init__(self, key: tuple[str | int, ...], message: str) -> None:
        self.key = key
        super().__init__(message)
