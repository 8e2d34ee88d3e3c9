"""Everything the org is made of: its schema, rows, people, clock and settings, and the few ways to reach them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from crmsync.clock import Clock
from crmsync_salesforce.simulator import ids, moments
from crmsync_salesforce.simulator.access import Rights
from crmsync_salesforce.simulator.automation import nothing_set_up
from crmsync_salesforce.simulator.fields import ObjectType, Row
from crmsync_salesforce.simulator.table import Table


class Settings(Struct, kw_only=True):
    """How this org behaves where orgs differ; the control path may change any of it while the org runs."""

    api_version: str = "62.0"
    versions: tuple[str, ...] = ("59.0", "60.0", "61.0", "62.0", "63.0", "64.0", "65.0")
    session_seconds: int = 7200
    commit_lag: float = 0
    daily_limit: int = 100_000
    batch_size: int = 2000
    bulk_page: int = 50_000
    bulk_polls: int = 1
    rotate_refresh_tokens: bool = False
    auto_assign: bool = True
    unknown_member_status: str = "default"
    duplicate_rule: str = "off"
    soap_login: bool = True
    edit_converted: bool = False
    gzip: bool = True
    certificate: str | None = None


class People(Struct):
    """The ids that writes are stamped with."""

    admin: str = ""
    integration: str = ""
    lead_owner: str = ""


class Uncommitted(Struct):
    """A list of rows to put back, kept while an all-or-none call runs."""

    before: list[tuple[Table, str, Row | None]] = field(default_factory=list)


class State:
    """One org's data; no rule of the vendor lives here."""

    def __init__(self, objects: dict[str, ObjectType], clock: Clock, settings: Settings) -> None:
        self.objects = objects
        self.clock = clock
        self.settings = settings
        self.tables = {name: Table(kind) for name, kind in objects.items()}
        self.rights: dict[str, Rights] = {}
        self.people = People()
        self.automation = nothing_set_up()
        self.mails: list[tuple[str, str]] = []  # to which user, about which record
        self.schema_changed = moments.whole(clock.now())
        self.schema_revision = 0
        self.deleted_with: dict[str, str] = {}
        self.journal: Uncommitted | None = None
        self.system = Rights(user_id="", username="system", password="", security_token="", title="system")
        self._names = {name.lower(): name for name in objects}
        self._prefixes: dict[str, str] = {}
        self._numbers: dict[str, Iterator[str]] = {}
        for kind in objects.values():
            self._register(kind)

    def _register(self, kind: ObjectType) -> None:
        self._names[kind.name.lower()] = kind.name
        if kind.prefix:
            self._prefixes.setdefault(kind.prefix, kind.name)

    def add_object(self, kind: ObjectType) -> None:
        """Take a new object without rows."""
        self.objects[kind.name] = kind
        self.tables[kind.name] = Table(kind)
        self._register(kind)
        self.touch_schema()

    def touch_schema(self) -> None:
        """Note that describes have changed."""
        self.schema_revision += 1
        self.schema_changed = moments.whole(self.now())

    def now(self) -> datetime:
        """The org's time."""
        return self.clock.now()

    def stamp(self) -> str:
        """The present second as stamps spell it."""
        return moments.spell(moments.whole(self.now()))

    def settle(self) -> None:
        """Let transactions that have committed by now be seen."""
        now = self.now().timestamp()
        for table in self.tables.values():
            if table.pending:
                table.settle(now)

    def oldest_pending(self) -> float | None:
        """When the oldest transaction that still runs began."""
        return min((one.since for table in self.tables.values() for one in table.pending.values()), default=None)

    def find_object(self, name: str) -> ObjectType | None:
        """The object of that name in any spelling."""
        known = self._names.get(name.lower())
        return self.objects.get(known) if known else None

    def table_of(self, identity: str) -> Table | None:
        """The table an id belongs to by its prefix."""
        name = self._prefixes.get(identity[:3])
        return self.tables.get(name) if name else None

    def fresh_ids(self, name: str) -> Iterator[str]:
        """The ids of an object, counted up for ever."""
        prefix = self.objects[name].prefix or "000"
        if prefix not in self._numbers:
            self._numbers[prefix] = ids.count_up(prefix)
        return self._numbers[prefix]

    def save(self, table: Table, row: Row) -> None:
        """Store a row, to be seen when its transaction commits."""
        self._remember(table, row[0])
        lag = self.settings.commit_lag
        if lag:
            now = self.now().timestamp()
            table.hold(row[0], now, now + lag)
        table.put(row)

    def drop(self, table: Table, identity: str) -> None:
        """Forget a row for good."""
        self._remember(table, identity)
        table.remove(identity)

    def _remember(self, table: Table, identity: str) -> None:
        if self.journal is not None:
            self.journal.before.append((table, identity, table.by_id.get(identity)))

    @contextmanager
    def transaction(self) -> Iterator[Uncommitted]:
        """Keep what every write in the block replaces, so that it can be rolled back, alone or with an outer one."""
        outer, own = self.journal, Uncommitted()
        self.journal = own
        try:
            yield own
        finally:
            self.journal = outer
            if outer is not None:
                outer.before.extend(own.before)

    def roll_back(self, journal: Uncommitted) -> None:
        """Put back every row that was written since the journal began."""
        for table, identity, row in reversed(journal.before):
            table.pending.pop(identity, None)
            if row is not None:
                table.put(row)
            elif identity in table.by_id:
                table.remove(identity)
            if row is not None and table.live(row):
                table.gone.pop(identity, None)
                self.deleted_with.pop(identity, None)

    def counter(self, name: str) -> Any:
        """A function that works out one of a campaign's counters from its members or opportunities."""
        if "Opportunities" in name:
            return lambda row: self._opportunities(row[0], name)
        return lambda row: self._members(row[0], name)

    def _live(self, name: str, column: str, value: str) -> list[Row]:
        table = self.tables[name]
        rows = (table.by_id.get(one) for one in table.find(column, value))
        return [row for row in rows if row is not None and table.live(row)]

    def _members(self, campaign: str, name: str) -> int:
        columns = self.tables["CampaignMember"].columns
        rows = self._live("CampaignMember", "CampaignId", campaign)
        if name == "NumberOfResponses":
            return sum(1 for row in rows if row[columns["HasResponded"]])
        if name == "NumberOfConvertedLeads":
            return sum(1 for row in rows if row[columns["LeadId"]] and row[columns["ContactId"]])
        kind = "LeadId" if name == "NumberOfLeads" else "ContactId"
        return sum(1 for row in rows if row[columns[kind]])

    def _opportunities(self, campaign: str, name: str) -> float | int:
        columns = self.tables["Opportunity"].columns
        rows = self._live("Opportunity", "CampaignId", campaign)
        if "Won" in name:
            rows = [row for row in rows if row[columns["IsWon"]]]
        if name.startswith("Amount"):
            return float(sum(row[columns["Amount"]] or 0 for row in rows))
        return len(rows)
