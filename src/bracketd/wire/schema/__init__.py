"""The schema: every request and reply of the wire, stated once as Structs and published as OpenAPI 3.1."""
