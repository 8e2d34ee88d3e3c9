"""crmsync keeps a CRM and a marketing database in step; each CRM is a plugin.

A connector is a module with hooks, named by an entry point of the group `crmsync`:

    import crmsync

    @crmsync.hookimpl
    def system() -> crmsync.System:
        return crmsync.System(name="acme", title="Acme CRM", settings=Settings, connect=connect, routes=routes)

    @crmsync.hookimpl
    async def fetch(session, query: crmsync.Query):
        yield crmsync.Page(columns=..., rows=..., mark=...)

A program of one's own runs a sync as the command does:

    async with crmsync.open("crmsync.toml") as app:
        summary = await app.connection("acme").sync()
"""

from crmsync.errors import (
    ConnectionStopped,
    CrmError,
    CrmsyncError,
    Denied,
    LeaseHeld,
    LeaseLost,
    OtherOrg,
    PluginError,
    QuotaKept,
    QuotaSpent,
    RecordRefused,
    RetryLater,
    RouteStopped,
    SchemaMoved,
    SchemaTooNew,
    SettingsError,
    StoreError,
)
from crmsync.hookspecs import Context, Customs, Hooks, Session, Simulation, Story, System, hookimpl
from crmsync.model import (
    Alike,
    Condition,
    Counts,
    Cursor,
    Direction,
    Event,
    Field,
    FieldMap,
    Fields,
    Finding,
    Gone,
    Identity,
    Kind,
    Level,
    Merged,
    Page,
    Query,
    Route,
    Row,
    Scope,
    Sent,
    Skipped,
    Type,
    Usage,
    Value,
    Winner,
)
from crmsync.service import open  # noqa: A004 - the door's own word: crmsync.open
from crmsync.writes import Change, Operation, Outcome, Outcomes, Result, Wish

__all__ = [
    "Alike",
    "Change",
    "Condition",
    "ConnectionStopped",
    "Context",
    "Counts",
    "CrmError",
    "CrmsyncError",
    "Cursor",
    "Customs",
    "Denied",
    "Direction",
    "Event",
    "Field",
    "FieldMap",
    "Fields",
    "Finding",
    "Gone",
    "Hooks",
    "Identity",
    "Kind",
    "LeaseHeld",
    "LeaseLost",
    "Level",
    "Merged",
    "Operation",
    "OtherOrg",
    "Outcome",
    "Outcomes",
    "Page",
    "PluginError",
    "Query",
    "QuotaKept",
    "QuotaSpent",
    "RecordRefused",
    "Result",
    "RetryLater",
    "Route",
    "RouteStopped",
    "Row",
    "SchemaMoved",
    "SchemaTooNew",
    "Scope",
    "Sent",
    "Session",
    "SettingsError",
    "Simulation",
    "Skipped",
    "StoreError",
    "Story",
    "System",
    "Type",
    "Usage",
    "Value",
    "Winner",
    "Wish",
    "hookimpl",
    "open",
]
