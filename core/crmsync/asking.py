"""Asking for actions: each becomes a row of `crm_action`, done by the process that holds the lease, or by this one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct
from pydantic import ValidationError

from crmsync.actions import KINDS
from crmsync.actions.reading import wrong_with
from crmsync.errors import LeaseHeld, SettingsError
from crmsync.opened import Opened
from crmsync.store import Store
from crmsync.store.people import actions
from crmsync.store.people.actions import RUNNING, WAITING

PATIENCE = 60.0
LOOK_EVERY = 0.1
LEASE_EVERY = 5.0  # seconds between two tries to serve, where another process does


class Told(Struct, frozen=True, kw_only=True):
    """How an action stands: done, refused, failed, or still waiting or running where it was waited for in vain.

    `outcome` tells what happened, `code` is for programs ("skipped": there was nothing to do), `crm_id` is the
    record's (a task's, a member's) in the CRM.
    """

    id: int
    kind: str
    person_id: int
    state: str
    outcome: str = ""
    code: str = ""
    crm_id: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it is done."""
        return self.state == actions.DONE


class Actions:
    """What a marketer may ask of the CRM for one connection. Persons are named by their row ids.

    Each function waits until the action is over, at most `patience` seconds; the row stays in `crm_action` and is
    done later where it is not. Raises SettingsError for arguments that cannot be.
    """

    def __init__(self, opened: Opened, patience: float = PATIENCE) -> None:
        self._opened = opened
        self.patience = patience

    async def ask(self, kind: str, persons: Sequence[int], **arguments: Any) -> list[Told]:
        """Ask for the same for many persons, who share the calls that it costs."""
        wish = KINDS[kind].wish
        given = {name: value for name, value in arguments.items() if value is not ...}
        try:
            text = wish.model_validate(given).model_dump(mode="json", exclude_unset=True)
        except ValidationError as error:
            raise SettingsError(f"{kind}: {wrong_with(error, wish)}.") from None
        store = await self._opened.store(create=False)
        numbers = await store.write(actions.ask, kind, persons, text)
        return await self._waited(store, numbers)

    async def sync_person(self, person: int, **wish: Any) -> Told:
        """Make a lead of a person whom the CRM lacks, or send what waits of one it has; see `wishes.SyncPerson`."""
        return (await self.ask("sync_person", [person], **wish))[0]

    async def change_owner(self, person: int, owner: str, **wish: Any) -> Told:
        """Give a record to a user or a queue; see `wishes.ChangeOwner`."""
        return (await self.ask("change_owner", [person], owner=owner, **wish))[0]

    async def convert_person(self, person: int, *, confirmed: bool, **wish: Any) -> Told:
        """Convert a lead into a new contact and what else the CRM makes of it; see `wishes.ConvertPerson`."""
        return (await self.ask("convert_person", [person], confirmed=confirmed, **wish))[0]

    async def create_task(self, person: int, subject: str, **wish: Any) -> Told:
        """Make a task in the CRM; see `wishes.CreateTask`."""
        return (await self.ask("create_task", [person], subject=subject, **wish))[0]

    async def delete_person(self, person: int, **wish: Any) -> Told:
        """Delete on both sides, or with `in_crm` or `here` false on one; see `wishes.DeletePerson`."""
        return (await self.ask("delete_person", [person], **wish))[0]

    async def add_to_campaign(self, person: int, campaign: str, **wish: Any) -> Told:
        """Make a member, with `status` or the campaign's default; one who is a member is left alone."""
        return (await self.ask("add_to_campaign", [person], campaign=campaign, **wish))[0]

    async def change_status(self, person: int, campaign: str, status: str, **wish: Any) -> Told:
        """Give a member a status; one who is no member is added with it."""
        return (await self.ask("change_status", [person], campaign=campaign, status=status, **wish))[0]

    async def remove_from_campaign(self, person: int, campaign: str, **wish: Any) -> Told:
        """End a membership; one who is no member is left alone."""
        return (await self.ask("remove_from_campaign", [person], campaign=campaign, **wish))[0]

    async def merge_persons(self, keep: int, others: Sequence[int], **wish: Any) -> Told:
        """Merge others into a person, in the CRM too; see `wishes.MergePersons`."""
        return (await self.ask("merge_persons", [keep], others=list(others), **wish))[0]

    async def _waited(self, store: Store, numbers: Sequence[int]) -> list[Told]:
        """Serve, or let the process that holds the lease serve, until all of it is over."""
        until, again = time.monotonic() + self.patience, 0.0
        rows: list[dict[str, Any]] = []
        while time.monotonic() < until:
            if time.monotonic() >= again:
                again = time.monotonic() + LEASE_EVERY
                with suppress(LeaseHeld):
                    await self._opened.lease()
            self._opened.poke()
            rows = await store.read(actions.found, numbers)
            if not any(row["state"] in (WAITING, RUNNING) for row in rows):
                break
            await asyncio.sleep(LOOK_EVERY)
        return [_told(row, self.patience) for row in rows]


def _told(row: Mapping[str, Any], patience: float) -> Told:
    said = row["outcome"] or ""
    if row["state"] in (WAITING, RUNNING):
        said = f"Not over after {patience:g} seconds; action {row['id']} stays and is done later. {said}".strip()
    return Told(
        id=row["id"], kind=row["kind"], person_id=row["person_id"], state=row["state"], outcome=said,
        code=row["code"] or "", crm_id=row["crm_id"],
    )  # fmt: skip
