"""Records merged into one, one other at a time; what was merged before is not asked for again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from crmsync.writes import Result
from crmsync_dynamics import outcomes, wire
from crmsync_dynamics.delivery import Batch
from crmsync_dynamics.items import Item, Request
from crmsync_dynamics.query import is_guid

MERGED = frozenset({"account", "contact", "lead"})
_KIND = "Microsoft.Dynamics.CRM."
_NOBODY = "00000000-0000-0000-0000-000000000000"
_MASTER = "_masterid_value"

Left = dict[Item, list[str]]


async def merge(batch: Batch) -> None:
    """Merge the losers of each change into its record. Raises as `Batch.deliver` does."""
    for one in batch.open:
        _check(batch, one)
    await batch.prepare({one: one.change.values for one in batch.open})
    left: Left = {one: [loser.lower() for loser in one.change.wish.losers] for one in batch.open}
    while left:
        await _round(batch, left)
        left = await _left(batch, left)


def _check(batch: Batch, item: Item) -> None:
    losers = item.change.wish.losers
    if batch.object not in MERGED:
        said = f"Records of {batch.object} cannot be merged in this CRM."
        item.outcome = outcomes.refused("value", said, hint="Only leads, contacts and accounts are.")
    elif not losers:
        item.outcome = outcomes.refused("value", "There is no record to merge into this one.", hint="Name one.")
    elif not all(is_guid(one) for one in losers):
        item.outcome = outcomes.refused("value", "What is to be merged has no id of a record.", hint="Name others.")


async def _round(batch: Batch, left: Left) -> None:
    """Merge the next loser into each record."""
    for one, losers in left.items():
        one.again()
        one.requests = [Request(method="POST", path="Merge", body=_body(batch, one, losers[0]))]
    await batch.deliver(list(left))


def _body(batch: Batch, item: Item, loser: str) -> bytes:
    table = batch.known.table
    kind = {"@odata.type": f"{_KIND}{table.name}"}
    body: dict[str, Any] = {
        "Target": {**kind, table.key: item.id}, "Subordinate": {**kind, table.key: loser},
        "PerformParentingChecks": False,
    }  # fmt: skip
    if item.values:
        body["UpdateContent"] = wire.headed({**kind, table.key: _NOBODY}, item.body)
    return msgspec.json.encode(body)


async def _left(batch: Batch, left: Left) -> Left:
    """What is left to merge: the losers behind those that are done, also where that was before, or that are gone."""
    doubted = {one: losers for one, losers in left.items() if one.fault is not None and not _later(one)}
    found = await _found(batch, doubted)
    again: Left = {}
    for one, losers in left.items():
        rest = losers[1:]
        if one in doubted:
            rest = [loser for loser in losers if loser in found and found[loser] != one.id]
            if one.id not in found or found[one.id] or rest == losers:
                continue  # gone itself, or a refusal that stays one
        elif one.outcome is None or one.outcome.result is not Result.DONE:
            continue
        if rest:
            again[one] = rest
        else:
            one.outcome, one.fault = outcomes.done(one.id, code="absent" if one in doubted else ""), None
    return again


def _later(item: Item) -> bool:
    return item.outcome is not None and item.outcome.result in (Result.RETRY, Result.UNKNOWN)


async def _found(batch: Batch, doubted: Mapping[Item, list[str]]) -> dict[str, str]:
    """Of the records of some changes those that are there, and whom each was merged into."""
    table = batch.known.table
    ids = [crm_id for one, losers in doubted.items() for crm_id in (one.id, *losers)]
    if not ids:
        return {}
    rows = await batch.behind.rows(table, table.key, ids, (_MASTER,))
    return {str(row[table.key]): str(row.get(_MASTER) or "") for row in rows}
