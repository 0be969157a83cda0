"""Simulated stations of products: most of them made up, some by hand."""
