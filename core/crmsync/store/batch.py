"""What the engine hands to the store for one transaction, and what it hears back."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct, field

from crmsync.model import Counts, Cursor, Kind, Page, Route

FAN_OUT_LIMIT = 5_000
"""Live contacts of an account up to which a change of it is logged on each (R-103, R-104)."""

WRITES_LIMIT = 50_000
"""Rows one transaction may write; a page that would write more is applied in parts."""


ZERO = Counts()


class Batch(Struct, frozen=True, kw_only=True):
    """One mapped page with everything its transaction needs.

    The page's columns start with `crm_id` and `modified_at` (and `version`, where the CRM has one).
    """

    route: Route
    page: Page
    kind: Kind
    run: int
    at: str
    refresh: bool = False  # these columns were asked for by a person: local edits of them end
    partial: bool = False  # some columns, read before a write: nothing is inserted, and no version is renewed
    match: tuple[str, ...] = ()

    @property
    def silent(self) -> bool:
        """Whether new rows leave no activities: those of a first load do not."""
        return self.kind is Kind.LOAD

    @property
    def one_way(self) -> bool:
        """Whether nothing of this object is ever pushed, so that any move of a record ends its local edits."""
        return len(self.route.directions) < 2  # noqa: PLR2004 - the two directions


class Step(Struct, frozen=True, kw_only=True):
    """One (object, operation) of a run, with its counts so far. `id` is None until it was stored."""

    run: int
    object: str
    operation: str
    started_at: str
    id: int | None = None
    ended_at: str | None = None
    status: str = "in process"
    counts: Counts = ZERO
    message: str = ""


class Move(Struct, frozen=True, kw_only=True):
    """A cursor to be moved with a transaction."""

    object: str
    kind: Kind
    cursor: Cursor
    partition: str = ""


class Applied(Struct):
    """What a page's transactions did."""

    counts: Counts = field(default_factory=Counts)
    unclear: list[str] = field(default_factory=list)  # ids whose version equals their deletion: to be read by id
    notes: list[str] = field(default_factory=list)

    def add(self, **counts: int) -> None:
        """Count records."""
        self.counts += Counts(**counts)


class Known(NamedTuple):
    """What the store holds of one id of a page."""

    role: str
    row_id: int | None
    modified_at: str
    version: str | None
    present: bool
    values: tuple[object, ...]
