"""Questions about records behind those that are read: contacts of leads and opportunities, and who is still there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from crmsync.connectors.answers import Answer
from crmsync.errors import RetryLater, RouteStopped
from crmsync_dynamics.decode import REFERS
from crmsync_dynamics.query import Select, among, chunks, is_guid
from crmsync_dynamics.routes import FILTER
from crmsync_dynamics.session import DynamicsSession
from crmsync_dynamics.tables import Table

_PREFER = f'odata.include-annotations="{REFERS[1:]}"'
ORIGIN, PARENT = "originatingleadid", "parentcustomerid"


class Counting(Protocol):
    """Whoever counts what a read costs."""

    def add(self, answer: Answer) -> Answer:
        """Count an answer, and hand it on."""


class Behind(Struct):
    """Small reads on the way of a larger one. All raise Faulty and ours."""

    session: DynamicsSession
    meter: Counting

    async def contacts_of(self, told: Mapping[str, str | None]) -> dict[str, str]:
        """The contact that each qualified lead became, of those that are synced; `told` has what the leads say."""
        try:
            contact = (await self.session.describes.last("contact")).table
        except RouteStopped:
            return {}
        found = {lead: one for lead, one in told.items() if one is not None}
        if FILTER in contact.columns and found:
            synced = await self.synced(contact, found.values())
            found = {lead: one for lead, one in found.items() if one in synced}
        silent = [lead for lead, one in told.items() if one is None]
        if silent and ORIGIN in contact.columns:
            found |= await self._made_of(contact, silent)
        return found

    async def _made_of(self, contact: Table, leads: Iterable[str]) -> dict[str, str]:
        """Contacts by the lead that they were made of."""
        wire = contact.columns[ORIGIN].wire
        more = (FILTER,) if FILTER in contact.columns else ()
        rows = await self.rows(contact, wire, leads, (wire, *more))
        return {row[wire]: row[contact.key] for row in reversed(rows) if row.get(FILTER) is not False}

    async def accounts_of(self, contacts: Iterable[str]) -> dict[str, str]:
        """The account of each contact that has one."""
        contact = (await self.session.describes.last("contact")).table
        wire = contact.columns[PARENT].wire
        rows = await self.rows(contact, contact.key, contacts, (wire,))
        return {row[contact.key]: row[wire] for row in rows if row.get(wire) and row.get(wire + REFERS) == "account"}

    async def synced(self, table: Table, ids: Iterable[str]) -> set[str]:
        """Those of some ids whose filter does not keep them out; all of them where the table has no filter."""
        if FILTER not in table.columns:
            return set(ids)
        rows = await self.rows(table, table.key, ids, (FILTER,))
        return {str(row[table.key]) for row in rows if row.get(FILTER) is not False}

    async def there(self, table: Table, ids: Iterable[str]) -> set[str]:
        """Those of some ids that are still there."""
        return {str(row[table.key]) for row in await self.rows(table, table.key, ids, ())}

    async def rows(
        self, table: Table, wire: str, ids: Iterable[str], columns: Iterable[str], where: tuple[str, ...] = ()
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Columns of the rows of a table that have one of these ids in a column, and meet further conditions."""
        found: list[dict[str, Any]] = []
        select = tuple(dict.fromkeys([table.key, *columns]))
        for some in chunks((one for one in sorted(set(ids)) if is_guid(one)), wire, 400):
            link: str | None = str(Select(set=table.set, columns=select, where=(*where, among(wire, some))))
            while link is not None:
                answer = self.meter.add(await self.session.client.get(link, prefer=_PREFER))
                try:
                    body = msgspec.json.decode(answer.body, type=dict[str, Any])
                except msgspec.MsgspecError as error:
                    raise RetryLater(f"{table.name}: an answer cannot be read: {error}.", code="not_json") from error
                found += body.get("value", ())
                link = body.get("@odata.nextLink")
        return found
