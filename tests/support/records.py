"""What tests of the rules ask a simulated connection again and again."""

from __future__ import annotations

from typing import Any

from support.simulated import Simulated

ALL = ("User", "Group", "Account", "Contact", "Lead", "Opportunity", "OpportunityContactRole", "Campaign",
       "CampaignMemberStatus", "CampaignMember", "Task", "Event")  # fmt: skip


def ids(sim: Simulated, name: str) -> list[str]:
    """The ids of an object's living records, in the order in which they were made."""
    return [str(one["Id"]) for one in sim.org.records(name)]


def everything(sim: Simulated) -> dict[str, list[Any]]:
    """All records of the org, stamps included: any write shows."""
    return {name: list(sim.org.records(name)) for name in ALL}


def person(sim: Simulated, crm_id: str) -> int:
    """The row to which a person's id leads now."""
    return int(sim.one("SELECT row_id FROM crmsync_link WHERE crm_id = ?", crm_id))


def value(sim: Simulated, column: str, crm_id: str, table: str = "person") -> Any:
    """One column of the row that carries this id."""
    return sim.one(f'SELECT "{column}" FROM {table} WHERE crm_id = ?', crm_id)


def there(sim: Simulated, name: str, crm_id: str, *fields: str) -> Any:
    """A record of the org by id; where fields are named, their values (one alone as it is)."""
    record = next(one for one in sim.org.records(name) if one["Id"] == crm_id)
    found = tuple(record[one] for one in fields)
    return found[0] if len(fields) == 1 else found or record


def kinds(sim: Simulated, run: int | None = None) -> dict[str, int]:
    """How many activities of each kind there are, of one run where one is named."""
    where = "" if run is None else f"WHERE run = {run}"
    return dict(sim.sql(f"SELECT kind, COUNT(*) FROM activity {where} GROUP BY kind"))


def step(summary: Any, obj: str, operation: str = "pull updates") -> dict[str, Any]:
    """The step of a run for an object and operation, zeros where there was none."""
    found = [one for one in summary.steps if (one["object"], one["operation"]) == (obj, operation)]
    names = ("new", "updated", "deleted", "failed", "skipped", "pages", "calls")
    return found[0] if found else dict.fromkeys(names, 0)


def columns(sim: Simulated, table: str = "person") -> list[str]:
    """The columns of a table."""
    return [str(row[1]) for row in sim.sql(f"PRAGMA table_info({table})")]


def listed(sim: Simulated) -> dict[str, dict[str, Any]]:
    """What `crmsync fields` says of every visible field, by "Object.Field"."""
    lines = sim.use(lambda connection: connection.fields())
    return {f"{one['object']}.{one['field']}": one for one in lines}


def edit_first(sim: Simulated, name: str, values: dict[str, Any]) -> str:
    """Update the first record of an object; returns its id."""
    crm_id = ids(sim, name)[0]
    sim.org.update(name, crm_id, values)
    return crm_id
