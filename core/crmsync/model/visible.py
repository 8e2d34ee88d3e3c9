"""What may be seen and done of an object with the credentials at hand: its fields, rows and operations."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from crmsync.model.canonical import Type, Value


class Field(Struct, frozen=True, kw_only=True):
    """One field of an object, as these credentials see it."""

    name: str
    type: Type = Type.TEXT
    label: str = ""
    native: str = ""  # the CRM's own name of the type, which a connector's decoder may need
    length: int = 0  # characters; 0 is unlimited or not a text
    digits: int = 0  # all significant digits of a number; 0 is unknown
    scale: int = 0
    custom: bool = False
    createable: bool = False
    updateable: bool = False
    calculated: bool = False
    denied: bool = False  # the CRM would take values, but not from these credentials
    hidden: bool = False  # it is there, but these credentials may not read it: never selected, and not lost either
    nullable: bool = True
    defaulted: bool = False  # the CRM fills it where a new record does not
    restricted: bool = False  # only `values` are accepted
    values: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


Fields = Mapping[str, Field]
"""Answer of the `fields` hook: the visible fields of an object by name. Observers answer with fewer."""


class Condition(Struct, frozen=True, kw_only=True):
    """One test on a field; `op` is one of = != < <= > >= in. Values are canonical."""

    field: str
    op: str
    value: Value | tuple[Value, ...]


class Scope(Struct, frozen=True, kw_only=True):
    """Answer of the `scope` hook: which rows and which operations of an object these credentials reach.

    `grants` says in a person's words what to grant where something is missing. `whole` where every record of the object
    is certain to be visible, so that one that is not found is gone.
    """

    read: bool = True
    create: bool = True
    update: bool = True
    delete: bool = True
    where: tuple[Condition, ...] = ()
    grants: tuple[str, ...] = ()
    whole: bool = False
