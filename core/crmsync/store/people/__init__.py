"""Persons as a marketer finds, joins and removes them, and what was asked for them."""
