"""Byte moving against its peers, as one table: ``python -m tests.benchmarks.staging``."""
