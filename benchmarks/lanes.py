"""The ways to read that are measured: each with its connector, its stand-in, its script and its bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.dynamics import contacts as dynamics
from benchmarks.measure import Failed, Spent, ask, python
from benchmarks.salesforce import contacts as salesforce


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A connector, and what all its lanes share."""

    name: str
    others: tuple[str, ...]  # objects that are not measured
    fields: tuple[str, ...]  # what is read, at the least
    page: int
    changed_columns: int  # of a changed record
    load: str  # what the script calls a plain load
    title: str  # the column that is edited, as the script has it
    batch: int  # records a call that writes takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to read: what the connector's settings and the script call it. A bar is None where nothing is asked."""

    name: str
    vendor: Vendor
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    first: float | None
    again: float | None


SALESFORCE = Vendor(
    name="salesforce",
    others=(
        "User", "Group", "RecordType", "Account", "Campaign", "CampaignMemberStatus", "Lead", "Opportunity",
        "OpportunityContactRole", "CampaignMember", "Task", "Event",
    ),
    fields=salesforce.FIELDS, page=salesforce.PAGE, changed_columns=len(salesforce.CHANGED_FIELDS), load="rest",
    title="Title", batch=200,
)  # fmt: skip
DYNAMICS = Vendor(
    name="dynamics",
    others=(
        "systemuser", "team", "account", "campaign", "lead", "opportunity", "opportunity_customer", "connection",
        "task",
    ),
    fields=dynamics.FIELDS, page=dynamics.PAGE, changed_columns=dynamics.CHANGED_COLUMNS, load="dynamics",
    title="jobtitle", batch=500,
)  # fmt: skip
VENDORS = (SALESFORCE, DYNAMICS)
WAYS = {
    one.name: one
    for one in (
        Way(name="rest", vendor=SALESFORCE, settings={"bulk": "never"}, first=1.5, again=1.2),
        Way(name="bulk", vendor=SALESFORCE, settings={"bulk": "always"}, first=0.8, again=None),
        Way(name="dynamics", vendor=DYNAMICS, first=1.5, again=None),
    )
}


class Lane:
    """One way, with the databases of both sides in a folder of its own."""

    def __init__(self, way: Way, ready: Mapping[str, str], folder: Path) -> None:
        self.way, self.vendor, self.name, self.address = way, way.vendor, way.name, ready["url"]
        self.folder = folder / way.name
        self.folder.mkdir(exist_ok=True)
        self.ours, self.theirs = self.folder / "crmsync.db", self.folder / "script.db"
        settings = {"url": self.address, "access_token": ready["access_token"], **way.settings}
        lines = "\n".join(f'{key} = "{value}"' for key, value in settings.items())
        disable = ", ".join(f'"{one}"' for one in self.vendor.others)
        (self.folder / "crmsync.toml").write_text(
            f"""[connections.bench]
connector = "{self.vendor.name}"
database = "crmsync.db"
objects.disable = [{disable}]

[connections.bench.settings]
{lines}
""",
            "utf-8",
        )

    def hold(self, records: int, *, moved: bool = False, pause: float = 0) -> dict[str, Any]:
        """Say what the org holds, and hear what was asked of it; see that crmsync asks for no less than the script."""
        said: dict[str, Any] = ask(f"{self.address}/setup", {"records": records, "moved": moved, "pause": pause})
        if said["fields"] and not set(self.vendor.fields) <= set(said["fields"]):
            raise Failed(f"crmsync asked for other columns: {said['fields']}")
        return said

    def sync(self) -> Spent:
        """One `crmsync sync`."""
        return python(["crmsync", "sync", "--settings", "crmsync.toml", "--json"], self.folder)

    def script(self, what: str = "") -> Spent:
        """One run of the script, which does what the lane is for unless told otherwise."""
        script = f"benchmarks.{self.vendor.name}.scripts"
        return python([script, what or self.name, self.address, str(self.theirs)], self.folder)
