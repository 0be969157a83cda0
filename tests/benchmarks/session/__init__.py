"""A full-size downlink session from search to catalogue, compared with the mere fetching of its chunks."""
