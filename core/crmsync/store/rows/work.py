"""A page being applied: the statements to come, collected by kind."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field

from crmsync.entities import IDENTITY
from crmsync.model import Value
from crmsync.store.batch import Applied, Batch
from crmsync.store.edited import Change, Edits, Settling

JOURNAL = """INSERT INTO crmsync_journal (run, at, entity, row_id, field, old, new, side, rule)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""


@dataclass(slots=True)
class Work:
    """One page being applied: the statements to come, collected by kind."""

    con: sqlite3.Connection
    batch: Batch
    columns: tuple[str, ...] = field(init=False)
    skip: int = field(init=False)
    edits: Edits = field(init=False, default_factory=dict)
    applied: Applied = field(default_factory=Applied)
    inserts: list[tuple[Value, ...]] = field(default_factory=list)
    links: list[tuple[Value, ...]] = field(default_factory=list)
    versions: list[tuple[Value, ...]] = field(default_factory=list)
    updates: dict[tuple[str, ...], list[tuple[Value, ...]]] = field(default_factory=lambda: defaultdict(list))
    journal: list[tuple[Value, ...]] = field(default_factory=list)
    settling: Settling = field(init=False)
    returning: bool = False  # whether records are among the new ones whose ids are linked already

    def __post_init__(self) -> None:
        self.settling = Settling(self.batch)
        self.skip = sum(name in IDENTITY for name in self.batch.page.columns)
        self.columns = self.batch.page.columns[self.skip :]

    @property
    def entity(self) -> str:
        """The table's name."""
        return self.batch.route.entity


def note(work: Work, row_id: int | None, change: Change) -> None:
    """Journal a change that the CRM made."""
    work.journal.append(entry(work, row_id, change, side="crm"))


def entry(work: Work, row_id: int | None, change: Change, *, side: str) -> tuple[Value, ...]:
    """What the journal keeps of a change."""
    name, old, new, rule = change
    return (work.batch.run, work.batch.at, work.entity, row_id, name, old, new, side, rule)
