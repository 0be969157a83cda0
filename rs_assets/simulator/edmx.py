"""The service's metadata document."""

from rs_assets.simulator.predicate import FIELDS
from rs_assets.simulator.products import Kind

_TYPES = {"Id": "Edm.Guid", "ContentLength": "Edm.Int64"}


def _properties() -> str:
    lines = [
        f'        <Property Name="{name}" Type="{_TYPES.get(name, f"Edm.{field.kind}")}"/>'
        for name, field in FIELDS.items()
        if "/" not in name
    ]
    return "\n".join(lines)


def _attribute_types() -> str:
    return "\n".join(
        f'      <EntityType Name="{kind}Attribute" BaseType="OData.CSC.Attribute">'
        f'<Property Name="Value" Type="{"Edm.Int64" if kind is Kind.INTEGER else f"Edm.{kind}"}"/></EntityType>'
        for kind in Kind
    )


EDMX = f"""<?xml version="1.0" encoding="UTF-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
  <edmx:DataServices>
    <Schema Namespace="OData.CSC" xmlns="http://docs.oasis-open.org/odata/ns/edm">
      <EntityType Name="Product" HasStream="true">
        <Key><PropertyRef Name="Id"/></Key>
{_properties()}
        <Property Name="ContentDate" Type="OData.CSC.TimeRange"/>
        <Property Name="Checksum" Type="Collection(OData.CSC.Checksum)"/>
        <NavigationProperty Name="Attributes" Type="Collection(OData.CSC.Attribute)"/>
      </EntityType>
      <ComplexType Name="TimeRange">
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
{_attribute_types()}
      <EntityContainer Name="Container">
        <EntitySet Name="Products" EntityType="OData.CSC.Product"/>
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
"""
"""Names the product entity, its properties and its attributes' types (OData CSDL XML)."""
