"""Converting a lead into new or existing records: only what is empty there is filled, what hung on the lead moves."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from crmsync_salesforce.simulator.access import Rights
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Values
from crmsync_salesforce.simulator.lifecycle import Lifecycle
from crmsync_salesforce.simulator.rules import Draft, touch
from crmsync_salesforce.simulator.state import State
from crmsync_salesforce.simulator.writes import Writer

CONVERTED_STATUS = "Closed - Converted"
_TO_CONTACT = {
    **{name: name for name in ("LastName", "FirstName", "Salutation", "Title", "Phone", "MobilePhone", "Fax", "Email")},
    **{name: name for name in ("Description", "LeadSource", "HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall")},
    **{name: f"Mailing{name}" for name in ("Street", "City", "State", "PostalCode", "Country")},
}
_TO_ACCOUNT = {
    **{name: name for name in ("Phone", "Fax", "Website", "Industry", "AnnualRevenue", "NumberOfEmployees", "Rating")},
    **{name: f"Billing{name}" for name in ("Street", "City", "State", "PostalCode", "Country")},
    "Company": "Name",
}


class Wish(Struct, frozen=True, kw_only=True):
    """What the caller of a conversion asks for."""

    lead: str
    account: str | None = None
    contact: str | None = None
    opportunity: bool = True
    opportunity_name: str | None = None
    status: str = CONVERTED_STATUS
    owner: str | None = None
    overwrite_source: bool = False
    mail: bool = False


class Conversion(Struct):
    """One conversion as it goes."""

    state: State
    rights: Rights
    wish: Wish
    done: dict[str, Any] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """Convert the lead and return the ids it became; raises Refusal and changes nothing when it cannot."""
        self.rights.need("update", "Lead", permission="ConvertLeads")
        made = {"Account": self.wish.account is None, "Contact": self.wish.contact is None}
        made["Opportunity"] = self.wish.opportunity
        self.rights.need("create", *(name for name, new in made.items() if new))
        lead = self._lead()
        owner = self.wish.owner or lead["OwnerId"]
        if owner.startswith("00G"):
            raise Refusal("INVALID_OWNER", "a lead owned by a queue needs an owner to be converted", fields=["OwnerId"])
        self.wish = replace(self.wish, owner=owner)
        account = self._account(lead)
        contact = self._contact(lead, account)
        opportunity = self._opportunity(lead, account, contact) if self.wish.opportunity else None
        self._close(lead, account, contact, opportunity)
        self._move(lead.row[0], contact)
        if self.wish.mail:
            self.state.mails.append((owner, contact))
        return {"leadId": lead.row[0], "accountId": account, "contactId": contact, "opportunityId": opportunity}

    def _lead(self) -> Draft:
        table, row = Lifecycle(self.state, self.rights).live(self.wish.lead, "Lead")
        self.state.automation.touch(self.wish.lead)
        lead = Draft(self.state, table, row.copy(), row)
        if lead["IsConverted"]:
            raise Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "Lead is already converted", fields=[])
        statuses = self.state.tables["LeadStatus"]
        labels = {
            one[statuses.columns["MasterLabel"]]
            for one in statuses.by_id.values()
            if one[statuses.columns["IsConverted"]]
        }
        if self.wish.status not in labels:
            raise Refusal("INVALID_STATUS", f"invalid convertedStatus: {self.wish.status}", fields=[])
        return lead

    def _writer(self) -> Writer:
        return Writer(self.state, self.rights, force=True)

    def _values(self, lead: Draft, names: dict[str, str]) -> Values:
        return {target: lead[source] for source, target in names.items() if lead[source] is not None}

    def _fill(self, name: str, identity: str, values: Values) -> None:
        table, row = Lifecycle(self.state, self.rights).live(identity, name)
        empty = {key: one for key, one in values.items() if row[table.columns[key]] is None}
        if self.wish.overwrite_source and name == "Contact" and "LeadSource" in values:
            empty["LeadSource"] = values["LeadSource"]
        self._writer().update(name, identity, empty)

    def _account(self, lead: Draft) -> str:
        values = self._values(lead, _TO_ACCOUNT)
        if self.wish.account is None:
            return self._writer().create("Account", {**values, "OwnerId": self.wish.owner})
        self._fill("Account", self.wish.account, values)
        return self.wish.account

    def _contact(self, lead: Draft, account: str) -> str:
        names = {**_TO_CONTACT, **self._custom_pairs(lead)}
        values = self._values(lead, names)
        if self.wish.contact is None:
            given = {**values, "AccountId": account, "OwnerId": self.wish.owner}
            given.pop("External_Id__c", None)
            return self._writer().create("Contact", given)
        values.pop("External_Id__c", None)
        self._fill("Contact", self.wish.contact, values)
        return self.wish.contact

    def _custom_pairs(self, lead: Draft) -> dict[str, str]:
        contact = self.state.tables["Contact"].columns
        return {name: name for name in lead.table.columns if name.endswith("__c") and name in contact}

    def _opportunity(self, lead: Draft, account: str, contact: str) -> str:
        close = f"{self.state.now():%Y-%m-%d}"
        made = self._writer().create(
            "Opportunity",
            {
                "Name": self.wish.opportunity_name or f"{lead['Company']}-",
                "StageName": "Prospecting",
                "CloseDate": close,
                "AccountId": account,
                "OwnerId": self.wish.owner,
                "LeadSource": lead["LeadSource"],
            },
        )
        self._writer().create(
            "OpportunityContactRole", {"OpportunityId": made, "ContactId": contact, "IsPrimary": True}
        )
        return made

    def _close(self, lead: Draft, account: str, contact: str, opportunity: str | None) -> None:
        lead["IsConverted"], lead["ConvertedDate"] = True, f"{self.state.now():%Y-%m-%d}"
        lead["ConvertedAccountId"], lead["ConvertedContactId"] = account, contact
        lead["ConvertedOpportunityId"], lead["Status"] = opportunity, self.wish.status
        touch(self.state, lead.table, lead.row, self.rights.user_id)
        self.state.save(lead.table, lead.row)

    def _move(self, lead: str, contact: str) -> None:
        self._move_all("CampaignMember", "LeadId", lead, {"ContactId": contact}, open_only=False)
        self._move_all("Task", "WhoId", lead, {"WhoId": contact}, open_only=True)
        self._move_all("Event", "WhoId", lead, {"WhoId": contact}, open_only=False)

    def _move_all(self, name: str, column: str, lead: str, change: Values, *, open_only: bool) -> None:
        table = self.state.tables[name]
        closed = table.columns.get("IsClosed")
        for one in sorted(table.find(column, lead)):
            row = table.by_id[one]
            if not table.live(row) or (open_only and closed is not None and row[closed]):
                continue
            now = row.copy()
            for key, value in change.items():
                now[table.columns[key]] = value
            touch(self.state, table, now, self.rights.user_id)
            self.state.save(table, now)
