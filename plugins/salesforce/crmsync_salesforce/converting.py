"""Leads made into a new contact, a new account and, where wished, a new opportunity; never into what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from crmsync.writes import Outcome, Result
from crmsync_salesforce import outcomes, soap
from crmsync_salesforce.asked import rows
from crmsync_salesforce.delivery import Batch
from crmsync_salesforce.items import Item, Written
from crmsync_salesforce.query import Select, among
from crmsync_salesforce.session import SalesforceSession

MOST = 100
_MADE = {"Account": "ConvertedAccountId", "Contact": "ConvertedContactId", "Opportunity": "ConvertedOpportunityId"}
_ASKED = "converted_status"


async def convert(batch: Batch) -> None:
    """Convert the leads of a batch. Raises as `Batch.deliver` does."""
    session = batch.session
    default = "" if all(one.change.wish.status for one in batch.items) else await status_of(session)
    ready = [one for one in batch.items if _has_status(one, default)]
    way = soap.way(
        session.client, "convertLead", lambda one: _spell(one, default), _read, head=soap.NOT_ALL_OR_NONE, most=MOST,
        repeatable=True,
    )  # fmt: skip
    if ready and not await soap.write(batch, ready, way):
        soap.refuse([one for one in ready if one.outcome is None], "leads are converted by nothing else")
    await _before(batch)


async def status_of(session: SalesforceSession) -> str:
    """The first lead status that means converted, asked once a session; "" where the org has none. Raises Faulty."""
    if _ASKED not in session.asked:
        select = Select(
            fields=("MasterLabel",), object="LeadStatus", where=("IsConverted = TRUE",), order=("SortOrder",), limit=1
        )
        found = await rows(session, select)
        session.asked[_ASKED] = str(found[0]["MasterLabel"]) if found else ""
    return session.asked[_ASKED]


def _has_status(item: Item, default: str) -> bool:
    if not (item.change.wish.status or default):
        item.outcome = outcomes.refused(
            "INVALID_STATUS", "The org has no lead status that means converted.", hint="Let an administrator add one."
        )
    return item.outcome is None


def _spell(item: Item, default: str) -> str:
    wish, tag = item.change.wish, soap.tag
    parts = [
        tag("convertedStatus", wish.status or default),
        tag("doNotCreateOpportunity", wish.opportunity is None),
        tag("leadId", item.id),
        tag("opportunityName", wish.opportunity) if wish.opportunity else "",
        tag("overwriteLeadSource", value=False),
        tag("ownerId", wish.owner) if wish.owner else "",
        tag("sendNotificationEmail", wish.mail),
    ]
    return f"<u:leadConverts>{''.join(parts)}</u:leadConverts>"


def _read(result: ET.Element) -> Written:
    ids = {"Account": "accountId", "Contact": "contactId", "Opportunity": "opportunityId"}
    made = {name: found for name, member in ids.items() if (found := soap.text(result, member))}
    return Written(id=made.get("Contact"), made=made)


async def _before(batch: Batch) -> None:
    """What was converted before, by anybody or by a call whose answer was lost, is done: a read says into what."""
    doubted = {one.id: one for one in batch.items if one.fault is not None and _converted(one)}
    if not doubted:
        return
    for one in doubted.values():
        one.outcome = Outcome(result=Result.RETRY, code="converted", message="The lead was converted before.")
    select = Select(fields=("Id", *_MADE.values()), object="Lead", where=(among(list(doubted)),))
    for row in await rows(batch.session, select):
        doubted[str(row["Id"])].outcome = _done(row)


def _converted(item: Item) -> bool:
    fault = item.fault
    return fault is not None and ("CONVERTED" in fault.code or "already converted" in fault.message.lower())


def _done(row: Mapping[str, Any]) -> Outcome:
    made = {name: str(row[field]) for name, field in _MADE.items() if row.get(field)}
    return outcomes.done(made.get("Contact"), made=made, code="converted")
