"""What happens in the simulated org while the demo looks away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from crmsync_salesforce.routes import CONTACT, LEAD
from crmsync_salesforce.simulator import Org

UPDATES, DELETIONS = 20, 5


class OrgStory:
    """A story on one org: the same edits for the same seed."""

    manual = ("Lead.City", "city")

    def __init__(self, org: Org, *, big: int = 0) -> None:
        self._org = org
        contacts = Counter(one["AccountId"] for one in org.records("Contact") if one["AccountId"])
        ranked = [account for account, _ in contacts.most_common()]
        self.big_account = ranked.pop(0) if big and ranked else ""
        self.edited_account = ranked[0] if ranked else self.big_account
        self._accounts = ranked
        self._used: set[str] = set()
        leads = [*self._pick("Lead", 3, IsConverted=False), "", "", ""]
        self.lead, self.disputed, self.converted = leads[:3]
        self.contact: str = [*self._pick("Contact", 1), ""][0]

    async def edit(self) -> Sequence[str]:
        """Edit records in the CRM as its users would."""
        return [*self._update(), *self._delete(), *self._convert(), *self._merge(), *self._move(), *self._big()]

    async def overwrite(self) -> Sequence[str]:
        """Update the account that the demo edited here, in another field."""
        self._org.update(
            "Account", self.edited_account, {"Description": "Visited again; the contract is being renewed."}
        )
        return [f"{self._name('Account', self.edited_account)}: its description was changed in the CRM"]

    async def collide(self) -> Sequence[str]:
        """Change what the demo changed here."""
        self._org.update("Lead", self.lead, {"Title": "Chosen in the CRM"})
        self._org.update("Contact", self.contact, {"Title": "Chosen in the CRM"})
        self._org.update("Lead", self.disputed, {"City": "Chosen in the CRM"})
        lead, contact = self._name("Lead", self.lead), self._name("Contact", self.contact)
        return [
            f"the lead {lead} and the contact {contact} have other titles",
            f"the lead {self._name('Lead', self.disputed)} lives elsewhere",
        ]

    async def shows(self, crm_id: str, column: str) -> Any:
        """What the org shows for a column of a person."""
        obj, fields = ("Lead", LEAD) if crm_id.startswith("00Q") else ("Contact", CONTACT)
        name = next(field for field, one in fields.items() if one == column)
        return (self._org.get(obj, crm_id) or {}).get(name)

    def _name(self, obj: str, identity: str) -> str:
        found = self._org.get(obj, identity) or {}
        return str(found.get("Name") or identity)

    def _pick(self, obj: str, number: int, **tests: Any) -> list[str]:
        """Records that the story has not touched and that are not of the two accounts it keeps apart."""
        apart = {self.big_account, self.edited_account}
        found: list[str] = []
        for one in self._fresh(obj):
            if one.get("AccountId") in apart or one["Id"] in apart:
                continue
            if all(one.get(name) == value for name, value in tests.items()):
                found.append(str(one["Id"]))
            if len(found) == number:
                break
        self._used.update(found)
        return found

    def _fresh(self, obj: str) -> Iterator[dict[str, Any]]:
        return (dict(one) for one in self._org.records(obj) if one["Id"] not in self._used)

    def _update(self) -> list[str]:
        for obj, values in (
            ("Contact", {"Title": "Head of Everything"}),
            ("Lead", {"Rating": "Hot"}),
            ("Opportunity", {"NextStep": "Send the offer"}),
        ):
            for identity in self._pick(obj, UPDATES, **({"IsConverted": False} if obj == "Lead" else {})):
                self._org.update(obj, identity, values)
        return [
            f"{UPDATES} contacts have a new title, {UPDATES} leads are hot, {UPDATES} opportunities have a next step"
        ]

    def _delete(self) -> list[str]:
        contacts, leads = self._pick("Contact", DELETIONS), self._pick("Lead", DELETIONS, IsConverted=False)
        for identity in contacts:
            self._org.delete("Contact", identity)
        for identity in leads:
            self._org.delete("Lead", identity)
        return [f"{len(contacts)} contacts and {len(leads)} leads were deleted"]

    def _convert(self) -> list[str]:
        lines = []
        for lead in self._pick("Lead", 1, IsConverted=False):
            name = self._name("Lead", lead)
            owner = next(one["Id"] for one in self._org.records("User") if one["IsActive"])
            made = self._org.convert_lead(lead, owner_id=owner)
            lines.append(f"the lead {name} was converted into a contact of {self._name('Account', made['accountId'])}")
        return lines

    def _merge(self) -> list[str]:
        pair = self._pick("Contact", 2)
        if len(pair) < 2:  # noqa: PLR2004 - a merge takes two
            return []
        winner, loser = pair
        line = f"the contact {self._name('Contact', loser)} was merged into {self._name('Contact', winner)}"
        self._org.merge("Contact", winner, [loser])
        return [line]

    def _move(self) -> list[str]:
        others = [one for one in self._accounts if one != self.edited_account]
        for contact in self._pick("Contact", 1):
            now = (self._org.get("Contact", contact) or {}).get("AccountId")
            target = next((one for one in others if one != now), None)
            if target is not None:
                self._org.update("Contact", contact, {"AccountId": target})
                return [f"{self._name('Contact', contact)} works for {self._name('Account', target)} now"]
        return []

    def _big(self) -> list[str]:
        if not self.big_account:
            return []
        self._org.update("Account", self.big_account, {"Industry": "Energy"})
        count = sum(1 for one in self._org.records("Contact") if one["AccountId"] == self.big_account)
        return [f"{self._name('Account', self.big_account)} with {count:,} contacts is in another industry"]
