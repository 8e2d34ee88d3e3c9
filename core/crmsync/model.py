"""The values that cross the boundary between engine, plugins and store. Frozen, and free of any CRM's dialect.

Canonical values, the same whether they come from the CRM, the database or a person:

    text       str, never empty (an empty text is None), no NUL characters
    integer    int
    decimal    int, or float where 15 significant digits are enough to hold it, else its plain decimal text
    boolean    bool (0 and 1 in the database)
    date       "2026-01-31"
    datetime   "2026-01-31T08:15:00.000Z", always UTC
    time       "08:15:00.000"
    multi      chosen values sorted and joined with ";"
    reference  the CRM's id, normalised once by the connector
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Value = str | int | float | bool | None
Row = tuple[Value, ...]


class Type(StrEnum):
    """How a field's values look in canonical form."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    MULTI = "multi"
    REFERENCE = "reference"


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


class Kind(StrEnum):
    """What a read is for."""

    LOAD = "load"
    CHANGES = "changes"
    DELETES = "deletes"
    IDS = "ids"
    COUNT = "count"
    SENT = "sent"  # what a create made whose answer was lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One test on a field; `op` is one of = != < <= > >= in. Values are canonical."""

    field: str
    op: str
    value: Value | tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Answer of the `scope` hook: which rows and which operations of an object these credentials reach.

    `grants` says in a person's words what to grant where something is missing.
    """

    read: bool = True
    create: bool = True
    update: bool = True
    delete: bool = True
    where: tuple[Condition, ...] = ()
    grants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMap:
    """One field joined to one column, and the ways its values may move."""

    field: Field
    column: str
    directions: frozenset[Direction] = PULL_ONLY
    winner: Winner | None = None  # where the settings say so; else the route's
    blocked: frozenset[Direction] = frozenset()  # ways on which only the first value is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
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
    custom_fields: bool = True
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
    scope: Scope = Scope()
    maps: tuple[FieldMap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a read goes on. Only the connector looks inside `mark` and `resume`.

    `mark` is replaced by a read's last page only, `resume` by every page (None once the read is complete);
    `made_with` is the engine's hash of columns and filter, for connectors whose marks depend on them.
    """

    mark: str | None = None
    resume: str | None = None
    made_with: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A create that was sent and not answered: the values, the key it carried, and when it left (canonical).

    `owner` and `person` (of a task: whom it is about) are those of its wish, where it had them.
    """

    key: str
    at: str
    owner: str = ""
    person: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One read that the engine asks of a connector."""

    kind: Kind
    object: str
    fields: tuple[Field, ...] = ()  # in the order in which rows are to hold them
    cursor: Cursor = Cursor()
    partition: str = ""
    where: tuple[Condition, ...] = ()
    ids: tuple[str, ...] = ()  # of a read by id
    sent: Sent | None = None  # of a read of kind SENT
    expected: int | None = None  # rows to expect, where the engine knows


@dataclass(frozen=True, slots=True)
class Gone:
    """An id that is not in the CRM any more."""

    id: str
    at: str | None = None  # canonical datetime, where the CRM tells
    reason: str = "deleted"


@dataclass(frozen=True, slots=True)
class Merged:
    """An id that lives on under another: merged into it, or (reason "converted") become it."""

    id: str
    into: str
    into_object: str
    at: str | None = None
    reason: str = "merged"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that was refused, and why. It keeps its id so that it can be read again."""

    id: str
    reason: str
    row: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alike:
    """A record that resembles what a lost create would have made without being the same: `differs` says in what.

    `strong` where it agrees in what tells records apart: it is taken for the one that was made if no other may be.
    """

    id: str
    differs: str
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A batch of rows as read from a side: a header of columns and one tuple a row, in canonical values.

    `resume` is where to go on after this page; only a read's last page has a `mark`. `calls` and `bytes` are
    what the page cost since the page before it. `gap` says that deletions before this page may have been missed
    (the feed's memory is shorter than the pause, or there is no feed): the engine then compares all ids once.
    """

    columns: tuple[str, ...] = ()
    rows: Sequence[Row] = ()
    gone: Sequence[Gone] = ()
    merged: Sequence[Merged] = ()
    skipped: list[Skipped] = field(default_factory=list)
    alike: Sequence[Alike] = ()  # of a read of kind SENT
    resume: str | None = None
    mark: str | None = None
    total: int | None = None  # rows of the whole read, where the CRM tells
    calls: int = 0
    bytes: int = 0
    gap: bool = False
    notes: tuple[str, ...] = ()  # warnings for the step: what the server did not offer, and what was done instead

    def records(self) -> list[dict[str, Value]]:
        """The rows as dicts, for whoever prefers them; slower than tuples."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def skip(self, row: Row, reason: str) -> None:
        """Refuse one row; it goes to quarantine with `reason` under the id in its `crm_id` or first column."""
        at = self.columns.index("crm_id") if "crm_id" in self.columns else 0
        self.skipped.append(Skipped(str(row[at]), reason, dict(zip(self.columns, row, strict=True))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a step did, in records; calls and bytes are what it cost."""

    new: int = 0
    updated: int = 0
    deleted: int = 0
    failed: int = 0
    skipped: int = 0
    pages: int = 0
    calls: int = 0
    bytes: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            new=self.new + other.new,
            updated=self.updated + other.updated,
            deleted=self.deleted + other.deleted,
            failed=self.failed + other.failed,
            skipped=self.skipped + other.skipped,
            pages=self.pages + other.pages,
            calls=self.calls + other.calls,
            bytes=self.bytes + other.bytes,
        )

    @property
    def touched(self) -> int:
        """Records that changed something here."""
        return self.new + self.updated + self.deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, told to observers after commit, at most once. `name` is stable, for programs."""

    connection: str
    name: str  # "page", "step", "cycle", "warning", "error", "notice"
    at: str
    run: int = 0
    object: str = ""
    operation: str = ""
    counts: Counts = Counts()
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who and what a session talks to. `org` is the id that ties a database to one CRM."""

    org: str
    user: str = ""
    user_name: str = ""
    address: str = ""
    version: str = ""  # of the API in use
    login: str = ""  # how and as whom: where it is told, it changes only while the connection is disabled


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """API calls: `calls` by this session; `used` and `limit` of the whole org today, where the CRM tells."""

    calls: int = 0
    bytes: int = 0
    used: int | None = None
    limit: int | None = None


class Level(StrEnum):
    """How bad a finding is: ok, warn (goes on without), stop (cannot go on)."""

    OK = "ok"
    WARN = "warn"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of a check: what was looked at, what was found, and what to grant."""

    level: Level
    topic: str  # the object, or "login", "limits", …
    message: str
    grant: str = ""
