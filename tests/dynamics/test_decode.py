"""Values on the wire become canonical ones, and a row that cannot be read costs nobody else's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crmsync.errors import RetryLater, RouteStopped
from crmsync.model import Condition, Field, Type, Value
from crmsync_dynamics.decode import Decoder, next_link
from crmsync_dynamics.filters import failing
from crmsync_dynamics.query import Select, chunks, condition
from crmsync_dynamics.tables import Column

ID = Column(field=Field(name="contactid", type=Type.REFERENCE, native="Uniqueidentifier"), wire="contactid")
CHOICE = {1: "Hot", 2: "Warm"}


def column(kind: Type, native: str, **more: Any) -> Column:
    wire = "_x_value" if kind is Type.REFERENCE else "x"
    return Column(field=Field(name="x", type=kind, native=native), wire=wire, **more)


@pytest.mark.parametrize(
    ("one", "given", "wanted"),
    [
        (column(Type.DECIMAL, "Money"), "50000.0000000000", 50000),
        (column(Type.DECIMAL, "Money"), "922337203685477.5807", "922337203685477.5807"),
        (column(Type.DECIMAL, "Decimal"), "0.1", 0.1),
        (column(Type.INTEGER, "BigInt"), "9007199254740993", 9007199254740993),
        (column(Type.TEXT, "BigInt"), "81052965", "81052965"),
        (column(Type.TEXT, "Picklist", options=CHOICE), "2", "Warm"),
        (column(Type.TEXT, "Picklist", options=CHOICE), "99", "99"),
        (column(Type.MULTI, "MultiSelectPicklist", options={1: "Wine", 9: "Travel"}), '"1,9"', "Travel;Wine"),
        (column(Type.DATE, "DateTime", day_only=True), '"1980-02-29"', "1980-02-29"),
        (column(Type.DATE, "DateTime"), '"2026-05-04T22:30:15Z"', "2026-05-04"),
        (column(Type.DATETIME, "DateTime"), '"2026-05-04T10:30:15Z"', "2026-05-04T10:30:15.000Z"),
        (column(Type.DATETIME, "DateTime"), '"2026-05-04T12:30:15+02:00"', "2026-05-04T10:30:15.000Z"),
        (column(Type.BOOLEAN, "Boolean"), "true", True),
        (column(Type.BOOLEAN, "Boolean", negated=True), "true", False),
        (column(Type.TEXT, "String"), '""', None),
        (column(Type.TEXT, "Memo"), '"a\\u0000b"', "ab"),
        (column(Type.REFERENCE, "Lookup"), '"7f1c"', "7f1c"),
        (column(Type.REFERENCE, "Edm.Int32"), "17", "17"),
        (column(Type.TEXT, "String"), "null", None),
    ],
)
def test_values(one: Column, given: str, wanted: Value) -> None:
    """Money keeps every digit, choices are labels, days stay days, empty texts are none (3.5, cases 7 and 52)."""
    body = f'{{"value":[{{"contactid":"1","{one.wire}":{given}}}]}}'.encode()
    found = Decoder((ID, one))(body)
    assert (list(found.columns[1]), found.skipped) == ([wanted], [])
    assert type(found.columns[1][0]) is type(wanted)


def test_a_lookup_counts_only_where_it_refers_to_its_table() -> None:
    """Of a lookup to several tables each has its own column, told apart by the annotation; the name is another one."""
    wire, refers = "_parentcustomerid_value", "@Microsoft.Dynamics.CRM.lookuplogicalname"
    whole = Field(name="parentcustomerid", type=Type.REFERENCE)
    columns = tuple(Column(field=whole, wire=wire, target=target) for target in ("", "account", "contact"))
    shown = f"{wire}@OData.Community.Display.V1.FormattedValue"
    rows = [{"contactid": "1", wire: "a", wire + refers: "account", shown: "Acme"}, {"contactid": "2", wire: None}]
    named = Column(field=Field(name="parentcustomeridname"), wire=wire, named=True)
    found = Decoder((ID, *columns, named))(json.dumps({"value": rows}).encode())
    assert [list(one) for one in found.columns[1:]] == [["a", None], ["a", None], [None, None], ["Acme", None]]


def test_a_row_that_cannot_be_read_is_set_aside_alone() -> None:
    """One bad value refuses its row, with its id and the reason; a body that is no page is worth another try."""
    one = column(Type.DATE, "DateTime")
    body = (
        b'{"value":[{"contactid":"1","x":"1980-02-29"},{"contactid":"2","x":"yesterday"},{"contactid":"3","x":null}]}'
    )
    found = Decoder((ID, one))(body)
    assert list(found.columns[0]) == ["1", "3"]
    assert [(bad.id, bad.row["x"]) for bad in found.skipped] == [("2", "yesterday")]
    with pytest.raises(RetryLater):
        Decoder((ID, one))(b'{"value":[{"contactid"')


def test_deletions_and_links_are_told_from_rows() -> None:
    """A page of changes has rows, ids that are gone, and the link that goes on, byte for byte."""
    link = "https://acme.example/api/data/v9.2/contacts?$skiptoken=%253ccookie%2520page%253d%25221%2522%253e"
    rows = [{"contactid": "1"}, {"@odata.context": "#contacts/$deletedEntity", "id": "2E45", "reason": "deleted"}]
    body = json.dumps({"value": rows, "@odata.nextLink": link}).encode()
    found = Decoder((ID,), tracked=True)(body)
    assert (list(found.columns[0]), found.gone, found.next, found.delta) == (["1"], ["2e45"], link, None)
    assert next_link(body) == link
    assert next_link(json.dumps({"value": [{"x": '"@odata.nextLink":"no"'}]}).encode()) is None


def test_queries_are_escaped() -> None:
    """Texts, ids, labels and nothing else stand in a query, whatever a person wrote (3.3, case 27)."""
    columns = {
        "name": Column(field=Field(name="name", native="String"), wire="name"),
        "owner": Column(field=Field(name="owner", type=Type.REFERENCE), wire="_ownerid_value"),
        "rating": Column(field=Field(name="rating", native="Picklist"), wire="leadqualitycode", options=CHOICE),
    }
    guid = "7F1C2D3E-0000-4000-8000-000000000001"
    wanted: dict[tuple[str, str, Any], str] = {
        ("name", "=", "O'Hara' or 1 eq 1"): "name eq 'O''Hara'' or 1 eq 1'",
        ("name", "!=", "x"): "(name ne 'x' or name eq null)",
        ("owner", "=", guid): f"_ownerid_value eq {guid.lower()}",
        ("rating", "in", ("Hot", "2")): "(leadqualitycode eq 1 or leadqualitycode eq 2)",
        ("name", "=", None): "name eq null",
    }
    assert {key: condition(Condition(field=key[0], op=key[1], value=key[2]), columns) for key in wanted} == wanted
    for field, value in (("rating", "Lukewarm"), ("nowhere", "x")):
        with pytest.raises(RouteStopped):
            condition(Condition(field=field, op="=", value=value), columns)
    with pytest.raises(RouteStopped):
        str(Select(set="contacts", columns=("a,b",)))
    assert str(Select(set="contacts", where=("name eq 'a&b#/'",))).endswith("$filter=name%20eq%20'a%26b%23/'")
    assert [len(some) for some in chunks([guid] * 400, "contactid", 400)] == [150, 150, 100]


def test_conditions_are_tested_here_as_the_server_would() -> None:
    """Reads of changes take no filter: the same conditions hold on their rows, whatever the case of a text."""
    people: list[Value] = ["Ann", "ANN", None, "Bob"]
    tests: dict[tuple[str, Any], set[int]] = {
        ("=", "ann"): {2, 3},
        ("!=", "ann"): {0, 1},
        ("in", ("ann", None)): {3},
        (">", "b"): {0, 1, 2},
    }
    found = {key: failing(Condition(field="x", op=key[0], value=key[1]), people) for key in tests}
    assert found == tests
    assert failing(Condition(field="x", op="<=", value=3), [1, "3.5", None, 3]) == {1, 2}
