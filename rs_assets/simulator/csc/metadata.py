"""The service's metadata document."""

from rs_assets.simulator.csc.entity import PRODUCTS
from rs_assets.simulator.odata.edmx import document, edm_type, entity_type, navigation
from rs_assets.simulator.odata.schema import Kind

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
    f'<Property Name="Value" Type="{edm_type(kind)}"/></EntityType>\n'
    for kind in Kind
)

METADATA = document(
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
