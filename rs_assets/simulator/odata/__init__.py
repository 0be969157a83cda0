"""OData over HTTP, whatever the entities are."""
