"""What STAC's properties are called by a PRIP station."""

from types import MappingProxyType

from rs_assets.selection.vocabulary import Attribute, Field, Kind, Vocabulary

PRIP_VOCABULARY = Vocabulary(
    MappingProxyType(
        {
            "id": (Field("Name", Kind.TEXT, starts_with=True),),
            "datetime": (Field("ContentDate/Start", Kind.TIME),),
            "start_datetime": (Field("ContentDate/Start", Kind.TIME),),
            "end_datetime": (Field("ContentDate/End", Kind.TIME),),
            "created": (Field("OriginDate", Kind.TIME), Field("PublicationDate", Kind.TIME)),
            "published": (Field("PublicationDate", Kind.TIME),),
            "expires": (Field("EvictionDate", Kind.TIME),),
            "product:type": (Attribute("productType", Kind.TEXT),),
        }
    )
)
"""What a PRIP station can be asked for: what all of them understand.

``ProductionType`` and attributes that stations type differently (orbit numbers, processing dates) are selected at
home, where every property of an item can be asked for.
"""
