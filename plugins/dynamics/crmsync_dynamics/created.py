"""New records: under an id of our own making, so that none is made twice however often it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID, uuid4, uuid5

import msgspec

from crmsync.model import Value
from crmsync.writes import Change, Result
from crmsync_dynamics import outcomes
from crmsync_dynamics.bulk import create_many, suits
from crmsync_dynamics.changed import address, patch
from crmsync_dynamics.delivery import Batch
from crmsync_dynamics.errors import Policy
from crmsync_dynamics.items import Item, Request
from crmsync_dynamics.wire import REASON, STATE

MADE_HERE = frozenset({"lead", "contact", "task"})
"""Tables that records are made in: accounts, opportunities and users never are (R-079, R-102)."""

_OURS = UUID("5b2c66a7-6f0b-4d55-9d9b-6b7f0b1f2c0e")
_ABOUT, _OWNER = "regardingobjectid", "ownerid"
_DETECT = {"MSCRM.SuppressDuplicateDetection": "false"}
_DETECTED = frozenset({"lead", "contact"})
_THERE = frozenset({Policy.THERE, Policy.STALE})


def id_of(key: str) -> str:
    """The id of the record that is made under a key: the same however often, and another for every key."""
    return str(uuid5(_OURS, key)) if key else str(uuid4())


async def create(batch: Batch) -> None:
    """Make the records of a batch. Raises as `Batch.deliver` does."""
    for one in batch.items:
        one.id = id_of(one.change.key)
        if batch.object not in MADE_HERE:
            said = f"No record of {batch.object} is made in the CRM from here."
            one.outcome = outcomes.refused("direction", said, hint="Make it in the CRM; it is read from there.")
    await batch.prepare({one: values_of(batch, one.change) for one in batch.open})
    for headers, items in _groups(batch):
        for one in items:
            one.requests = _requests(batch, one, headers)
        if suits(batch, items):
            await create_many(batch, items, headers)
        await batch.deliver([one for one in items if one.outcome is None])
    await _there_already(batch)


def values_of(batch: Batch, change: Change) -> dict[str, Value]:
    """The values of a new record, its owner and person among them; its id is ours to give."""
    further = {_OWNER: change.wish.owner, _ABOUT: change.wish.person}
    table = batch.known.table
    given = {**change.values, **{name: value for name, value in further.items() if value and name in table.columns}}
    return {name: value for name, value in given.items() if value is not None and name != table.key}


def _groups(batch: Batch) -> Iterator[tuple[dict[str, str], list[Item]]]:
    """The records by whether the CRM is to look for duplicates, which it does of people where nobody allows them."""
    for duplicates in (False, True):
        items = [one for one in batch.open if one.change.wish.duplicates is duplicates]
        if items:
            yield ({} if duplicates or batch.object not in _DETECTED else dict(_DETECT)), items


def _requests(batch: Batch, item: Item, headers: Mapping[str, str]) -> Sequence[Request]:
    """The record is made open; one that is to be closed is closed in a second step, both or none."""
    only_new = {**headers, "If-None-Match": "*"}
    body: dict[str, object] = msgspec.json.decode(item.body, type=dict[str, msgspec.Raw])
    state = {name: body.pop(name) for name in (STATE, REASON) if name in body}
    made = Request(method="PATCH", path=address(batch, item.id), body=item.body, headers=only_new)
    if state.get(STATE, msgspec.Raw(b"0")) in (msgspec.Raw(b"0"), msgspec.Raw(b"null")):
        return [made]
    made = Request(method="PATCH", path=made.path, body=msgspec.json.encode(body), headers=only_new)
    return [made, patch(batch, item, msgspec.json.encode(state))]


async def _there_already(batch: Batch) -> None:
    """What was refused, and is there under the id of our making, was made by a call whose answer was lost: done."""
    doubted = {one.id: one for one in batch.items if one.fault is not None and _doubtful(one)}
    if not doubted:
        return
    for one in doubted.values():
        if one.outcome is not None and one.outcome.result is not Result.REFUSED:
            one.outcome = outcomes.refused(_TAKEN, one.fault.message if one.fault else "")
    for found in await batch.behind.there(batch.known.table, doubted):
        doubted[found].outcome, doubted[found].fault = outcomes.done(found), None


_TAKEN = "0x80060892"


def _doubtful(item: Item) -> bool:
    return bool(item.fault and (item.fault.policy in _THERE or (item.lost and _refused(item))))


def _refused(item: Item) -> bool:
    return item.outcome is not None and item.outcome.result is not Result.DONE
