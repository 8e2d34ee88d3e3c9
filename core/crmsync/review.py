"""What was synced, looked at and corrected by a person: conflicts, retries, where a value comes from, undo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from crmsync import undo
from crmsync.errors import SettingsError
from crmsync.model import Value
from crmsync.opened import Opened
from crmsync.progress import Tell
from crmsync.runs import Runs
from crmsync.store.history import explain
from crmsync.store.sending import conflicts, retries
from crmsync.store.sending.retries import Wanted
from crmsync.undo import Undone

PERSON = "person"


class Review:
    """Of one connection. A record is named by its row id, any id it has or had in the CRM, or its e-mail address.

    Raises SettingsError where nothing, or several records, are meant. Only `undo` needs the lease and the CRM.
    """

    def __init__(self, opened: Opened, runs: Runs) -> None:
        self._opened = opened
        self._runs = runs

    async def conflicts(self) -> list[dict[str, Any]]:
        """Fields that both sides changed apart and that wait for a decision, oldest first, with both ids and values."""
        return await (await self._opened.store(create=False)).read(conflicts.conflicts)

    async def settle(
        self,
        who: str,
        field: str,
        *,
        take: Literal["crm", "marketing", ""] = "",
        value: Value = None,
        entity: str = PERSON,
    ) -> dict[str, Any]:
        """Decide a conflict for a side, or for `value`; what is not the CRM's goes there with the next cycle."""
        if take not in ("", conflicts.CRM, conflicts.MARKETING):
            raise SettingsError(f"A conflict is settled for 'crm' or 'marketing', not for {take!r}.")
        store = await self._opened.store(create=False)
        choice = conflicts.Choice(take, value)
        return await store.write(conflicts.settle, (entity, who, field), choice, self._opened.clock)

    async def retry(self, wanted: Wanted) -> list[dict[str, Any]]:
        """Let what was refused, put off or set aside be tried by the next cycle; what was freed."""
        return await (await self._opened.store(create=False)).write(retries.free, wanted)

    async def explain(self, who: str, field: str | None = None, *, entity: str = PERSON) -> dict[str, Any]:
        """Where the values of a record come from; of one column with its whole history."""
        return await (await self._opened.store(create=False)).read(explain.explain, entity, who, field)

    async def undo(
        self,
        run: int,
        *,
        fields: Sequence[str] = (),
        creates: bool = False,
        dry_run: bool = False,
        progress: Tell | None = None,
    ) -> Undone:
        """Take back what a run changed, in these columns where some are named, where it has not moved since.

        With `creates` also the records that it brought and nobody has touched. It is a run of kind "undo", and may be
        undone. With `dry_run` nothing is written, and what this side knows is told.
        """
        if dry_run:
            return await undo.preview(self._opened, run, fields=fields, creates=creates)
        return await undo.undo(self._runs, run, fields=fields, creates=creates, progress=progress)
