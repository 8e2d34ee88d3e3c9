"""Tables are told from a metadata document as the standard means it, however it is spelled."""

from __future__ import annotations

import pytest

from crmsync.model import Type
from crmsync_dynamics.documented import fitted, tables
from crmsync_dynamics.query import Select
from crmsync_dynamics.tables import Table

GUID, MOMENT = "Edm.Guid", "Edm.DateTimeOffset"


def contact(properties: str, *, own: str = "", base: str = "") -> Table:
    """The table of contacts: a type with these properties, `name:type` each, and its own key or that of its base."""
    pairs = (one.split(":") for one in properties.split())
    columns = "".join(f'<Property Name="{name}" Type="{kind}"/>' for name, kind in pairs)
    key = '<Key><PropertyRef Name="{}"/></Key>'
    body = f"""<edmx:Edmx Version="4.0" xmlns:edmx="e"><edmx:DataServices><Schema Namespace="a" xmlns="d">
      <EntityType Name="thing">{key.format(base) if base else ""}<Property Name="no" Type="{GUID}"/></EntityType>
      <EntityType Name="Contact" BaseType="a.thing">{key.format(own) if own else ""}{columns}</EntityType>
      <EntityContainer Name="c"><EntitySet Name="People" EntityType="a.Contact"/></EntityContainer>
    </Schema></edmx:DataServices></edmx:Edmx>"""
    return tables(body.encode())["Contact"]


@pytest.mark.parametrize(
    ("key", "properties", "own", "base"),
    [
        ("ID", f"ID:{GUID} contactid:{GUID}", "ID", ""),
        ("contactid", f"contactid:{GUID}", "", "no"),
        ("no", "contactid:Edm.String", "", "no"),
        ("", "ID:Edm.Int32", "", ""),
        ("", "ID:Edm.Int32", "place/ID", ""),
    ],
)
def test_the_declared_key_tells_rows_apart(key: str, properties: str, own: str, base: str) -> None:
    """A type's own key counts, whatever else is called like an id; an id of its own only against an inherited key."""
    table = contact(properties, own=own, base=base)
    assert table.key == key
    if key:
        assert fitted(table, "contact").columns["contactid"].wire == key


@pytest.mark.parametrize(
    ("stamp", "properties"),
    [
        ("modifiedAt", f"createdAt:{MOMENT} modifiedAt:{MOMENT}"),
        ("Last_Updated", f"Last_Updated:{MOMENT}"),
        ("UpdatedOn", f"modifiedon:Edm.String UpdatedOn:{MOMENT}"),
        ("", "modifiedon:Edm.Date"),
    ],
)
def test_the_stamp_is_a_moment(stamp: str, properties: str) -> None:
    """What tells of changes has a time; without such a column the moment of the read is taken."""
    column = fitted(contact(f"ID:{GUID} {properties}", own="ID"), "contact").columns["modifiedon"]
    assert (column.wire, column.field.type) == (stamp, Type.DATETIME)


def test_names_of_any_script_are_asked_for() -> None:
    """Letters of every script may stand in a name, encoded in an address; what is no name is left out and told."""
    table = contact(f"ID:{GUID} Größe:Edm.Int32 a-b:Edm.Int32", own="ID")
    assert table.columns["Größe"].field.type is Type.INTEGER
    assert table.unread == ("a-b",)
    assert str(Select(set="People", columns=("ID", "Größe"))) == "People?$select=ID,Gr%C3%B6%C3%9Fe"
