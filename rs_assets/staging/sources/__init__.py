"""Where files come from."""

from rs_assets.staging.sources.source import Answer, Source, Wanted

__all__ = ["Answer", "Source", "Wanted"]
