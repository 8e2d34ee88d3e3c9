"""Everything the environment is made of: schema, rows, people, clock and settings, and the few ways to reach them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from crmsync.clock import Clock
from crmsync_dynamics.simulator import ids, moments
from crmsync_dynamics.simulator.access import User
from crmsync_dynamics.simulator.automation import Automation
from crmsync_dynamics.simulator.fields import Entity, Pairing, Ref, Row
from crmsync_dynamics.simulator.schema import PAIRINGS
from crmsync_dynamics.simulator.table import Table

FIRST_VERSION = 1_000_000


class Settings(Struct, kw_only=True):
    """How this environment behaves where environments differ; the control path may change any of it while it runs."""

    versions: tuple[str, ...] = ("9.0", "9.1", "9.2")
    token_seconds: int = 3599
    secret_expired: bool = False
    sign_in_page: bool = False  # a bearer that is not valid gets a page instead of a 401
    page_size: int = 5000
    count_limit: int = 5000
    change_tracking_days: int = 7
    expired_status: int = 400
    secured_filter_status: int = 403
    labels: bool = True  # UserLocalizedLabel; without, only the base language has labels
    schema_lag: float = 0  # for how many seconds a new column is not known without `Consistency: Strong`
    deletions_first: bool = False  # whether a delta tells deletions before changes
    etag_header: bool = True
    privilege_names: bool = True  # whether a user's privileges are told with their names
    privileges_listed: bool = True  # whether the names of all privileges can be asked for
    empty_page_every: int = 0  # an empty page with a next link, in front of each n-th page
    delta_with_annotations: bool = True
    bare_lookups: bool = True  # `$select` takes a look-up by its bare name
    optimistic: bool = True
    upsert: bool = True
    request_limit: int = 6000
    request_window: int = 300
    concurrency_limit: int = 52
    parallelism: int = 8  # x-ms-dop-hint
    trim: bool = False  # spaces around a text that is written are taken off
    refuse_read_only: bool = False  # a read-only column in a body is an error; without, it is ignored
    edit_closed_leads: bool = True  # leads that are qualified or disqualified may be written
    mirror_customer: bool = True  # the customer of a deal becomes its account or contact
    duplicate_detection: bool = True
    duplicate_rules: tuple[tuple[str, str], ...] = tuple(
        (one, "emailaddress1") for one in ("account", "contact", "lead")
    )
    restricted: frozenset[tuple[str, str]] = frozenset()  # look-ups whose target cannot be deleted
    qualify_fills: bool = True  # a qualified lead is told what it became
    qualify_reuses: bool = True  # a lead's own account and contact are used when it is qualified


class People(Struct):
    """The ids that rows are stamped with."""

    admin: str = ""
    integration: str = ""
    unit: str = ""
    organization: str = ""
    currency: str = ""


class Uncommitted(Struct):
    """The rows to put back, kept while a call runs that may fail as a whole."""

    since: int
    before: list[tuple[Table, str, Row | None]] = field(default_factory=list)
    pairs: dict[str, set[tuple[str, str]]] = field(default_factory=dict)


class State:
    """One environment's data; no rule of the vendor lives here."""

    def __init__(self, entities: dict[str, Entity], clock: Clock, settings: Settings, seed: int) -> None:
        self.entities = entities
        self.clock = clock
        self.settings = settings
        self.tables = {name: Table(entity) for name, entity in entities.items()}
        self.pairings: dict[str, Pairing] = {one.name: one for one in PAIRINGS}
        self.pairs: dict[str, set[tuple[str, str]]] = {name: set() for name in self.pairings}
        self.users: dict[str, User] = {}
        self.people = People()
        self.automation = Automation()
        self.written: Counter[str] = Counter()  # how often each column was in a body, by table and its name there
        self.version = FIRST_VERSION
        self.schema_version = 6_012_567
        self.schema_changed: dict[str, int] = {}  # the version at which a table's columns changed last
        self.added: dict[tuple[str, str], datetime] = {}  # when columns were added
        self.journal: Uncommitted | None = None
        self.ids = ids.draw(seed)

    def entity_of_set(self, name: str) -> Entity | None:
        """The table of an entity set, exactly as it is spelled."""
        return next((one for one in self.entities.values() if one.set_name == name), None)

    def add_entity(self, entity: Entity) -> None:
        """Take a new table without rows."""
        self.entities[entity.name] = entity
        self.tables[entity.name] = Table(entity)
        self.touch_schema()

    def touch_schema(self, entity: str = "") -> None:
        """Note that metadata changed; of a named table, so that the delta links given out for it are good no more."""
        self.schema_version += 1
        if entity:
            self.schema_changed[entity] = self.next_version()

    def unpublished(self, entity: str, column: str) -> bool:
        """Whether a column was added so lately that not every server knows it."""
        since = self.added.get((entity, column)) if self.settings.schema_lag else None
        return since is not None and (self.now() - since).total_seconds() < self.settings.schema_lag

    def now(self) -> datetime:
        """The environment's time."""
        return self.clock.now()

    def stamp(self) -> str:
        """The present second as stamps spell it."""
        return moments.spell(self.now())

    def next_version(self) -> int:
        """The next row version of the whole database."""
        self.version += 1
        return self.version

    def get(self, ref: Ref | None) -> Row | None:
        """The row of a reference."""
        return self.tables[ref.table].by_id.get(ref.id) if ref is not None and ref.table in self.tables else None

    def save(self, table: Table, row: Row) -> None:
        """Store a row under a new version, which is set in it."""
        row["versionnumber"] = self.next_version()
        self._remember(table, row[table.entity.key])
        table.put(row)

    def drop(self, table: Table, identity: str) -> None:
        """Delete a row; whoever tracks changes will hear of it."""
        self._remember(table, identity)
        table.remove(identity, self.next_version())

    def _remember(self, table: Table, identity: str) -> None:
        if self.journal is not None:
            self.journal.before.append((table, identity, table.by_id.get(identity)))

    @contextmanager
    def transaction(self) -> Iterator[Uncommitted]:
        """Keep what every write in the block replaces; an exception takes all of them back."""
        outer = self.journal
        own = Uncommitted(self.version, pairs={name: set(pairs) for name, pairs in self.pairs.items()})
        self.journal = own
        try:
            yield own
        except BaseException:
            self._roll_back(own)
            own.before.clear()
            raise
        finally:
            self.journal = outer
            if outer is not None:
                outer.before.extend(own.before)

    def _roll_back(self, journal: Uncommitted) -> None:
        for table, identity, row in reversed(journal.before):
            if row is not None:
                table.put(row)
            elif identity in table.by_id:
                table.remove(identity)
            table.gone = [one for one in table.gone if one[0] <= journal.since]
        self.pairs.update(journal.pairs)

    def name_of(self, ref: Ref | None) -> Any:
        """The primary name of a referenced row."""
        row = self.get(ref)
        primary = self.entities[ref.table].primary_name if ref is not None and row is not None else None
        return row.get(primary) if row is not None and primary else None
