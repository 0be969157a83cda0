"""The STAC vocabulary used here: identity, time, digests, extensions, validation.

A `pystac.Item` is the only thing that travels from a station to the catalogue. This package says how such an
item is named, when it is valid, how its files are addressed and digested, and what makes it valid STAC 1.1.
"""
