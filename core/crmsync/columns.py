"""What may be a column: names that every SQL tool takes without quotes, and types that hold each other's values."""

from __future__ import annotations

import re

from crmsync.entities import ENGINE_COLUMNS, IDENTITY
from crmsync.model import Type

LONGEST = 63
_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")

RESERVED = frozenset(
    """
    add all alter analyse analyze and any array as asc asymmetric authorization autoincrement between binary both case
    cast check collate collation column commit concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable delete desc distinct do
    drop else end escape except exists false fetch for foreign freeze from full grant group having ilike in index
    initially inner insert intersect into is isnull join lateral leading left like limit localtime localtimestamp
    natural not nothing notnull null offset on only or order outer overlaps placing primary raise references returning
    right select session_user set similar some symmetric system_user table tablesample then to trailing transaction
    true union unique update user using values variadic verbose when where window with
    rowid oid _rowid_ ctid xmin xmax cmin cmax tableoid
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Words that SQLite or PostgreSQL would not take, or would take for something else, as a bare column name."""

TEXTS = frozenset({Type.TEXT, Type.MULTI, Type.REFERENCE})
NUMBERS = frozenset({Type.INTEGER, Type.DECIMAL})


def column_of(name: str) -> str:
    """The column that a field of this name gets by itself."""
    plain = re.sub(r"[^a-z0-9_]", "_", name.lower())[:LONGEST]
    return plain if _NAME.match(plain) else f"f_{plain}"[:LONGEST]


def suffixed(column: str, suffix: str) -> str:
    """A column of its own beside another of that name."""
    ending = "_" + re.sub(r"[^a-z0-9_]", "_", suffix.lower())
    return column[: LONGEST - len(ending)] + ending


def why_not(column: str) -> str:
    """Why this cannot be a data column's name; empty if it can."""
    if not _NAME.match(column) or len(column) > LONGEST:
        return f"lower-case letters, digits and _ are allowed, at most {LONGEST}, and no digit in front"
    if column in RESERVED:
        return "it is a reserved word of SQL"
    if column in ENGINE_COLUMNS or column in IDENTITY or column.startswith("crmsync_"):
        return "it is a column of crmsync's own"
    return ""


def holds(column: Type, other: Type) -> bool:
    """Whether a column of one type can hold values of another."""
    return column is other or {column, other} <= TEXTS or {column, other} <= NUMBERS
