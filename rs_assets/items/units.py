"""Units that figures are shown in."""

MEGABYTE = 1e6
"""Bytes."""
