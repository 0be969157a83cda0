"""What OData services of the Copernicus ground segment share: reading collections, products, searching them."""
