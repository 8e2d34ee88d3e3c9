"""What happens in the simulated environment while the demo looks away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from crmsync_dynamics.routes import CONTACT, LEAD
from crmsync_dynamics.simulator import Org, Ref
from crmsync_dynamics.simulator.merging import merge
from crmsync_dynamics.simulator.qualification import Qualification, Wish
from crmsync_dynamics.simulator.writes import Writer

UPDATES, DELETIONS = 20, 5
_OPEN = 0


class OrgStory:
    """A story on one environment: the same edits for the same seed."""

    manual = ("lead.address1_city", "city")

    def __init__(self, org: Org, *, big: int = 0) -> None:
        self._org = org
        contacts = Counter(one for row in org.records("contact") if (one := _account(row)))
        ranked = [account for account, _ in contacts.most_common()]
        self.big_account = ranked.pop(0) if big and ranked else ""
        self.edited_account = ranked[0] if ranked else self.big_account
        self._accounts = ranked
        self._used: set[str] = set()
        leads = [*self._pick("lead", 3), "", "", ""]
        self.lead, self.disputed, self.converted = leads[:3]
        self.contact: str = [*self._pick("contact", 1), ""][0]

    async def edit(self) -> Sequence[str]:
        """Edit records in the CRM as its users would."""
        return [*self._update(), *self._delete(), *self._qualify(), *self._merge(), *self._move(), *self._big()]

    async def overwrite(self) -> Sequence[str]:
        """Update the account that the demo edited here, in another field."""
        said = {"description": "Visited again; the contract is being renewed."}
        self._org.update("account", self.edited_account, said)
        return [f"{self._name('account', self.edited_account)}: its description was changed in the CRM"]

    async def collide(self) -> Sequence[str]:
        """Change what the demo changed here."""
        self._org.update("lead", self.lead, {"jobtitle": "Chosen in the CRM"})
        self._org.update("contact", self.contact, {"jobtitle": "Chosen in the CRM"})
        self._org.update("lead", self.disputed, {"address1_city": "Chosen in the CRM"})
        lead, contact = self._name("lead", self.lead), self._name("contact", self.contact)
        return [
            f"the lead {lead} and the contact {contact} have other titles",
            f"the lead {self._name('lead', self.disputed)} lives elsewhere",
        ]

    async def shows(self, crm_id: str, column: str) -> Any:
        """What the environment shows for a column of a person."""
        row = self._org.get("lead", crm_id)
        fields, row = (LEAD, row) if row is not None else (CONTACT, self._org.get("contact", crm_id))
        return (row or {}).get(next(field for field, one in fields.items() if one == column))

    def _name(self, table: str, identity: str) -> str:
        found = self._org.get(table, identity) or {}
        return str(found.get("fullname") or found.get("name") or identity)

    def _pick(self, table: str, number: int) -> list[str]:
        """Open records that the story has not touched and that are not of the two accounts it keeps apart."""
        apart, found = {self.big_account, self.edited_account}, list[str]()
        for one in self._fresh(table):
            if len(found) < number and one.get("statecode") == _OPEN and _account(one) not in apart:
                found.append(str(one[f"{table}id"]))
        self._used.update(found)
        return found

    def _fresh(self, table: str) -> Iterator[dict[str, Any]]:
        return (one for one in self._org.records(table) if one[f"{table}id"] not in self._used and _synced(one))

    def _writer(self) -> Writer:
        return Writer(self._org.state, self._org.user("admin"))

    def _update(self) -> list[str]:
        for table, values in (
            ("contact", {"jobtitle": "Head of Everything"}),
            ("lead", {"leadqualitycode": 1}),
            ("opportunity", {"description": "The offer was sent"}),
        ):
            for identity in self._pick(table, UPDATES):
                self._org.update(table, identity, values)
        return [f"{UPDATES} contacts have a new title, {UPDATES} leads are hot, {UPDATES} opportunities have new notes"]

    def _delete(self) -> list[str]:
        gone = {table: self._pick(table, DELETIONS) for table in ("contact", "lead")}
        for table, ids in gone.items():
            for identity in ids:
                self._org.delete(table, identity)
        return [f"{len(gone['contact'])} contacts and {len(gone['lead'])} leads were deleted"]

    def _qualify(self) -> list[str]:
        lines = []
        for lead in self._pick("lead", 1):
            name = self._name("lead", lead)
            wish = Wish(lead=lead, account=True, contact=True, opportunity=False)
            made = {one.table: one.id for one in Qualification(self._org.state, self._writer(), wish).run()}
            account = self._name("account", made.get("account", ""))
            lines.append(f"the lead {name} was qualified: it is a contact of {account} now")
        return lines

    def _merge(self) -> list[str]:
        pair = self._pick("contact", 2)
        if len(pair) < 2:  # noqa: PLR2004 - a merge takes two
            return []
        winner, loser = (Ref("contact", one) for one in pair)
        line = f"the contact {self._name(*loser)} was merged into {self._name(*winner)}"
        merge(self._org.state, self._writer(), winner, loser, {}, parents=False)
        return [line]

    def _move(self) -> list[str]:
        others = [one for one in self._accounts if one != self.edited_account]
        for contact in self._pick("contact", 1):
            now = _account(self._org.get("contact", contact) or {})
            target = next((one for one in others if one != now), None)
            if target is not None:
                self._org.update("contact", contact, {"parentcustomerid": Ref("account", target)})
                return [f"{self._name('contact', contact)} works for {self._name('account', target)} now"]
        return []

    def _big(self) -> list[str]:
        if not self.big_account:
            return []
        self._org.update("account", self.big_account, {"industrycode": 12})
        count = sum(1 for one in self._org.records("contact") if _account(one) == self.big_account)
        return [f"{self._name('account', self.big_account)} with {count:,} contacts is in another industry"]


def _account(row: dict[str, Any]) -> str | None:
    customer = row.get("parentcustomerid")
    return customer.id if isinstance(customer, Ref) and customer.table == "account" else None


def _synced(row: dict[str, Any]) -> bool:
    return row.get("new_synctomkto") is not False and not row.get("merged")
