"""What the values of a write become: cells by field, references among them checked, and records found by a key."""

from __future__ import annotations

from typing import Any

from crmsync_salesforce.simulator import values
from crmsync_salesforce.simulator.access import Rights
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Field, ObjectType, Values
from crmsync_salesforce.simulator.reader import Reader
from crmsync_salesforce.simulator.state import State

_VERBS = {"createable": "create", "updateable": "update"}
_MASTER_RECORD_TYPE = "012000000000000AAA"


class Cells:
    """Of one user's writes; with `force` any stored field may be set."""

    def __init__(self, state: State, rights: Rights, *, force: bool) -> None:
        self._state = state
        self._rights = rights
        self._force = force
        self.reader = Reader(state, rights)

    def of(self, kind: ObjectType, given: Values, flag: str) -> Values:
        """The cells that are given, by field; `flag` says whether the record is new. Raises Refusal."""
        cells: Values = {}
        refused: list[str] = []
        for name, value in given.items():
            if name == "attributes" or name.lower() == "id":
                continue
            if isinstance(value, dict):
                field = self.reader.relation(kind, name)
                cell: object = self._foreign(field, value)
            else:
                field, cell = self._known(kind, name), value
            if not self._writable(kind, field, flag):
                refused.append(field.name)
                continue
            cells[field.name] = self._checked(kind, field, cell)
        if refused:
            raise _read_only(refused)
        return cells

    def matches(self, name: str, key: str, value: str) -> list[str]:
        """The ids of the live, visible records that hold a value in a key field."""
        table = self._state.tables[name]
        if key == "Id":
            found: set[str] = {value} if value in table.by_id else set()
        else:
            found = table.find(key, value)
        rows = (table.by_id[one] for one in sorted(found))
        return [row[0] for row in rows if table.live(row) and self._rights.sees_row(name, row)]

    def _known(self, kind: ObjectType, name: str) -> Field:
        field = kind.find(name)
        if field is None or not self._rights.sees_field(kind.name, field.name):
            raise Refusal("INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}")
        return field

    def _writable(self, kind: ObjectType, field: Field, flag: str) -> bool:
        if self._force:
            return field.name in self._state.tables[kind.name].columns
        return bool(getattr(field, flag)) and self._rights.changes_field(_VERBS[flag], kind.name, field)

    def _checked(self, kind: ObjectType, field: Field, value: object) -> Any:
        cell = values.stored(field, value)
        if field.type == "reference" and cell is not None and not self._force:
            self._check_reference(kind, field, cell)
        return cell

    def _check_reference(self, kind: ObjectType, field: Field, identity: str) -> None:
        if field.name == "RecordTypeId" and identity == _MASTER_RECORD_TYPE:
            return
        table = self._state.table_of(identity)
        if table is None or table.kind.name not in field.targets:
            raise Refusal(
                "FIELD_INTEGRITY_EXCEPTION",
                f"{field.label}: id value of incorrect type: {identity}",
                fields=[field.name],
            )
        row = table.by_id.get(identity)
        if row is None or not table.live(row) or not self._rights.sees_row(table.kind.name, row):
            raise Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[])
        if table.kind.name == "User" and field.name == "OwnerId" and not row[table.columns["IsActive"]]:
            raise Refusal(
                "INACTIVE_OWNER_OR_USER",
                f"operation performed with inactive user [{identity[:15]}] as owner of {kind.label.lower()}",
                fields=[],
            )

    def _foreign(self, field: Field, given: Values) -> str:
        keys = [(name, value) for name, value in given.items() if name != "attributes"]
        for target in field.targets:
            kind = self._state.objects.get(target)
            key = kind.find(keys[0][0]) if kind and keys else None
            if kind is None or key is None:
                continue
            found = self.matches(kind.name, key.name, str(keys[0][1]))
            if len(found) == 1:
                return found[0]
            raise Refusal(
                "INVALID_FIELD",
                f"Foreign key external ID: {keys[0][1]} not found for field {key.name} in entity {kind.name}",
                fields=[],
            )
        raise Refusal("INVALID_FIELD", f"Foreign key external ID not found for {field.name}", fields=[])


def _read_only(names: list[str]) -> Refusal:
    return Refusal(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field and "
        "verify that it is read/write for your profile or permission set.",
        fields=names,
    )
