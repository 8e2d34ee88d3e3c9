"""What the next cycle would do on both sides, value by value, without doing it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from crmsync.connection import Connection, Summary
from crmsync.hookspecs import Session
from crmsync.opened import DISABLED
from crmsync.planning import file as planfile
from crmsync.planning.file import Header
from crmsync.planning.rehearsal import Rehearsed, copied, copy
from crmsync.progress import Tell
from crmsync.schema import fingerprint
from crmsync.store import Store
from crmsync.store.history.foretold import activities, asked, intended, sending, troubles
from crmsync.store.history.planned import CRM, Item, Mark, items
from crmsync.store.history.rehearsed import begin, keep, page
from crmsync.store.memory import database_id
from crmsync.store.sending.conflicts import conflicts
from crmsync.writes import Change, Operation

SIDES = ("marketing", CRM)


class Plan(Struct):
    """What a cycle would do now. Open as long as its copy of the database is.

    `troubles` are steps that would fail and records that would be set aside, `conflicts` those that would need a
    decision, `activities` what persons would be told, by kind. `asked` are actions that wait: they are done beside the
    cycle, by whoever holds the lease, and not rehearsed.
    """

    header: Header
    summary: Summary
    troubles: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    activities: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    _store: Store | None = None

    async def items(self) -> AsyncIterator[Item]:
        """Every change: first of the marketing side, then of the CRM."""
        for side in SIDES:
            last = 0
            while self._store is not None:
                last, found = await self._store.read(page, side, last)
                for one in found:
                    yield one
                if not found:
                    break

    def about(self) -> dict[str, Any]:
        """What there is to say of it besides its items."""
        told = ("activities", "conflicts", "troubles", "asked")
        return {
            "status": self.summary.status, "notes": self.summary.notes, "calls": self.summary.counts.calls,
            **{name: getattr(self, name) for name in told},
        }  # fmt: skip


async def save(path: Path, plan: Plan) -> int:
    """Write a plan to a file, to be carried out later; how many changes it has. Raises SettingsError."""
    return await planfile.save(path, plan.header, plan.items())


@asynccontextmanager
async def rehearsed(
    connection: Connection, *, objects: Sequence[str] | None = None, progress: Tell | None = None
) -> AsyncIterator[Plan]:
    """Plan the next cycle, also of a connection that is switched off: a real one, on a copy that is gone at the end.

    Nothing is written, here or in the CRM, no lease is taken and no cursor moves; what is read costs what it costs in a
    cycle. Raises what such a cycle would raise.
    """
    store, session = await connection.opened.store(), await connection.opened.session()
    with copied(connection.settings.database) as path:
        await store.read(copy, path)
        settings = connection.settings.model_copy(update={"database": path, "enabled": True})
        plugins = Rehearsed(connection.opened.plugins)
        stage = Connection(connection.name, settings, plugins, connection.clock, connection.opened.stop)
        stage.opened.borrow(session)
        try:
            yield await _rehearse(stage, plugins, session, (objects, progress))
        finally:
            await stage.close()


async def _rehearse(stage: Connection, plugins: Rehearsed, session: Session, how: tuple[Any, Any]) -> Plan:
    store = await stage.opened.store()
    mark = await store.write(begin, DISABLED)

    async def record(changes: Sequence[Change]) -> None:
        await store.write(_record, changes, mark)

    plugins.record = record
    header = Header(
        connection=stage.name, org=session.identity.org, database=await store.read(database_id),
        settings=fingerprint(stage.settings), made_at=stage.opened.now(),
    )  # fmt: skip
    objects, progress = how
    summary = await stage.sync(objects=objects, progress=progress)
    await store.write(_derive, mark)
    return Plan(
        header, summary, await store.read(troubles, mark, summary.run),
        [one for one in await store.read(conflicts) if str(one["since"]) >= header.made_at],
        await store.read(activities, mark), await store.read(asked), store,
    )  # fmt: skip


def _derive(con: sqlite3.Connection, mark: Mark) -> None:
    keep(con, items(con, mark))


def _record(con: sqlite3.Connection, changes: Sequence[Change], mark: Mark) -> None:
    """Keep what is about to leave as items."""
    for one in changes:
        if one.operation is Operation.UPDATE:
            keep(con, sending(con, one.object, one.crm_id, one.row, mark.journal))
        else:
            keep(con, [_asked(con, one)])


def _asked(con: sqlite3.Connection, one: Change) -> Item:
    wish = {name: value for name, value in asdict(one.wish).items() if value not in ("", False, ())}
    return Item(
        side=CRM, operation=one.operation, object=one.object, crm_id=one.crm_id, entity=intended(con, one.key),
        row_id=one.row, field="*", new=json.loads(json.dumps({**one.values, **wish})), rule="asked",
    )  # fmt: skip
