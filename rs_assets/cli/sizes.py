"""Sizes of files on the command line."""

import click
from pydantic import ByteSize, TypeAdapter, ValidationError


def size_in_bytes(text: str) -> int:
    """A number of bytes, e.g. ``314571600``, ``20MB`` (a million each) or ``300MiB`` (1024 × 1024 each).

    Raises:
        click.BadParameter: it is not a size, or less than one byte.
    """
    try:
        found = int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError as error:
        units = "write bytes, or a number with kB, MB, GB, KiB, MiB or GiB"
        raise click.BadParameter(f"{text!r} is not a size; {units}") from error
    if found < 1:
        raise click.BadParameter(f"{text!r} is less than one byte")
    return found
