"""People in campaigns, by static marketing lists: one of leads and one of contacts, made for the campaign on demand.

Whoever was not added by us is not removed by us (R-163 to R-166).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct, field

from crmsync.connectors.answers import Answer
from crmsync_dynamics import outcomes
from crmsync_dynamics.delivery import Batch
from crmsync_dynamics.errors import Faulty, Policy
from crmsync_dynamics.items import Item, Reply, Request
from crmsync_dynamics.query import Select, among, is_guid, text_literal
from crmsync_dynamics.routes import STATE
from crmsync_dynamics.tables import Table

_OURS = UUID("3f0f6f0a-3a63-4d1c-8f53-3a7e7ad1c9b4")
_NAMES = {"lead": "Mkto-leads-{}", "contact": "Mkto-contacts-{}"}
_CODES = {"contact": 2, "lead": 4}
_KIND = "Microsoft.Dynamics.CRM."
_LIST, _WHO, _MAKER = "_listid_value", "_entityid_value", "_createdby_value"
_NO_MEMBER = "0x80048458"

Pair = tuple[str, str]


class Lists(Struct):
    """The marketing lists of the campaigns of a batch, by campaign and table."""

    batch: Batch
    table: Table
    found: dict[Pair, str] = field(default_factory=dict)

    def of(self, item: Item) -> str:
        """The list of a change; "" where there is none."""
        return self.found.get(_place(item), "")

    async def look(self, items: Iterable[Item]) -> None:
        """Find the lists of changes by their names."""
        names = {_name(place): place for place in map(_place, items)}
        tests = [f"listname eq {text_literal(one)}" for one in names]
        for start in range(0, len(tests), 40):
            where = f"({' or '.join(tests[start : start + 40])}) and type eq false"
            select = Select(set=self.table.set, columns=(self.table.key, "listname", "createdfromcode"), where=(where,))
            for row in _rows(await self.batch.session.client.get(str(select))):
                place = names.get(str(row["listname"]))
                if place is not None and row["createdfromcode"] == _CODES[place[1]]:
                    self.found.setdefault(place, str(row[self.table.key]))

    async def make(self, items: Iterable[Item]) -> None:
        """Make the lists that are not there, and tie each to its campaign. Raises Faulty and ours."""
        for place in dict.fromkeys(map(_place, items)):
            if place not in self.found:
                self.found[place] = await self._made(place)
            if self.found[place] not in self.batch.session.tied:
                await self._tie(place)

    async def _made(self, place: Pair) -> str:
        """A new list, under an id that stands for the campaign, so that two at a time make one."""
        identity = str(uuid5(_OURS, f"{place[0]} {place[1]}"))
        body = {"listname": _name(place), "type": False, "createdfromcode": _CODES[place[1]]}
        await self._ask("PATCH", f"{self.table.set}({identity})", body, {"If-None-Match": "*"})
        return identity

    async def _tie(self, place: Pair) -> None:
        body = {"EntityId": self.found[place], "EntityName": "list"}
        await self._ask("POST", f"campaigns({place[0]})/{_KIND}AddItemCampaign", body, {})
        self.batch.session.tied.add(self.found[place])

    async def _ask(self, method: str, path: str, body: object, headers: dict[str, str]) -> None:
        try:
            await self.batch.session.client.request(method, path, headers=headers, body=body, repeatable=True)
        except Faulty as error:
            if error.policy not in (Policy.THERE, Policy.STALE):  # it was made before
                raise


async def member(batch: Batch) -> None:
    """Add people to campaigns, or remove them. Raises as `Batch.deliver` does."""
    for one in batch.open:
        _check(one)
    lists = Lists(batch, (await batch.session.describes.last("list")).table)
    if batch.open:
        await _inactive(batch)
        await lists.look(batch.open)
    await _remove(batch, lists, [one for one in batch.open if one.change.wish.remove])
    await _add(batch, lists, batch.open)


def _check(item: Item) -> None:
    wish = item.change.wish
    if not (is_guid(wish.campaign) and is_guid(wish.person)):
        item.outcome = outcomes.gone(item.change, "value", "The campaign or the person has no id of a record.")
    elif wish.person_object not in _NAMES:
        item.outcome = outcomes.refused("value", f"Nobody of {wish.person_object} can be in a marketing list.")
    elif wish.status and not wish.remove:
        said = f"The members of a marketing list have no status, so {wish.status!r} cannot be one."
        item.outcome = outcomes.refused("status", said, hint="Leave the status out.", fields=("status",))


async def _inactive(batch: Batch) -> None:
    """Refuse what is meant for campaigns that are inactive (R-170)."""
    table = (await batch.session.describes.last("campaign")).table
    ids = {item.change.wish.campaign for item in batch.open}
    closed = await batch.behind.rows(table, table.key, ids, (), (f"{STATE} eq 1",))
    found = {str(row[table.key]).lower() for row in closed}
    for one in batch.open:
        if one.change.wish.campaign.lower() in found:
            said = f"The campaign {one.change.wish.campaign} is inactive."
            one.outcome = outcomes.refused("inactive", said, hint="Activate it in the CRM, or choose another.")


async def _add(batch: Batch, lists: Lists, items: Sequence[Item]) -> None:
    """Add people; who is on the list already stays as he is."""
    if not items:
        return
    try:
        await lists.make(items)
    except Faulty as error:
        _no_list(items, error)
        return
    there = await _members(batch, lists, items)
    for one in items:
        if (row := there.get(_seat(lists, one))) is not None:
            one.outcome = outcomes.done(str(row[batch.known.table.key]), code="already")
        one.requests = [_request(lists, one, "AddMemberList")]
    await batch.deliver([one for one in items if one.outcome is None], _read)


def _no_list(items: Sequence[Item], error: Faulty) -> None:
    """The campaign is gone, or no list may be made."""
    if error.policy not in (Policy.ABSENT, Policy.RECORD):
        raise error
    for one in items:
        one.fault = error.fault
        one.outcome = outcomes.refused(error.fault.code, error.fault.message, hint="Is the campaign still there?")


async def _remove(batch: Batch, lists: Lists, items: Sequence[Item]) -> None:
    there = await _members(batch, lists, items)
    for one in items:
        row = there.get(_seat(lists, one))
        if row is None:
            one.outcome = outcomes.done(one.change.crm_id, code="absent")
        elif row.get(_MAKER) != batch.session.identity.user:
            said = "Somebody else added this member, so it stays (R-166)."
            one.outcome = outcomes.done(one.change.crm_id, code="absent", message=said)
        else:
            one.requests = [_request(lists, one, "RemoveMemberList")]
    left = [one for one in items if one.outcome is None]
    await batch.deliver(left)
    for one in left:
        if one.fault is not None and one.fault.code == _NO_MEMBER:
            one.outcome, one.fault = outcomes.done(one.change.crm_id, code="absent"), None


def _request(lists: Lists, item: Item, action: str) -> Request:
    body = msgspec.json.encode({"EntityId": item.change.wish.person.lower()})
    return Request(method="POST", path=f"{lists.table.set}({lists.of(item)})/{_KIND}{action}", body=body)


def _read(item: Item, reply: Reply) -> None:
    item.outcome = outcomes.done(str(msgspec.json.decode(reply.body).get("Id") or "") or None)


async def _members(batch: Batch, lists: Lists, items: Sequence[Item]) -> dict[Pair, dict[str, Any]]:
    """The memberships that these changes are about, by list and person."""
    table, found = batch.known.table, dict[Pair, dict[str, Any]]()
    for one in dict.fromkeys(filter(None, map(lists.of, items))):
        people = [item.change.wish.person.lower() for item in items if lists.of(item) == one]
        columns = (_LIST, _WHO, _MAKER)
        for row in await batch.behind.rows(table, _WHO, people, columns, (among(_LIST, [one]),)):
            found[one, str(row[_WHO])] = row
    return found


def _seat(lists: Lists, item: Item) -> Pair:
    return lists.of(item), item.change.wish.person.lower()


def _place(item: Item) -> Pair:
    return item.change.wish.campaign.lower(), item.change.wish.person_object


def _name(place: Pair) -> str:
    return _NAMES[place[1]].format(place[0])


def _rows(answer: Answer) -> list[dict[str, Any]]:
    return list(msgspec.json.decode(answer.body, type=dict[str, Any]).get("value", ()))
