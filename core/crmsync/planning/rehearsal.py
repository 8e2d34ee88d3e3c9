"""A cycle on a private copy of the database, with the CRM's real answers and without a write to it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from crmsync.model import Event
from crmsync.plugins import Plugins
from crmsync.store.lease import holder_name, is_dead
from crmsync.writes import Change, Operation, Outcome, Outcomes, Result

MADE_UP = "planned-"
"""How ids begin of records that only a rehearsal made."""

Record = Callable[[Sequence[Change]], Awaitable[None]]


class Rehearsed(Plugins):
    """The same plugins, with the CRM's side replaced where it is written: every change is recorded, and done.

    Nobody hears of it.
    """

    def __init__(self, real: Plugins) -> None:
        vars(self).update(vars(real))
        self.record: Record | None = None
        self._numbers = count(1)

    async def apply(self, session: Any, changes: Sequence[Change]) -> Outcomes:  # noqa: ARG002 - not even looked at
        """Done, all of it, says the record."""
        if self.record is not None:
            await self.record(changes)
        return [Outcome(result=Result.DONE, crm_id=self._id_of(one)) for one in changes]

    def _id_of(self, one: Change) -> str | None:
        new = one.operation in (Operation.CREATE, Operation.TASK, Operation.CONVERT) or one.crm_id is None
        return f"{MADE_UP}{next(self._numbers)}" if new else one.crm_id

    def log(self, events: Sequence[Event]) -> None:
        """Nothing happened."""


@contextmanager
def copied(database: Path) -> Iterator[Path]:
    """A path beside a database for a copy that only its owner may read, and that is gone at the end.

    Copies that a process left when it was killed are taken away before.
    """
    host, pid, _ = holder_name().split(":")
    for old in database.parent.glob(f"{database.name}.plan-*"):
        if is_dead(f"{host}:{old.name.removeprefix(f'{database.name}.plan-').partition('-')[0]}:"):
            old.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{database.name}.plan-{pid}-", dir=database.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            Path(name + ending).unlink(missing_ok=True)


def copy(con: sqlite3.Connection, path: Path) -> None:
    """Everything that is committed, in one piece, whoever writes meanwhile."""
    with closing(sqlite3.connect(path)) as target:
        con.backup(target)
