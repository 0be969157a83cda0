"""The services' metadata documents (OData CSDL XML)."""

from typing import Any

from rs_assets.simulator.odata.schema import Kind, Schema

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
        f'        <Property Name="{name}" Type="{_TYPES.get(name, edm_type(field.kind))}"/>\n'
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


def edm_type(kind: Kind) -> str:
    """The type's name in a metadata document."""
    return "Edm.Int64" if kind is Kind.INTEGER else f"Edm.{kind}"
