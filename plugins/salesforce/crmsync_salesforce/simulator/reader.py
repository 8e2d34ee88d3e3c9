"""How a value is read out of a row: columns, compound addresses, formulas and paths over parents."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Field, ObjectType, Row
from crmsync_salesforce.simulator.table import Table

if TYPE_CHECKING:
    from crmsync_salesforce.simulator.access import Rights
    from crmsync_salesforce.simulator.state import State

Getter = Callable[[Row], Any]
Parent = Callable[[Row], tuple[Table, Row] | None]

# What any record shows of itself when it is reached through a reference that may point at several objects.
NAME_FIELDS = frozenset(
    [
        "Id",
        "Name",
        "Type",
        "FirstName",
        "LastName",
        "Email",
        "Phone",
        "Title",
        "Username",
        "Alias",
        "IsActive",
        "UserRoleId",
        "ProfileId",
        "DeveloperName",
    ]
)
_PARTS = ("city", "country", "geocodeAccuracy", "latitude", "longitude", "postalCode", "state", "street")
_PERSON = {"Street": "MailingStreet", "City": "MailingCity", "State": "MailingState", "Country": "MailingCountry"}
_PERSON["PostalCode"] = "MailingPostalCode"
MOST_LEVELS = 5


def no_column(name: str, owner: str) -> Refusal:
    """The vendor's answer to a field that does not exist or that the user may not see."""
    return Refusal(
        "INVALID_FIELD",
        f"No such column '{name}' on entity '{owner}'. If you are attempting to use a custom field, be sure to append "
        "the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate "
        "names.",
    )


class Reader:
    """Compiles field paths to functions over rows, for one user."""

    def __init__(self, state: State, rights: Rights) -> None:
        self.state = state
        self.rights = rights

    def object(self, name: str) -> ObjectType:
        """The object of that name in any spelling; raises INVALID_TYPE when the user has none."""
        kind = self.state.find_object(name)
        if kind is None or not self.rights.sees_object(kind.name):
            raise Refusal(
                "INVALID_TYPE",
                f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to "
                "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
                "appropriate names.",
            )
        return kind

    def field(self, kind: ObjectType, name: str) -> Field:
        """The field of that name in any spelling; raises INVALID_FIELD when the user has none."""
        field = kind.find(name)
        if field is None or not self.rights.sees_field(kind.name, field.name):
            raise no_column(name, kind.name)
        return field

    def relation(self, kind: ObjectType, name: str) -> Field:
        """The reference behind a relationship name; raises INVALID_FIELD when there is none."""
        field = kind.relation(name)
        if field is None or not self.rights.sees_field(kind.name, field.name):
            raise Refusal(
                "INVALID_FIELD",
                f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
                "relationship, be sure to append the '__r' after the custom relationship name. Please reference your "
                "WSDL or the describe call for the appropriate names.",
            )
        for target in field.targets:
            if len(field.targets) == 1:
                self.object(target)
        return field

    def getter(self, table: Table, field: Field) -> Getter:
        """A function that reads one field of a row."""
        if field.type == "address":
            return _address(table, field.name.removesuffix("Address"))
        if field.formula is not None:
            return self._formula(table, field.formula)
        column = table.columns[field.name]
        return lambda row: row[column]

    def parent(self, table: Table, field: Field) -> Parent:
        """A function that finds the row a reference points at, if it is there and visible."""
        column = table.columns.get(field.name)
        read = self.getter(table, field) if column is None else None
        state, rights = self.state, self.rights

        def find(row: Row) -> tuple[Table, Row] | None:
            identity = row[column] if column is not None else read(row) if read else None
            target = state.table_of(identity) if identity else None
            if identity is None or target is None or not rights.sees_object(target.kind.name):
                return None
            found = target.visible(identity)
            if found is None or not target.live(found) or not rights.sees_row(target.kind.name, found):
                return None
            return target, found

        return find

    def path(self, table: Table, path: str) -> tuple[Field, Getter]:
        """The field a dotted path ends in, and a function that reads it from a row of the first object."""
        head, _, rest = path.partition(".")
        if not rest:
            field = self.field(table.kind, head)
            return field, self.getter(table, field)
        if path.count(".") > MOST_LEVELS:
            raise Refusal("MALFORMED_QUERY", "SOQL relationships may go up to five levels.")
        reference = self.relation(table.kind, head)
        find = self.parent(table, reference)
        if len(reference.targets) > 1:
            return self.any_field(rest), self.any_getter(find, rest)
        target = self.state.tables[reference.targets[0]]
        field, read = self.path(target, rest)

        def through(row: Row) -> Any:
            found = find(row)
            return read(found[1]) if found else None

        return field, through

    def any_field(self, name: str) -> Field:
        """The field of the vendor's Name object, which stands for whatever a reference may point at."""
        known = next((one for one in NAME_FIELDS if one.lower() == name.lower()), None)
        if known is None:
            raise no_column(name, "Name")
        kind = "boolean" if known == "IsActive" else "id" if known == "Id" else "string"
        return Field(name=known, type=kind, label=known)

    def any_getter(self, find: Parent, name: str) -> Getter:
        """A function that reads a field of the Name object through a reference."""
        known = self.any_field(name).name
        return lambda row: self.any_value(find(row), known)

    def any_value(self, found: tuple[Table, Row] | None, name: str) -> Any:
        """What a record shows under a field of the Name object."""
        if found is None:
            return None
        table, row = found
        if name == "Type":
            column = table.columns.get("Type") if table.kind.name == "Group" else None
            return table.kind.name if column is None else row[column]
        field = table.kind.fields.get(name)
        return self.getter(table, field)(row) if field else None

    def _formula(self, table: Table, formula: str) -> Getter:
        everyone = Reader(self.state, self.state.system)
        kind, _, rest = formula.partition(":")
        if kind == "held":
            held = rest not in self.rights.lacks
            return lambda _row: held
        if kind == "count":
            counter: Getter = self.state.counter(rest)
            return counter
        if kind == "expected":
            amount, chance = table.columns["Amount"], table.columns["Probability"]
            return lambda row: None if row[amount] is None else round(row[amount] * (row[chance] or 0) / 100, 2)
        if formula.startswith("Person."):
            return everyone._person(table, formula.removeprefix("Person."))
        return everyone.path(table, formula)[1]

    def _person(self, table: Table, name: str) -> Getter:
        lead, contact = table.columns["LeadId"], table.columns["ContactId"]
        state = self.state

        def read(row: Row) -> Any:
            identity = row[contact] or row[lead]
            person = state.table_of(identity) if identity else None
            found = person.by_id.get(identity) if person else None
            if person is None or found is None:
                return None
            return self._person_value(person, found, name)

        return read

    def _person_value(self, person: Table, row: Row, name: str) -> Any:
        if name == "Type":
            return person.kind.name
        if person.kind.name == "Contact" and name == "Company":
            return self.path(person, "Account.Name")[1](row)
        if person.kind.name == "Contact":
            name = _PERSON.get(name, name)
        return row[person.columns[name]]


def _address(table: Table, prefix: str) -> Getter:
    columns = [(part, table.columns[prefix + part[0].upper() + part[1:]]) for part in _PARTS]

    def read(row: Row) -> dict[str, Any] | None:
        value = {part: row[column] for part, column in columns}
        return value if any(one is not None for one in value.values()) else None

    return read
