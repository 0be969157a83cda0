"""Dagster assets that keep an object store and a STAC catalogue filled from the ground-segment stations."""
