"""The simulated org as tests and the demo story hold it: its data, its people, and everything that can happen in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from crmsync.clock import Clock, SystemClock
from crmsync_salesforce.simulator import ids, schema
from crmsync_salesforce.simulator.access import Rights
from crmsync_salesforce.simulator.conversion import Conversion, Wish
from crmsync_salesforce.simulator.definitions import field_of, object_of
from crmsync_salesforce.simulator.errors import not_found
from crmsync_salesforce.simulator.fields import Field, Row, Values
from crmsync_salesforce.simulator.generator import fill
from crmsync_salesforce.simulator.lifecycle import Lifecycle
from crmsync_salesforce.simulator.made import Plan
from crmsync_salesforce.simulator.reader import Reader
from crmsync_salesforce.simulator.sessions import Sessions
from crmsync_salesforce.simulator.state import Settings, State
from crmsync_salesforce.simulator.writes import Writer


class Org:
    """A whole simulated org, the same for the same seed and clock.

    The methods act as another CRM user (an administrator unless `user` names one) and may set any stored field.
    """

    def __init__(
        self,
        records: int = 50,
        seed: int = 7,
        *,
        big_account: int = 0,
        person_accounts: int = 0,
        duplicates: float = 0.02,
        clock: Clock | None = None,
        settings: Settings | None = None,
        **changes: Any,
    ) -> None:
        self.seed = seed
        self.settings = replace(settings or Settings(), **changes)
        objects = schema.standard(person_accounts=person_accounts > 0)
        self.state = State(objects, clock or SystemClock(), self.settings)
        plan = Plan(records=records, seed=seed, big=big_account, person_accounts=person_accounts, duplicates=duplicates)
        fill(self.state, plan)
        self.sessions = Sessions(self.state, seed)

    @property
    def clock(self) -> Clock:
        """The clock all stamps and expiries go by."""
        return self.state.clock

    def user(self, name: str | None) -> Rights:
        """A user by id, username or role ("full", "minimum", "restricted", "admin"); the administrator for None."""
        if name is None:
            return self.state.rights[self.state.people.admin]
        for rights in self.state.rights.values():
            if name in {rights.user_id, rights.user_id[:15], rights.username, rights.title}:
                return rights
        raise KeyError(name)

    def create(self, name: str, values: Values, user: str | None = None) -> str:
        """Make a record and return its id."""
        return Writer(self.state, self.user(user), force=True).create(name, values)

    def update(self, name: str, identity: str, values: Values, user: str | None = None) -> None:
        """Change some fields of a record."""
        Writer(self.state, self.user(user), force=True).update(name, self._whole(identity), values)

    def delete(self, name: str, identity: str, user: str | None = None) -> None:
        """Put a record into the recycle bin."""
        Lifecycle(self.state, self.user(user)).delete(self._whole(identity), name)

    def hard_delete(self, name: str, identity: str, user: str | None = None) -> None:
        """Delete a record so that only getDeleted still knows."""
        if name not in self.state.tables:
            raise KeyError(name)
        Lifecycle(self.state, self.user(user)).hard_delete(self._whole(identity))

    def undelete(self, name: str, identity: str, user: str | None = None) -> None:
        """Bring a record back from the recycle bin."""
        if name not in self.state.tables:
            raise KeyError(name)
        Lifecycle(self.state, self.user(user)).undelete(self._whole(identity))

    def merge(self, name: str, master: str, losers: Sequence[str], user: str | None = None) -> list[str]:
        """Merge one or two records into a master."""
        wholes = [self._whole(one) for one in losers]
        return Lifecycle(self.state, self.user(user)).merge(name, self._whole(master), wholes)

    def convert_lead(
        self,
        lead_id: str,
        account_id: str | None = None,
        contact_id: str | None = None,
        *,
        opportunity: bool = True,
        owner_id: str | None = None,
        user: str | None = None,
    ) -> dict[str, Any]:
        """Convert a lead; returns leadId, accountId, contactId and opportunityId."""
        wish = Wish(
            lead=self._whole(lead_id), account=account_id, contact=contact_id, opportunity=opportunity, owner=owner_id
        )
        return Conversion(self.state, self.user(user), wish).run()

    def get(self, name: str, identity: str) -> Values | None:
        """A record as a dict, deleted or not; None when there is none."""
        table = self.state.tables[name]
        row = table.by_id.get(self._whole(identity))
        return self._record(name, row) if row is not None else None

    def records(self, name: str) -> Iterator[Values]:
        """The live records of an object as dicts, calculated fields included."""
        table = self.state.tables[name]
        return (self._record(name, row) for row in list(table.by_id.values()) if table.live(row))

    def count(self, name: str) -> int:
        """How many live records an object has."""
        table = self.state.tables[name]
        return sum(1 for row in table.by_id.values() if table.live(row))

    def add_field(self, name: str, definition: Field | str | dict[str, Any]) -> None:
        """Add a field: a Field, a table line, or a dict with at least name and type."""
        field = field_of(name, definition)
        self.state.objects[name].fields[field.name] = field
        self.state.tables[name].add_column(field, field.default)
        self.state.touch_schema()

    def remove_field(self, name: str, field: str) -> None:
        """Take a field away for everybody."""
        del self.state.objects[name].fields[field]
        self.state.touch_schema()

    def add_object(self, definition: dict[str, Any]) -> None:
        """Add a custom object: a dict with name, and optionally label, plural, prefix and fields."""
        self.state.add_object(object_of(definition, len(self.state.objects)))

    def hide_object(self, user: str | None, name: str, *, hidden: bool = True) -> None:
        """Take an object from a user's sight (everybody's for None), or give it back."""
        for rights in self._whose(user):
            (rights.hidden_objects.add if hidden else rights.hidden_objects.discard)(name)
        self.state.touch_schema()

    def hide_field(self, user: str | None, name: str, field: str, *, hidden: bool = True) -> None:
        """Take a field from a user's sight (everybody's for None), or give it back."""
        for rights in self._whose(user):
            (rights.hidden_fields.add if hidden else rights.hidden_fields.discard)((name, field))
        self.state.touch_schema()

    def hide_record(self, user: str | None, identity: str, *, hidden: bool = True) -> None:
        """Take a record from a user's sight (everybody's for None), or give it back. No stamp moves."""
        for rights in self._whose(user):
            (rights.hidden_records.add if hidden else rights.hidden_records.discard)(self._whole(identity))

    def _whose(self, user: str | None) -> list[Rights]:
        return [self.user(user)] if user is not None else list(self.state.rights.values())

    def _record(self, name: str, row: Row) -> Values:
        table = self.state.tables[name]
        reader = Reader(self.state, self.state.system)
        return {
            field.name: reader.getter(table, field)(row)
            for field in table.kind.fields.values()
            if field.type != "address"
        }

    def _whole(self, identity: str) -> str:
        whole = ids.normalise(identity)
        if whole is None:
            raise not_found()
        return whole
