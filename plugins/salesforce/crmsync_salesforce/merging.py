"""Records merged into one: two others at a time, and what was merged before is not asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from crmsync.writes import Result
from crmsync_salesforce import outcomes, soap
from crmsync_salesforce.asked import rows
from crmsync_salesforce.delivery import Batch
from crmsync_salesforce.items import Item, Written
from crmsync_salesforce.query import Select, among, whole_id

MOST, AT_ONCE = 200, 2
_PREFIX = 3
_ABSENT = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY", "INVALID_OPERATION"})

Left = dict[Item, list[str]]


async def merge(batch: Batch) -> None:
    """Merge the losers of each change into its record. Raises as `Batch.deliver` does."""
    for one in batch.items:
        batch.prepare(one, one.change.values)
        _check(one)
    left: Left = {one: [whole_id(loser) for loser in one.change.wish.losers] for one in batch.open}
    while left:
        await _rounds(batch, left)
        left = await _looked_up(batch, left)


def _check(item: Item) -> None:
    losers = item.change.wish.losers
    if item.outcome is None and not losers:
        item.outcome = outcomes.refused("value", "There is no record to merge into this one.", hint="Name one.")
    if item.outcome is None and any(one[:_PREFIX] != item.id[:_PREFIX] for one in losers):
        item.outcome = outcomes.refused(
            "value", "Records of two objects cannot be merged.", hint="Convert the lead first, then merge the contacts."
        )


async def _rounds(batch: Batch, left: Left) -> None:
    """Merge two losers into each record, then the next two, until none is left or the org refuses."""

    def spell(item: Item) -> str:
        losers = "".join(soap.tag("recordToMergeIds", one) for one in left[item][:AT_ONCE])
        return f"<u:request><u:masterRecord>{soap.record(batch, item, Id=item.id)}</u:masterRecord>{losers}</u:request>"

    way = soap.way(batch.session.client, "merge", spell, _read, head=soap.NOT_ALL_OR_NONE, most=MOST, repeatable=True)
    items = list(left)
    while items:
        if not await soap.write(batch, items, way):
            soap.refuse([one for one in items if one.outcome is None], "records are merged by nothing else")
        items = [one for one in items if _has_more(one, left)]


def _has_more(item: Item, left: Left) -> bool:
    if item.outcome is None or item.outcome.result is not Result.DONE:
        return False
    del left[item][:AT_ONCE]
    if not left[item]:
        return False
    item.outcome = None
    return True


def _read(result: ET.Element) -> Written:
    return Written(id=soap.text(result, "id"))


async def _looked_up(batch: Batch, left: Left) -> Left:
    """What is left to merge where a record was not there, since losers were merged before; else the org is right."""
    doubted = [one for one in left if one.fault is not None and one.fault.code in _ABSENT]
    again: Left = {}
    for one in doubted:
        found = await _there(batch, [one.id, *left[one]])
        alive = [loser for loser in left[one] if loser in found]
        if one.id not in found:
            continue  # GONE, as the org said, or a refusal that stays one
        if not alive:
            one.outcome, one.fault = outcomes.done(one.id, code="absent"), None
        elif len(alive) < len(left[one]):
            one.outcome, again[one] = None, alive
    return again


async def _there(batch: Batch, ids: Sequence[str]) -> set[str]:
    found: list[dict[str, Any]] = await rows(
        batch.session, Select(fields=("Id",), object=batch.object, where=(among(ids),))
    )
    return {str(one["Id"]) for one in found}
