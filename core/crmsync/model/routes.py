"""How an object is joined to an entity: which values move which way, and whose stays."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from crmsync.model.reading import Kind
from crmsync.model.visible import Condition, Field, Scope


class Direction(StrEnum):
    """Which way values may move: pull is CRM to marketing, push is marketing to CRM."""

    PULL = "pull"
    PUSH = "push"


PULL_ONLY = frozenset({Direction.PULL})
BOTH_WAYS = frozenset({Direction.PULL, Direction.PUSH})


class Winner(StrEnum):
    """Whose value stays when both sides changed one field apart."""

    CRM = "crm"
    MARKETING = "marketing"
    NEWEST = "newest"  # the side that changed last, by its own clock
    MANUAL = "manual"  # neither moves until a person decides


class FieldMap(Struct, frozen=True, kw_only=True):
    """One field joined to one column, and the ways its values may move."""

    field: Field
    column: str
    directions: frozenset[Direction] = PULL_ONLY
    winner: Winner | None = None  # where the settings say so; else the route's
    blocked: frozenset[Direction] = frozenset()  # ways on which only the first value is taken


class Route(Struct, frozen=True, kw_only=True):
    """One object joined to one entity, with its rules. A connector brings routes; the policy narrows them.

    `fields` is the default mapping, CRM field to column, with the engine's own columns among them:
    `crm_id` (required), `modified_at` (the moment of the version; required), `version` (where the CRM has a
    finer one). `maps` is what is left of it after selection and permissions; a connector leaves it empty.
    """

    object: str
    entity: str
    role: str = ""  # of a person: "lead" or "contact"
    label: str = ""
    order: int = 0
    directions: frozenset[Direction] = PULL_ONLY
    winner: Winner = Winner.CRM
    fields: Mapping[str, str] = field(default_factory=dict)
    two_way: frozenset[str] = frozenset()  # columns of `fields` that may be pushed; custom fields may where updateable
    all_fields: bool = False  # every visible field, not only the default mapping and custom fields
    custom_fields: bool = True  # without being named; False: people choose, and what they choose may be pushed too
    required: tuple[str, ...] = ()  # fields without which the object stops; `crm_id` and `modified_at` always are
    wanted: tuple[str, ...] = ()  # documented as needed; missing ones warn
    parents: Mapping[str, str] = field(default_factory=dict)  # column to the object it refers to
    kinds: frozenset[Kind] = frozenset({Kind.LOAD, Kind.CHANGES, Kind.IDS, Kind.COUNT})
    keeps_deleted: bool = False  # a deletion flags the row instead of removing it
    custom: bool = False  # a custom object: a table of its own
    optional: bool = False  # synced only when settings enable it
    refused: str = ""  # why it cannot be synced although the settings enable it
    strict: bool = False  # a selected field that is gone stops the object until the selection leaves it out
    filters: tuple[Condition, ...] = ()  # hold where their field is visible and not excluded
    scope: Scope = field(default_factory=Scope)
    maps: tuple[FieldMap, ...] = ()
