"""A CRM in memory that keeps no keys: what a lost create made is found by its values, which may have changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmsync.model import Alike, Gone, Page, Query, Value
from crmsync.writes import Change, Operation, Outcome, Result
from support.engine import Engine
from support.memory import Crm

Values = dict[str, Value]


@dataclass
class Keyless(Crm):
    """Finds what a lost create made by its values: the address tells, a name is a hint."""

    change: Callable[[Values], Values] = dict
    lose: bool = False
    early: bool = False
    buried: dict[str, Values] = field(default_factory=dict)  # deleted leads, which are found all the same

    def delete(self, obj: str, crm_id: str) -> None:
        self.buried[crm_id] = self.objects[obj][crm_id]
        super().delete(obj, crm_id)

    def _create(self, change: Change) -> Outcome:
        changed = self.change(dict(change.values))
        made = super()._create(Change(operation=change.operation, object=change.object, row=1, values=changed))
        return Outcome(result=Result.UNKNOWN, code="lost", message="no answer") if self.lose else made

    def _apply(self, change: Change) -> Outcome:
        self.written.append(change)
        said = self.answer(change)
        return said or (self._create(change) if change.operation is Operation.CREATE else super()._apply(change))

    def _made(self, query: Query) -> Page:
        assert query.sent is not None
        since, wanted = query.sent.at[:19], query.sent.values
        rows, gone, alike = [], [], []
        for one in (*self.objects["Lead"].values(), *self.buried.values()):
            dead = one["Id"] in self.buried
            differ = [key for key, value in wanted.items() if one.get(key) != value]
            strong = "Email" in wanted and "Email" not in differ
            if str(one["Stamp"])[:19] < since or (differ and not strong and "LastName" in differ):
                continue
            if differ:
                alike.append(Alike(str(one["Id"]), f"other {', '.join(differ)}", strong, gone=dead))
            elif dead:
                gone.append(Gone(str(one["Id"])))
            else:
                rows.append(self._row(one, query))
        return Page(
            columns=tuple(f.name for f in query.fields), rows=rows, gone=gone, alike=alike, calls=1, gap=self.early
        )


def keyless(path: Path, **settings: Any) -> Engine:
    """A connection that has synced, and whose next answers to creates are lost."""
    engine = Engine(path, Keyless(), **settings)
    engine.crm.put("Lead", "00Q1", LastName="Lead", Email="l@x.org")
    engine.sync()
    engine.crm.tick(120)
    crm(engine).lose = True
    return engine


def crm(engine: Engine) -> Keyless:
    """The CRM of such a connection."""
    assert isinstance(engine.crm, Keyless)
    return engine.crm


def made(engine: Engine) -> list[str]:
    """The leads that were made since."""
    return [one for one in engine.crm.objects["Lead"] if one != "00Q1"]


def answered(engine: Engine) -> None:
    """From now on answers arrive."""
    crm(engine).lose = False
