"""A simulated AUXIP station: products, most of them made up, some by hand."""
