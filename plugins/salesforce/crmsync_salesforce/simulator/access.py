"""Who may see and change what: object, field and record access per user, as the API lets them show."""

from __future__ import annotations

from msgspec import Struct, field

from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Field, ObjectType, Row
from crmsync_salesforce.simulator.table import Table

SALES = ("Account", "Contact", "Lead", "Opportunity")


class Rights(Struct, kw_only=True):
    """What one user may do. A fresh one may do everything."""

    user_id: str
    username: str
    password: str
    security_token: str
    title: str
    marketing_user: bool = True
    view_setup: bool = True
    api_enabled: bool = True
    hidden_objects: set[str] = field(default_factory=set)
    fixed_objects: set[str] = field(default_factory=set)
    hidden_fields: set[tuple[str, str]] = field(default_factory=set)
    fixed_fields: set[tuple[str, str]] = field(default_factory=set)
    hidden_records: set[str] = field(default_factory=set)
    halved_objects: set[str] = field(default_factory=set)
    lacks: set[str] = field(default_factory=set)  # system permissions, by the vendor's names
    barred: set[tuple[str, str]] = field(default_factory=set)  # object and verb: create, update or delete

    def sees_object(self, name: str) -> bool:
        """Whether the object is there at all for the user."""
        return name not in self.hidden_objects

    def sees_field(self, owner: str, name: str) -> bool:
        """Whether the field is there at all for the user."""
        return (owner, name) not in self.hidden_fields

    def may(self, verb: str, name: str) -> bool:
        """Whether the user may create, update or delete records of the object."""
        if (name == "Campaign" and not self.marketing_user) or (name == "Task" and "EditTask" in self.lacks):
            return False
        return name not in self.fixed_objects and (name, verb) not in self.barred

    def changes_field(self, verb: str, owner: str, one: Field) -> bool:
        """Whether the user may write the field, of a new record or one that is there, where the org allows it."""
        return (owner, one.name) not in self.fixed_fields and self.may(verb, owner)

    def need(self, verb: str, *names: str, permission: str = "") -> None:
        """Raise the vendor's refusal unless the user may do this with all of these objects."""
        if permission in self.lacks or not all(self.may(verb, name) for name in names):
            raise Refusal("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", fields=[])

    def sees_row(self, owner: str, row: Row) -> bool:
        """Whether sharing shows the record to the user."""
        if owner in self.halved_objects and ord(row[0][14]) % 2:
            return False
        return row[0] not in self.hidden_records

    def sees_all_rows(self, owner: str) -> bool:
        """Whether no record of the object can be invisible, which saves asking for each."""
        return owner not in self.halved_objects and not self.hidden_records

    def visible_fields(self, kind: ObjectType) -> dict[str, Field]:
        """The fields of an object the user sees."""
        return {name: one for name, one in kind.fields.items() if (kind.name, name) not in self.hidden_fields}


def grant_minimum(rights: Rights, objects: dict[str, ObjectType]) -> None:
    """The least a sync user needs by the vendor's guide: names, e-mail and lead status writable, the rest read-only."""
    rights.marketing_user = False
    rights.view_setup = False
    rights.lacks |= {"ConvertLeads", "TransferAnyLead"}
    rights.hidden_objects |= {name for name, kind in objects.items() if kind.custom}
    for name in SALES:
        rights.fixed_fields |= {
            (name, one.name) for one in objects[name].fields.values() if one.permissionable and one.name != "Email"
        }


def restrict(rights: Rights) -> None:
    """A user who sees no opportunities, misses some fields, half of the people and accounts, and deletes nobody."""
    rights.marketing_user = False
    rights.view_setup = False
    rights.lacks |= {"ConvertLeads", "EditTask", "TransferAnyLead", "ViewAllData"}
    rights.barred |= {("Lead", "delete"), ("Contact", "delete"), ("Contact", "create")}
    rights.hidden_objects |= {"Opportunity", "OpportunityContactRole", "OpportunityStage"}
    rights.hidden_fields |= {
        *(("Account", "Type"), ("Account", "AnnualRevenue"), ("Lead", "Phone"), ("Lead", "Budget__c")),
        *(("Contact", "Phone"), ("Contact", "Title"), ("Contact", "Budget__c"), ("Contact", "Account_Industry__c")),
    }
    rights.halved_objects |= {"Account", "Contact", "Lead"}


def shown(rights: Rights, table: Table, row: Row | None) -> bool:
    """Whether a row is there, out of the bin and visible to the user."""
    return row is not None and table.live(row) and rights.sees_row(table.kind.name, row)
