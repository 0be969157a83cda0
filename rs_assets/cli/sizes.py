"""Sizes of files on the command line."""

import re

import click

_UNITS = {"": 1, "B": 1} | {
    f"{letter}{ending}": base**power
    for power, letter in enumerate("KMGT", 1)
    for ending, base in (("", 1000), ("B", 1000), ("IB", 1024))
}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


class FileSize(click.ParamType[int]):
    """A number of bytes, e.g. ``314571600``, ``20MB`` (a million each) or ``300MiB`` (1024 × 1024 each)."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; at least one byte."""
        found = _SIZE.fullmatch(str(value))
        unit = _UNITS.get(found[2].upper()) if found else None
        if found is None or unit is None:
            self.fail(f"{value!r} is not a size; write bytes, or a number with kB, MB, GB, KiB, MiB or GiB", param, ctx)
        size: int = round(float(found[1]) * unit)
        if size < 1:
            self.fail(f"{value!r} is less than one byte", param, ctx)
        return size
