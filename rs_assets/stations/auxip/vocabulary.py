"""What STAC's properties are called by an AUXIP station."""

from types import MappingProxyType

from rs_assets.selection.vocabulary import Attribute, Field, Kind, Vocabulary

AUXIP_VOCABULARY = Vocabulary(
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
            "processing:facility": (Attribute("processingCenter", Kind.TEXT),),
            "processing:version": (Attribute("processorVersion", Kind.TEXT),),
        }
    )
)
"""What an AUXIP station can be asked for.

A product without ContentDate, which the interface requires, is not found by its validity. Left out are properties
that an item can have without the field: the platform and constellation may come from the product's name,
``updated`` is a field that many stations lack, and stations type ``processingDate`` differently.
"""
