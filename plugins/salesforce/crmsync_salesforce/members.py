"""People in campaigns: added once, their status set, removed; found by campaign and person, never by one of the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from crmsync.model import Value
from crmsync.writes import Outcome, Result, Wish
from crmsync_salesforce import outcomes
from crmsync_salesforce.asked import rows
from crmsync_salesforce.delivery import Batch
from crmsync_salesforce.errors import Faulty, Policy
from crmsync_salesforce.items import Item
from crmsync_salesforce.query import Select, text_literal, whole_id
from crmsync_salesforce.sobjects import creating, deleting, headers_of, updating, write

Pair = tuple[str, str]
_IDS_A_QUERY = 200
_UNREADABLE = frozenset({Policy.OBJECT, Policy.ABSENT, Policy.MOVED, Policy.MISTAKE})


async def member(batch: Batch) -> None:
    """Add, change or remove the memberships of a batch. Raises as `Batch.deliver` does."""
    labels = await _labels(batch)
    for one in batch.items:
        if one.change.wish.remove:
            continue
        if (status := _status(one, labels)) is not None:
            batch.prepare(one, {**one.change.values, **status, **({} if one.id else _who(one.change.wish))})
    removed = [one for one in batch.open if one.change.wish.remove]
    known = [one for one in batch.open if one.id and not one.change.wish.remove]
    await _remove(batch, removed)
    await _change(batch, known)
    await _add(batch, batch.open)


async def _add(batch: Batch, items: Sequence[Item]) -> None:
    """Add people. That a pair is a member once makes it safe to send one again."""
    if not items:
        return
    verb = replace(creating(batch.object), repeatable=True, mark=lambda one: _pair(one.change.wish))
    await write(batch, items, verb, headers_of(Wish()))
    already = [one for one in items if one.fault is not None and one.fault.code == "DUPLICATE_VALUE"]
    for one in already:
        one.outcome = Outcome(result=Result.RETRY, code="already", message="Already a member of the campaign.")
    found = await _found(batch, [_pair(one.change.wish) for one in already])
    for one in already:
        if identity := found.get(_pair(one.change.wish)):
            one.outcome = outcomes.done(identity, code="already")


async def _change(batch: Batch, items: Sequence[Item]) -> None:
    for one in items:
        if not one.values:
            one.outcome = outcomes.done(one.id)
    if left := [one for one in items if one.outcome is None]:
        await write(batch, left, updating(batch.object), headers_of(Wish()))


async def _remove(batch: Batch, items: Sequence[Item]) -> None:
    paired = [one for one in items if one.change.wish.campaign and one.change.wish.person]
    found = await _found(batch, [_pair(one.change.wish) for one in paired])
    for one in paired:
        one.id = found.get(_pair(one.change.wish), "")
    for one in items:
        if not one.id:
            one.outcome = outcomes.done(one.change.crm_id, code="absent")
    if left := [one for one in items if one.outcome is None]:
        await write(batch, left, deleting(batch.object), headers_of(Wish()))


def _pair(wish: Wish) -> Pair:
    return whole_id(wish.campaign), whole_id(wish.person)


def _field(wish: Wish) -> str:
    is_lead = wish.person_object == "Lead" or (not wish.person_object and wish.person.startswith("00Q"))
    return "LeadId" if is_lead else "ContactId"


def _who(wish: Wish) -> dict[str, Value]:
    return {"CampaignId": wish.campaign, _field(wish): wish.person}


async def _found(batch: Batch, pairs: Iterable[Pair]) -> dict[Pair, str]:
    """The members of these pairs: by campaign and person, for each alone names other memberships too."""
    wanted, found = list(dict.fromkeys(pairs)), dict[Pair, str]()
    for start in range(0, len(wanted), _IDS_A_QUERY):
        some = wanted[start : start + _IDS_A_QUERY]
        campaigns = _among("CampaignId", (one for one, _ in some))
        for field, prefix in (("LeadId", "00Q"), ("ContactId", "003")):
            people = [one for _, one in some if one.startswith(prefix)]
            if not people:
                continue
            select = Select(
                fields=("Id", "CampaignId", field), object=batch.object, where=(campaigns, _among(field, people))
            )
            for row in await rows(batch.session, select):
                found[str(row["CampaignId"]), str(row[field])] = str(row["Id"])
    return found


def _among(field: str, ids: Iterable[str]) -> str:
    return f"{field} IN ({','.join(text_literal(one) for one in dict.fromkeys(ids))})"


async def _labels(batch: Batch) -> dict[str, dict[str, str]] | None:
    """The statuses of the campaigns by label in lower case; None where they cannot be read.

    The org takes a status that a campaign does not have for its default one, and says nothing.
    """
    wishes = [one.change.wish for one in batch.items if one.change.wish.status and not one.change.wish.remove]
    campaigns = list(dict.fromkeys(whole_id(one.campaign) for one in wishes if one.campaign))
    found: dict[str, dict[str, str]] = {one: {} for one in campaigns}
    for start in range(0, len(campaigns), _IDS_A_QUERY):
        select = Select(
            fields=("CampaignId", "Label"), object="CampaignMemberStatus",
            where=(_among("CampaignId", campaigns[start : start + _IDS_A_QUERY]),), order=("SortOrder",),
        )  # fmt: skip
        try:
            for row in await rows(batch.session, select):
                label = str(row["Label"])
                found[str(row["CampaignId"])][label.casefold()] = label
        except Faulty as error:
            if error.policy not in _UNREADABLE:
                raise
            return None
    return found


def _status(item: Item, labels: Mapping[str, Mapping[str, str]] | None) -> dict[str, Value] | None:
    """The status to write, in the campaign's spelling; None for one the campaign does not have, which is refused."""
    wish = item.change.wish
    if not wish.status:
        return {}
    known = labels.get(whole_id(wish.campaign)) if labels is not None else None
    if not known:
        return {"Status": wish.status}
    if label := known.get(wish.status.casefold()):
        return {"Status": label}
    item.outcome = outcomes.refused(
        "INVALID_STATUS",
        f"The campaign has no status {wish.status!r}; it has {', '.join(known.values())}.",
        hint="Add the status to the campaign, or choose one of these.",
        fields=("Status",),
    )
    return None
