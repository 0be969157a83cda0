"""The services' metadata documents (OData CSDL XML)."""

from typing import Any

from rs_assets.simulator.entity import PRODUCTS
from rs_assets.simulator.schema import Kind, Schema

_TYPES = {"Id": "Edm.Guid", "ContentLength": "Edm.Int64", "Size": "Edm.Int64"}


def document(sets: dict[str, str], *types: str) -> str:
    """The document of a service with these entity sets (name to entity type) and types (elements)."""
    named = "\n".join(
        f'        <EntitySet Name="{name}" EntityType="OData.CSC.{kind}"/>' for name, kind in sets.items()
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
  <edmx:DataServices>
    <Schema Namespace="OData.CSC" xmlns="http://docs.oasis-open.org/odata/ns/edm">
{"".join(types).rstrip()}
      <EntityContainer Name="Container">
{named}
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
"""


def entity_type(schema: Schema[Any], *, stream: bool = False, keys: tuple[str, ...] = ("Id",), more: str = "") -> str:
    """An entity type with the schema's fields as properties; ``more`` are further elements of it."""
    properties = "".join(
        f'        <Property Name="{name}" Type="{_TYPES.get(name, _edm(field.kind))}"/>\n'
        for name, field in schema.fields.items()
        if "/" not in name
    )
    key = "".join(f'<PropertyRef Name="{name}"/>' for name in keys)
    streamed = ' HasStream="true"' if stream else ""
    return (
        f'      <EntityType Name="{schema.name}"{streamed}>\n'
        f"        <Key>{key}</Key>\n{properties}{more}      </EntityType>\n"
    )


def navigation(name: str, kind: str) -> str:
    """A navigation property to many entities of a type."""
    return f'        <NavigationProperty Name="{name}" Type="Collection(OData.CSC.{kind})"/>\n'


def _edm(kind: Kind) -> str:
    return "Edm.Int64" if kind is Kind.INTEGER else f"Edm.{kind}"


_VALUES = """      <ComplexType Name="TimeRange">
        <Property Name="Start" Type="Edm.DateTimeOffset"/>
        <Property Name="End" Type="Edm.DateTimeOffset"/>
      </ComplexType>
      <ComplexType Name="Checksum">
        <Property Name="Algorithm" Type="Edm.String"/>
        <Property Name="Value" Type="Edm.String"/>
        <Property Name="ChecksumDate" Type="Edm.DateTimeOffset"/>
      </ComplexType>
      <EntityType Name="Attribute" Abstract="true">
        <Key><PropertyRef Name="Name"/></Key>
        <Property Name="Name" Type="Edm.String"/>
        <Property Name="ValueType" Type="Edm.String"/>
      </EntityType>
"""

_ATTRIBUTE_TYPES = "".join(
    f'      <EntityType Name="{kind}Attribute" BaseType="OData.CSC.Attribute">'
    f'<Property Name="Value" Type="{_edm(kind)}"/></EntityType>\n'
    for kind in Kind
)

AUXIP = document(
    {"Products": "Product"},
    entity_type(
        PRODUCTS,
        stream=True,
        more='        <Property Name="ContentDate" Type="OData.CSC.TimeRange"/>\n'
        '        <Property Name="Checksum" Type="Collection(OData.CSC.Checksum)"/>\n'
        + navigation("Attributes", "Attribute"),
    ),
    _VALUES,
    _ATTRIBUTE_TYPES,
)
"""Names the product entity, its properties and its attributes' types."""
