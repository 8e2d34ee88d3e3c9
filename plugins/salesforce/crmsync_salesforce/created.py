"""New records: under our own key where the org keeps one, so that none is made twice, else once and never again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crmsync.model import Value
from crmsync.writes import Change, Outcome, Result
from crmsync_salesforce import outcomes
from crmsync_salesforce.asked import rows
from crmsync_salesforce.delivery import Batch, Item
from crmsync_salesforce.query import Select, text_literal
from crmsync_salesforce.sobjects import creating, headers_of, keyed, write

_KEYS_A_QUERY = 100


class _Kind(NamedTuple):
    """What records must have in common to be made in one call."""

    assign: bool
    duplicates: bool
    keyed: bool


async def create(batch: Batch) -> None:
    """Make the records of a batch. Raises as `Batch.deliver` does."""
    key = key_of(batch)
    for one in batch.items:
        batch.prepare(one, values_of(one.change))
    for kind, items in _groups(batch.open, key):
        verb = keyed(batch.object, key) if key and kind.keyed else creating(batch.object)
        await write(batch, items, verb, headers_of(items[0].change.wish))
    if key:
        await _there_already(batch, key)


def key_of(batch: Batch) -> str | None:
    """The field of the object that keeps our key, where it has one."""
    name = batch.session.settings.key_field
    return batch.known.key(name) if name else None


def values_of(change: Change) -> dict[str, Value]:
    """The values of a new record, its owner and person among them."""
    wish = change.wish
    further = {"OwnerId": wish.owner, "WhoId": wish.person}
    return {**change.values, **{name: value for name, value in further.items() if value}}


def _groups(items: Sequence[Item], key: str | None) -> Iterator[tuple[_Kind, list[Item]]]:
    groups: dict[_Kind, list[Item]] = {}
    for one in items:
        wish = one.change.wish
        kind = _Kind(wish.assign, wish.duplicates, bool(key and one.change.key))
        groups.setdefault(kind, []).append(one)
    yield from groups.items()


async def _there_already(batch: Batch, key: str) -> None:
    """What was refused because our own key is taken was made before: it is done, once a read has shown it."""
    taken = {one.change.key: one for one in batch.items if _of_key(one, key)}
    for item in taken.values():
        item.outcome = Outcome(result=Result.RETRY, code="DUPLICATE_VALUE", message="The key is taken already.")
    keys = list(taken)
    for start in range(0, len(keys), _KEYS_A_QUERY):
        literals = ",".join(text_literal(one) for one in keys[start : start + _KEYS_A_QUERY])
        select = Select(fields=("Id", key), object=batch.object, where=(f"{key} IN ({literals})",))
        for row in await rows(batch.session, select):
            taken[str(row[key])].outcome = outcomes.done(str(row["Id"]))


def _of_key(item: Item, key: str) -> bool:
    fault = item.fault
    if fault is None or not item.change.key or fault.code not in ("DUPLICATE_VALUE", "DUPLICATE_EXTERNAL_ID"):
        return False
    return key.lower() in f"{fault.message} {' '.join(fault.fields)}".lower()
