"""What saving a record of a standard object entails: derived fields, checks, and what it does to its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from crmsync_salesforce.simulator import moments, persons
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Row
from crmsync_salesforce.simulator.state import State
from crmsync_salesforce.simulator.table import Table

STAGES: dict[str, tuple[int, bool, bool, str, str]] = {
    "Prospecting": (10, False, False, "Pipeline", "Pipeline"),
    "Qualification": (10, False, False, "Pipeline", "Pipeline"),
    "Needs Analysis": (20, False, False, "Pipeline", "Pipeline"),
    "Value Proposition": (50, False, False, "Pipeline", "Pipeline"),
    "Id. Decision Makers": (60, False, False, "Pipeline", "Pipeline"),
    "Perception Analysis": (70, False, False, "Pipeline", "Pipeline"),
    "Proposal/Price Quote": (75, False, False, "Pipeline", "Pipeline"),
    "Negotiation/Review": (90, False, False, "Pipeline", "Pipeline"),
    "Closed Won": (100, True, True, "Closed", "Closed"),
    "Closed Lost": (0, True, False, "Omitted", "Omitted"),
}


class Draft:
    """A row about to be saved, with its older version, read and written by field name."""

    def __init__(self, state: State, table: Table, row: Row, before: Row | None) -> None:
        self.state = state
        self.table = table
        self.row = row
        self.before = before

    def __getitem__(self, name: str) -> Any:
        return self.row[self.table.columns[name]]

    def __setitem__(self, name: str, value: Any) -> None:
        self.row[self.table.columns[name]] = value

    def changed(self, name: str) -> bool:
        """Whether this save gives the field another value; always so for a new record."""
        column = self.table.columns[name]
        return self.before is None or self.before[column] != self.row[column]

    def sibling(self, name: str, identity: str | None) -> Draft | None:
        """Another record that is out of the bin."""
        table = self.state.tables[name]
        row = table.by_id.get(identity) if identity else None
        return Draft(self.state, table, row, row) if row is not None and table.live(row) else None

    def others(self, column: str) -> list[Draft]:
        """The other live records of this object with the same value in a column."""
        rows = (self.table.by_id[one] for one in self.table.find(column, self[column]) if one != self.row[0])
        return [Draft(self.state, self.table, row, row) for row in rows if self.table.live(row)]


def _person(draft: Draft) -> None:
    draft["Name"] = persons.full_name(draft["FirstName"], draft["LastName"])


def _contact(draft: Draft) -> None:
    _person(draft)
    draft["IsEmailBounced"] = bool(draft["EmailBouncedReason"] or draft["EmailBouncedDate"])
    persons.save_contact(draft)


def _opportunity(draft: Draft) -> None:
    chance, closed, won, forecast, label = STAGES.get(draft["StageName"], (10, False, False, "Pipeline", "Pipeline"))
    if draft.changed("StageName"):
        draft["LastStageChangeDate"] = draft.state.stamp() if draft.before is not None else None
        if draft["Probability"] is None or draft.before is not None:
            draft["Probability"] = float(chance)
    draft["IsClosed"], draft["IsWon"], draft["ForecastCategory"] = closed, won, forecast
    draft["ForecastCategoryName"] = label
    close = date.fromisoformat(draft["CloseDate"])
    draft["FiscalYear"], draft["FiscalQuarter"] = close.year, (close.month + 2) // 3
    draft["Fiscal"] = f"{close.year} {(close.month + 2) // 3}"


def _member(draft: Draft) -> None:
    if draft.before is None:
        _new_member(draft)
    statuses = _statuses(draft)
    status = next((one for one in statuses if one["Label"] == draft["Status"]), None)
    if status is None:
        if draft["Status"] is not None and draft.state.settings.unknown_member_status == "error":
            raise Refusal("INVALID_STATUS", f"Campaign member status not found: {draft['Status']}", fields=["Status"])
        status = next((one for one in statuses if one["IsDefault"]), None)
        draft["Status"] = status["Label"] if status else draft["Status"]
    draft["HasResponded"] = bool(status and status["HasResponded"])
    if draft["HasResponded"] and draft["FirstRespondedDate"] is None:
        draft["FirstRespondedDate"] = draft.state.stamp()[:10]


def _statuses(draft: Draft) -> list[Draft]:
    table = draft.state.tables["CampaignMemberStatus"]
    rows = (table.by_id[one] for one in table.find("CampaignId", draft["CampaignId"]))
    return sorted(
        (Draft(draft.state, table, row, row) for row in rows if table.live(row)), key=lambda one: one["SortOrder"] or 0
    )


def _new_member(draft: Draft) -> None:
    if bool(draft["LeadId"]) == bool(draft["ContactId"]):
        raise Refusal(
            "FIELD_INTEGRITY_EXCEPTION", "A campaign member is either a lead or a contact.", fields=["LeadId"]
        )
    column = "LeadId" if draft["LeadId"] else "ContactId"
    if any(one["CampaignId"] == draft["CampaignId"] for one in draft.others(column)):
        raise Refusal("DUPLICATE_VALUE", "Already a campaign member.", fields=[])
    lead = draft.sibling("Lead", draft["LeadId"])
    if lead is not None and lead["IsConverted"]:
        raise Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=["LeadId"])


def _member_status(draft: Draft) -> None:
    others = draft.others("CampaignId")
    if any((one["Label"] or "").casefold() == draft["Label"].casefold() for one in others):
        raise Refusal("DUPLICATE_VALUE", f"duplicate value found: Label duplicates value {draft['Label']}", fields=[])
    if draft["SortOrder"] is None:
        draft["SortOrder"] = max((one["SortOrder"] or 0 for one in others), default=0) + 1
    if draft["IsDefault"]:
        _clear_others(draft, others, "IsDefault")


def _role(draft: Draft) -> None:
    if draft["IsPrimary"]:
        _clear_others(draft, draft.others("OpportunityId"), "IsPrimary")


def _clear_others(draft: Draft, others: list[Draft], name: str) -> None:
    for other in others:
        if other[name]:
            row = other.row.copy()
            row[draft.table.columns[name]] = False
            touch(draft.state, draft.table, row, draft["LastModifiedById"])
            draft.state.save(draft.table, row)


def _task(draft: Draft) -> None:
    closed = draft["Status"] == "Completed"
    if closed and not draft["IsClosed"]:
        draft["CompletedDateTime"] = draft.state.stamp()
    draft["IsClosed"], draft["IsHighPriority"] = closed, draft["Priority"] == "High"
    draft["WhoCount"], draft["WhatCount"] = int(bool(draft["WhoId"])), int(bool(draft["WhatId"]))
    draft["TaskSubtype"] = draft["TaskSubtype"] or "Task"
    _activity(draft)


def _activity(draft: Draft) -> None:
    who, what = draft["WhoId"] or "", draft["WhatId"] or ""
    if who.startswith("00Q") and what:
        raise Refusal(
            "FIELD_INTEGRITY_EXCEPTION", "Related To ID: cannot relate a lead's activity to a record", fields=["WhatId"]
        )
    related = draft.sibling("Opportunity", what) or draft.sibling("Contact", who)
    draft["AccountId"] = what if what.startswith("001") else related["AccountId"] if related else None


def _event(draft: Draft) -> None:
    start = draft["StartDateTime"] or draft["ActivityDateTime"]
    if not start and not draft["ActivityDate"]:
        raise Refusal("REQUIRED_FIELD_MISSING", "Required fields are missing: [ActivityDateTime]", fields=[])
    if start:
        first = moments.read(start)
        if draft["EndDateTime"] is None or draft.before is not None:
            minutes = draft["DurationInMinutes"] or 60
            draft["EndDateTime"] = moments.spell(first + moments.days(1) * minutes / 1440)
        length = moments.read(draft["EndDateTime"]) - first
        draft["DurationInMinutes"] = int(length.total_seconds() // 60)
        draft["StartDateTime"] = draft["ActivityDateTime"] = start
        draft["ActivityDate"], draft["EndDate"] = start[:10], draft["EndDateTime"][:10]
    draft["EventSubtype"] = draft["EventSubtype"] or "Event"
    _activity(draft)


def touch(state: State, table: Table, row: Row, user: str) -> None:
    """Move a row's stamps to the present second."""
    stamp, columns = state.stamp(), table.columns
    row[columns["SystemModstamp"]] = row[columns["LastModifiedDate"]] = stamp
    row[columns["LastModifiedById"]] = user


BEFORE_SAVE: dict[str, Callable[[Draft], None]] = {
    "Lead": _person,
    "Contact": _contact,
    "Account": persons.save_account,
    "User": _person,
    "Opportunity": _opportunity,
    "CampaignMember": _member,
    "CampaignMemberStatus": _member_status,
    "OpportunityContactRole": _role,
    "Task": _task,
    "Event": _event,
}
