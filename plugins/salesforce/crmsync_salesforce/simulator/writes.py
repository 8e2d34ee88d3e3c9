"""Creating and updating one record: who may, what is missing, what is already there."""

from __future__ import annotations

from msgspec import Struct

from crmsync_salesforce.simulator.access import Rights
from crmsync_salesforce.simulator.cells import Cells
from crmsync_salesforce.simulator.duplicates import alike, looks
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import ObjectType, Row, Values
from crmsync_salesforce.simulator.rules import BEFORE_SAVE, Draft, touch
from crmsync_salesforce.simulator.state import State
from crmsync_salesforce.simulator.table import Table


class Manner(Struct, frozen=True, kw_only=True):
    """How a write comes in: the request headers that change its effect."""

    auto_assign: bool = False
    allow_duplicates: bool = False
    size: int = 1  # records in the same call


class Writer:
    """Writes as one user; with `force` as the org's own hand, which may set any stored field."""

    def __init__(self, state: State, rights: Rights, *, manner: Manner | None = None, force: bool = False) -> None:
        self._state = state
        self._rights = rights
        self._cells = Cells(state, rights, force=force)
        self._manner = manner or Manner()
        self._force = force

    def create(self, name: str, given: Values) -> str:
        """Make a record and return its id; raises Refusal when the org will not have it."""
        kind = self._cells.reader.object(name)
        table = self._state.tables[kind.name]
        if not self._force and not (kind.createable and self._rights.may("create", kind.name)):
            raise _may_not(kind.name, "create")
        cells = self._cells.of(kind, given, "createable")
        self._automate(kind, cells)
        self._require(kind, cells)
        row = self._blank(table, cells)
        self._assign(kind, table, row)
        self._look_for_others(kind, table, row)
        return self._save(table, row, None)

    def update(self, name: str, identity: str, given: Values) -> None:
        """Change a record; raises Refusal when the org will not have it."""
        kind = self._cells.reader.object(name)
        table = self._state.tables[kind.name]
        before = self._existing(table, identity)
        self._state.automation.touch(identity)
        if not self._force and not (kind.updateable and self._rights.may("update", kind.name)):
            raise _may_not(kind.name, "update")
        if self._closed(kind, table, before):
            raise Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])
        cells = self._cells.of(kind, given, "updateable")
        self._check_transfer(kind, table, before, cells)
        self._automate(kind, cells)
        row = before.copy()
        for field_name, value in cells.items():
            row[table.columns[field_name]] = value
        self._forbid_null(kind, cells)
        self._assign(kind, table, row)
        if "Email" in cells:
            self._look_for_others(kind, table, row)
        self._save(table, row, before)

    def _closed(self, kind: ObjectType, table: Table, row: Row) -> bool:
        """Whether the record is a lead that was converted, which most orgs let nobody change."""
        ends = kind.name == "Lead" and not self._force and not self._state.settings.edit_converted
        return ends and bool(row[table.columns["IsConverted"]])

    def _check_transfer(self, kind: ObjectType, table: Table, before: Row, cells: Values) -> None:
        owner = before[table.columns["OwnerId"]] if kind.name == "Lead" else self._rights.user_id
        if not self._force and owner not in (self._rights.user_id, cells.get("OwnerId", owner)):
            self._rights.need("update", kind.name, permission="TransferAnyLead")

    def _automate(self, kind: ObjectType, cells: Values) -> None:
        if not self._force:
            self._state.automation.before_save(kind.name, cells, self._manner.size)

    def _existing(self, table: Table, identity: str) -> Row:
        row = table.by_id.get(identity)
        if row is None or not self._rights.sees_row(table.kind.name, row):
            raise Refusal("NOT_FOUND", "The requested resource does not exist")
        if not table.live(row):
            raise Refusal("ENTITY_IS_DELETED", "entity is deleted", fields=[])
        return row

    def _save(self, table: Table, row: Row, before: Row | None) -> str:
        touch(self._state, table, row, self._rights.user_id)
        rule = BEFORE_SAVE.get(table.kind.name)
        if rule is not None:
            rule(Draft(self._state, table, row, before))
        self._check_unique(table, row)
        self._state.save(table, row)
        return str(row[0])

    def _require(self, kind: ObjectType, cells: Values) -> None:
        named = kind.name == "Account" and cells.get("LastName") is not None
        missing = [
            one.name
            for one in kind.fields.values()
            if one.required and cells.get(one.name) is None and not (named and one.name == "Name")
        ]
        if missing:
            raise Refusal(
                "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", fields=missing
            )

    def _forbid_null(self, kind: ObjectType, cells: Values) -> None:
        missing = [name for name, value in cells.items() if value is None and kind.fields[name].required]
        if missing:
            raise Refusal(
                "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", fields=missing
            )

    def _blank(self, table: Table, cells: Values) -> Row:
        row: Row = [None] * len(table.columns)
        for name, column in table.columns.items():
            field = table.kind.fields.get(name)
            if field is not None:
                row[column] = cells.get(name, field.default) if name in cells or field.default is not None else None
        row[0] = next(self._state.fresh_ids(table.kind.name))
        for name in ("OwnerId", "CreatedById"):
            if name in table.columns and row[table.columns[name]] is None:
                row[table.columns[name]] = self._rights.user_id
        if row[table.columns["CreatedDate"]] is None:
            row[table.columns["CreatedDate"]] = self._state.stamp()
        if table.kind.custom and "Name" in table.columns and row[table.columns["Name"]] is None:
            row[table.columns["Name"]] = row[0][:15]
        return row

    def _assign(self, kind: ObjectType, table: Table, row: Row) -> None:
        if kind.name == "Lead" and self._manner.auto_assign and self._state.settings.auto_assign:
            row[table.columns["OwnerId"]] = self._state.people.lead_owner

    def _check_unique(self, table: Table, row: Row) -> None:
        for field in table.kind.fields.values():
            value = row[table.columns[field.name]] if field.unique and field.name in table.columns else None
            if value is None:
                continue
            other = next((one for one in table.find(field.name, value) if one != row[0]), None)
            if other is not None and table.live(table.by_id[other]):
                raise Refusal(
                    "DUPLICATE_VALUE",
                    f"duplicate value found: {field.name} duplicates value on record with id: {other[:15]}",
                    fields=[],
                )

    def matches(self, name: str, key: str, value: str) -> list[str]:
        """The ids of the live, visible records that hold a value in a key field."""
        return self._cells.matches(name, key, value)

    def _look_for_others(self, kind: ObjectType, table: Table, row: Row) -> None:
        mode = self._state.settings.duplicate_rule
        if looks(mode, kind.name, allowed=self._manner.allow_duplicates):
            email = row[table.columns["Email"]]
            found = [one for one in self.matches(kind.name, "Email", email) if one != row[0]] if email else []
            if found:
                raise alike(kind.name, found, allow=mode == "alert")


def _may_not(name: str, verb: str) -> Refusal:
    return Refusal(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {name} is not {verb}able for this user", fields=[]
    )
