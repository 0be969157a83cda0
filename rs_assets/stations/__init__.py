"""What a station has: one module per interface, the credentials it asks for, and one registry."""
