"""The vendor's HTTP: one module per resource, all of them plain functions from a call to a reply."""
