"""Queries as OData writes them: parsed, run over rows, and rendered with their annotations."""
