"""The CRM in memory with campaigns, their statuses and members, and short ways to say what happens in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from msgspec.structs import replace

from crmsync.hookspecs import System, hookimpl
from crmsync.model import BOTH_WAYS, Field, Fields, Kind, Page, Query, Route, Scope, Type, Value
from crmsync.writes import Change, Operation, Outcome, Result
from support.engine import Engine
from support.memory import KINDS, ROUTES, Crm

IDENTITY = {"Id": "crm_id", "Stamp": "modified_at"}
CAMPAIGNS = (
    Route(
        object="Campaign", entity="campaign", order=3, kinds=KINDS, directions=BOTH_WAYS, label="Campaigns",
        fields={**IDENTITY, "Name": "name", "Type": "campaign_type", "Cost": "actual_cost"},
        two_way=frozenset({"name", "campaign_type", "actual_cost"}),
    ),
    Route(
        object="Status", entity="campaign_status", order=4, kinds=KINDS, directions=BOTH_WAYS,
        fields={
            **IDENTITY, "CampaignId": "campaign_crm_id", "Label": "label", "Sort": "sort_order",
            "Default": "is_default", "Responded": "has_responded",
        },
        two_way=frozenset({"label", "sort_order", "is_default", "has_responded"}),
    ),
    Route(
        object="Member", entity="campaign_member", order=7, kinds=KINDS, directions=BOTH_WAYS,
        fields={
            **IDENTITY, "CampaignId": "campaign_crm_id", "LeadId": "lead_crm_id", "ContactId": "contact_crm_id",
            "Status": "status",
        },
        two_way=frozenset({"status"}),
        parents={"campaign_crm_id": "Campaign", "lead_crm_id": "Lead", "contact_crm_id": "Contact"},
    ),
)  # fmt: skip
TYPES = {"Cost": Type.DECIMAL, "Sort": Type.INTEGER, "Default": Type.BOOLEAN, "Responded": Type.BOOLEAN}
CUSTOM = {"Shirt__c": Type.TEXT, "Guests__c": Type.INTEGER, "Paid__c": Type.DECIMAL}


@dataclass
class CampaignCrm(Crm):
    """New campaigns get the statuses Sent and Responded; a member is one lead or contact in one campaign, once."""

    custom: Any = None  # custom fields of members with their types
    may_write: bool = True

    def __post_init__(self) -> None:
        self.routes = (*ROUTES, *CAMPAIGNS)
        self.custom = dict(CUSTOM) if self.custom is None else self.custom

    @hookimpl
    def system(self) -> System:
        return replace(super().system(), members="Member")

    @hookimpl
    async def fields(self, session: Any, obj: str) -> Fields:
        found = dict(await super().fields(session, obj))
        for name, one in found.items():
            locked = name.endswith("Id") or name in ("Id", "Stamp")
            found[name] = replace(one, type=TYPES.get(name, one.type), updateable=not locked)
        if obj == "Member":
            for name, kind in self.custom.items():
                found[name] = Field(name=name, type=kind, custom=True, updateable=True, createable=True)
        return found

    @hookimpl
    async def scope(self, session: Any, obj: str) -> Scope:
        if self.may_write or obj not in ("Campaign", "Status", "Member"):
            return Scope()
        return Scope(create=False, update=False, delete=False, grants=('Tick "May run campaigns".',))

    @hookimpl
    async def fetch(self, session: Any, query: Query) -> AsyncIterator[Page]:
        async for page in super().fetch(session, query):
            tests = [one for one in query.where if query.kind is not Kind.COUNT]
            at = {name: place for place, name in enumerate(page.columns)}
            yield replace(page, rows=[row for row in page.rows if all(row[at[t.field]] == t.value for t in tests)])

    def delete(self, obj: str, crm_id: str) -> None:
        for child, column in _CHILDREN.get(obj, ()):
            for one in [one for one, record in self.objects.get(child, {}).items() if record.get(column) == crm_id]:
                self.delete(child, one)
        super().delete(obj, crm_id)

    def _apply(self, change: Change) -> Outcome:
        if change.operation is not Operation.MEMBER:
            before = set(self.objects.get(change.object, {}))
            outcome = super()._apply(change)
            if change.operation is Operation.CREATE and change.object == "Campaign" and outcome.crm_id not in before:
                statuses(self, str(outcome.crm_id), "Sent", "Responded")
            return outcome
        self.written.append(change)
        return self.answer(change) or self._member(change)

    def _member(self, change: Change) -> Outcome:
        wish, held = change.wish, self.objects.setdefault("Member", {})
        column = f"{wish.person_object}Id"
        known = next(
            (o for o, r in held.items() if r.get("CampaignId") == wish.campaign and r.get(column) == wish.person), None
        )
        known = known or (str(change.crm_id) if change.crm_id in held else None)
        if wish.remove:
            if known:
                self.delete("Member", known)
            return Outcome(result=Result.DONE, crm_id=change.crm_id)
        if known:
            return Outcome(result=Result.DONE, crm_id=known, code="already")
        if wish.person not in self.objects.get(wish.person_object, {}):
            return Outcome(result=Result.GONE, code="gone", message="the person is gone")
        crm_id = f"Mem-{len(self.written):05}"
        self.put("Member", crm_id, **{"CampaignId": wish.campaign, column: wish.person, "Status": wish.status})
        return Outcome(result=Result.DONE, crm_id=crm_id)


_CHILDREN = {
    "Campaign": (("Member", "CampaignId"), ("Status", "CampaignId")),
    "Lead": (("Member", "LeadId"),),
    "Contact": (("Member", "ContactId"),),
}


def statuses(crm: Crm, campaign: str, *labels: str) -> None:
    """Give a campaign these statuses, the first one the default."""
    for number, label in enumerate(labels):
        values: dict[str, Value] = {
            "CampaignId": campaign, "Label": label, "Sort": number, "Default": not number, "Responded": number > 1,
        }  # fmt: skip
        crm.put("Status", f"{campaign}-{label}", **values)


class Fair(Engine):
    """One connection with a program `Webinar` and a campaign `C1`, both with the statuses Invited, Seen and Came.

    Leads L1 to L4 and contacts K1 and K2 are in the CRM. `link` joins the two.
    """

    crm: CampaignCrm

    def __init__(self, path: Path, **settings: Any) -> None:
        super().__init__(path, CampaignCrm(), **settings)
        for number in range(1, 5):
            self.crm.put("Lead", f"L{number}", LastName=f"Lead {number}", Email=f"l{number}@x.org")
        for number in (1, 2):
            self.crm.put("Contact", f"K{number}", LastName=f"Contact {number}", Email=f"k{number}@x.org")
        self.crm.put("Campaign", "C1", Name="Spring")
        statuses(self.crm, "C1", "Invited", "Seen", "Came")
        self.sync()
        self.program("Webinar", "Invited", "Seen", "Came")

    def program(self, name: str, *labels: str, **values: Value) -> int:
        """Any program makes a program with these statuses, in the order of their steps."""
        self.sql("INSERT INTO program (name) VALUES (?)", name)
        number = int(self.one("SELECT id FROM program WHERE name = ?", name))
        for step, label in enumerate(labels, 1):
            self.sql(
                "INSERT INTO program_status (program_id, label, step, has_responded) VALUES (?, ?, ?, ?)",
                number, label, step, step > 2,
            )  # fmt: skip
        for column, value in values.items():
            self.sql(f"UPDATE program SET {column} = ? WHERE id = ?", value, number)
        return number

    def link(self, program: str = "Webinar", campaign: str = "C1") -> None:
        """`crmsync campaign link`."""
        self.use(lambda connection: connection.programs.link(program, campaign))

    def linked(self) -> Self:
        """Linked, and the first cycle after it done."""
        self.link()
        self.sync()
        return self

    def joins(self, crm_id: str, status: str | None = None, **values: Value) -> None:
        """Any program makes the person a member of the program."""
        names = ["program_id", "person_id", "status", *values]
        marks = ", ".join("?" * len(values))
        self.sql(
            f"INSERT INTO program_member ({', '.join(names)}) SELECT 1, row_id, ?{marks and ', ' + marks} "
            "FROM crmsync_link WHERE crm_id = ?",
            status, *values.values(), crm_id,
        )  # fmt: skip

    def moves(self, crm_id: str, **values: Value) -> None:
        """Any program changes the membership."""
        sets = ", ".join(f"{name} = ?" for name in values)
        whose = "person_id = (SELECT row_id FROM crmsync_link WHERE crm_id = ?)"
        self.sql(f"UPDATE program_member SET {sets} WHERE {whose}", *values.values(), crm_id)

    def leaves(self, crm_id: str) -> None:
        """Any program ends the membership."""
        self.sql(
            "DELETE FROM program_member WHERE person_id = (SELECT row_id FROM crmsync_link WHERE crm_id = ?)", crm_id
        )

    @property
    def here(self) -> dict[str, str | None]:
        """The members of the program: the person's CRM id (else the name) to the status."""
        return dict(
            self.sql(
                "SELECT COALESCE(p.crm_id, p.last_name), m.status FROM program_member m "
                "JOIN person p ON p.id = m.person_id ORDER BY 1"
            )
        )

    @property
    def there(self) -> dict[str, Value]:
        """The members of the campaigns in the CRM: the person's CRM id to the status."""
        held = self.crm.objects.get("Member", {}).values()
        return {str(one.get("ContactId") or one.get("LeadId")): one.get("Status") for one in held}

    def enters(self, crm_id: str, status: str = "Invited", **values: Value) -> str:
        """Somebody makes the person a member in the CRM; the member's id."""
        column = "LeadId" if crm_id.startswith("L") else "ContactId"
        return self.crm.put("Member", f"M-{crm_id}", **{"CampaignId": "C1", column: crm_id, "Status": status, **values})


NOTICES = "SELECT message FROM crmsync_notice WHERE kind = 'program'"


LEFT = "SELECT COUNT(*) FROM crmsync_member_moved"


def synced(fair: Fair) -> dict[str, Any]:
    """One cycle; what its step of programs counted."""
    return fair.steps(fair.sync().run).get(("Campaign", "sync with program"), {})


def asked(fair: Fair) -> list[tuple[str, str, bool]]:
    """The memberships that the CRM was asked for: person, status, and whether it was to end."""
    wishes = [one.wish for one in fair.crm.written if one.operation is Operation.MEMBER]
    return [(wish.person, wish.status, wish.remove) for wish in wishes]
