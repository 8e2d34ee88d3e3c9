"""New records: under our own key where the org keeps one, so that none is made twice, else once and never again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from crmsync.model import Value
from crmsync.writes import Change, Outcome, Result
from crmsync_salesforce import outcomes, soap
from crmsync_salesforce.asked import rows
from crmsync_salesforce.delivery import Batch
from crmsync_salesforce.items import Item, Way, Written
from crmsync_salesforce.query import Select, text_literal
from crmsync_salesforce.sobjects import creating, headers_of, keyed, write

MOST = 200
_KEYS_A_QUERY = 100


class _Kind(NamedTuple):
    """What records must have in common to be made in one call."""

    assign: bool
    duplicates: bool
    mail: bool
    keyed: bool


async def create(batch: Batch) -> None:
    """Make the records of a batch. Raises as `Batch.deliver` does."""
    key = key_of(batch)
    for one in batch.items:
        batch.prepare(one, values_of(one.change))
    for kind, items in _groups(batch.open, key):
        if kind.mail and await soap.write(batch, items, _mailing(batch, kind, key)):
            continue
        verb = keyed(batch.object, key) if key and kind.keyed else creating(batch.object)
        await write(batch, [one for one in items if one.outcome is None], verb, headers_of(items[0].change.wish))
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
        kind = _Kind(wish.assign, wish.duplicates, wish.mail, bool(key and one.change.key))
        groups.setdefault(kind, []).append(one)
    yield from groups.items()


def _mailing(batch: Batch, kind: _Kind, key: str | None) -> Way:
    """The way that mails the new owner; REST has no word for that."""

    def spell(item: Item) -> str:
        more = {key: item.change.key} if key and item.change.key else {}
        return f"<u:sObjects>{soap.record(batch, item, **more)}</u:sObjects>"

    def read(result: ET.Element) -> Written:
        return Written(id=soap.text(result, "id"))

    mail = soap.header("EmailHeader", triggerAutoResponseEmail=False, triggerOtherEmail=False, triggerUserEmail=True)
    assign = soap.header("AssignmentRuleHeader", useDefaultRule=True) if kind.assign else ""
    save = soap.header("DuplicateRuleHeader", allowSave=True) if kind.duplicates else ""
    head = soap.NOT_ALL_OR_NONE + mail + assign + save
    return soap.way(batch.session.client, "create", spell, read, head=head, most=MOST, repeatable=False)


async def _there_already(batch: Batch, key: str) -> None:
    """What was refused, and is there under our own key, was made by a call whose answer was lost: it is done."""
    doubted = {one.change.key: one for one in batch.items if one.fault is not None and _refused(one)}
    for one in doubted.values():
        if one.outcome is not None and _of_key(one, key):
            one.outcome = Outcome(result=Result.RETRY, code="DUPLICATE_VALUE", message="The key is taken already.")
    keys = list(doubted)
    for start in range(0, len(keys), _KEYS_A_QUERY):
        literals = ",".join(text_literal(one) for one in keys[start : start + _KEYS_A_QUERY])
        select = Select(fields=("Id", key), object=batch.object, where=(f"{key} IN ({literals})",))
        for row in await rows(batch.session, select):
            if found := doubted.get(str(row[key])):
                found.outcome, found.fault = outcomes.done(str(row["Id"])), None


def _refused(item: Item) -> bool:
    return bool(item.change.key) and item.outcome is not None and item.outcome.result is not Result.DONE


def _of_key(item: Item, key: str) -> bool:
    fault = item.fault
    if fault is None or fault.code not in ("DUPLICATE_VALUE", "DUPLICATE_EXTERNAL_ID"):
        return False
    return key.lower() in f"{fault.message} {' '.join(fault.fields)}".lower()
