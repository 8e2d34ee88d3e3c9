"""The query language: parsed by a grammar, compiled to Python functions over rows, run over ordered indexes."""
