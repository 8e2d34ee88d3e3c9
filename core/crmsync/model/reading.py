"""What is asked of a connector that reads, and the pages it answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field

from crmsync.model.canonical import Row, Value
from crmsync.model.visible import Condition, Field


class Kind(StrEnum):
    """What a read is for."""

    LOAD = "load"
    CHANGES = "changes"
    DELETES = "deletes"
    IDS = "ids"
    COUNT = "count"
    SENT = "sent"  # what a create made whose answer was lost


class Cursor(Struct, frozen=True, kw_only=True):
    """Where a read goes on. Only the connector looks inside `mark` and `resume`.

    `mark` is replaced by a read's last page only, `resume` by every page (None once the read is complete);
    `made_with` is the engine's hash of columns and filter, for connectors whose marks depend on them.
    """

    mark: str | None = None
    resume: str | None = None
    made_with: str = ""


class Sent(Struct, frozen=True, kw_only=True):
    """A create that was sent and not answered: the values, the key it carried, and when it left (canonical).

    `owner` and `person` (of a task: whom it is about) are those of its wish, where it had them.
    """

    key: str
    at: str
    owner: str = ""
    person: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)


class Query(Struct, frozen=True, kw_only=True):
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


class Gone(Struct, frozen=True):
    """An id that is not in the CRM any more."""

    id: str
    at: str | None = None  # canonical datetime, where the CRM tells
    reason: str = "deleted"


class Merged(Struct, frozen=True):
    """An id that lives on under another: merged into it, or (reason "converted") become it."""

    id: str
    into: str
    into_object: str
    at: str | None = None
    reason: str = "merged"


class Skipped(Struct, frozen=True):
    """A row that was refused, and why. It keeps its id so that it can be read again."""

    id: str
    reason: str
    row: Mapping[str, Value] = field(default_factory=dict)


class Alike(Struct, frozen=True):
    """A record that resembles what a lost create would have made without being the same: `differs` says in what.

    `strong` where it agrees in what tells records apart: it is taken for the one that was made if no other may be.
    `gone` where it was deleted since.
    """

    id: str
    differs: str
    strong: bool = False
    gone: bool = False


class Page(Struct, frozen=True, kw_only=True):
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
