"""What an item says of a product beyond what every product has: its orbit, instrument, radar or optical facts."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rs_assets.stations.csc.attributes import Value
from rs_assets.stations.csc.product import Product

_RADAR = frozenset({"SAR", "C-SAR"})
"""How stations call the instrument of Sentinel-1; its frequency band is C."""
_MODES = frozenset({"SM", "IW", "EW", "WV"})
_STRIPMAP = re.compile(r"S[1-6]")
_POLARISATIONS = ("HH", "HV", "VH", "VV")
_ORBIT_STATES = frozenset({"ascending", "descending"})


def properties_of(product: Product) -> dict[str, Any]:
    """The properties, by the names of the extensions sat, sar, eo and of STAC itself; what is unknown is left out."""
    return {name: value for name, value in _facts(product) if value is not None and value != []}


def _facts(product: Product) -> Iterator[tuple[str, Any]]:
    attributes: Mapping[str, Value] = {name: attribute.value for name, attribute in product.attributes.items()}
    instrument = product.text("instrumentShortName")
    yield "instruments", [instrument.lower()] if instrument else []
    yield "sat:absolute_orbit", _whole(attributes.get("orbitNumber"))
    yield "sat:relative_orbit", _whole(attributes.get("relativeOrbitNumber"))
    yield "sat:orbit_cycle", _whole(attributes.get("cycleNumber"))
    state = str(attributes.get("orbitDirection") or "").lower()
    yield "sat:orbit_state", state if state in _ORBIT_STATES else None
    yield "prip:production_type", product.production_type
    yield "prip:online", product.is_online
    yield "prip:product_class", product.text("productClass")
    yield "prip:datatake_id", product.text("datatakeID")
    cover = attributes.get("cloudCover")
    yield "eo:cloud_cover", cover if _is_number(cover) and 0 <= cover <= 100 else None  # type: ignore[operator] # noqa: PLR2004 - percent
    yield from _radar(product, instrument)


def _radar(product: Product, instrument: str | None) -> Iterator[tuple[str, Any]]:
    """What the extension sar requires, if all of it is known, since it allows nothing less."""
    mode = product.text("operationalMode") or product.text("instrumentMode") or ""
    mode = "SM" if _STRIPMAP.fullmatch(mode) else mode
    stated = product.text("polarisationChannels") or ""
    channels = [name for name in _POLARISATIONS if name in re.split(r"[^A-Z]+", stated.upper())]
    if instrument is not None and instrument.upper() in _RADAR and mode in _MODES and channels:
        yield "sar:instrument_mode", mode
        yield "sar:frequency_band", "C"
        yield "sar:polarizations", channels


def _whole(value: Value | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _is_number(value: Value | None) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
