"""SOQL: names are checked, values are literals, addresses are short."""

import pytest

from crmsync.errors import RouteStopped
from crmsync.model import Condition, Type
from crmsync_salesforce import query


@pytest.mark.parametrize("name", ["Id", "Account.Name", "My_Field__c", "ns__Thing__c"])
def test_names(name: str) -> None:
    """Names of fields and objects pass."""
    assert query.name(name) == name


@pytest.mark.parametrize("name", ["", "Id FROM Lead--", "Id,Name", "x'y", "1Id", "Id\n", "a..b"])
def test_what_is_no_name(name: str) -> None:
    """Anything else never gets into a query."""
    with pytest.raises(RouteStopped):
        query.name(name)


def test_texts_are_escaped() -> None:
    """A value cannot end its own quotes."""
    assert query.text_literal("O'Brien \\ \n") == "'O\\'Brien \\\\ \\n'"
    found = query.condition(Condition(field="Name", op="=", value="' OR Name != '"), {"Name": Type.TEXT})
    assert found == "Name = '\\' OR Name != \\''"


def test_other_literals_are_bare() -> None:
    """Moments, numbers and truth values stand without quotes; null is a word; what is none of its type is refused."""
    assert query.literal("2026-01-01T00:00:00.000Z", Type.DATETIME) == "2026-01-01T00:00:00.000Z"
    assert query.literal(True, Type.BOOLEAN) == "TRUE"
    assert query.literal(None, Type.TEXT) == "NULL"
    assert query.literal(1.5, Type.DECIMAL) == "1.5"
    for value, type_ in (("today", Type.DATETIME), ("1 OR 1=1", Type.INTEGER), ("soon", Type.DATE)):
        with pytest.raises(RouteStopped):
            query.literal(value, type_)
    assert query.condition(Condition(field="Type", op="in", value=("a", "b")), {}) == "Type IN ('a','b')"
    assert query.condition(Condition(field="IsChild", op="=", value=False), {}) == "IsChild = FALSE"
    with pytest.raises(RouteStopped):
        query.condition(Condition(field="Name", op="LIKE", value="x"), {})


def test_rows_behind_a_row() -> None:
    """Row 2 of the sheet: a read goes on by stamp and id, so that equal stamps are neither lost nor cut."""
    found = query.after_row("SystemModstamp", "2026-01-01T00:00:00.000Z", "003000000000001AAA")
    assert found == (
        "(SystemModstamp > 2026-01-01T00:00:00.000Z OR "
        "(SystemModstamp = 2026-01-01T00:00:00.000Z AND Id > '003000000000001AAA'))"
    )
    assert query.at_least("SystemModstamp", "2026-01-01T00:00:00.000Z").startswith("SystemModstamp >= ")


def test_addresses_are_short() -> None:
    """Rows 7 and 8 of the sheet: lists of ids and of fields are cut by their encoded length, and lose nothing."""
    ids = [f"003{n:015d}" for n in range(5_000)]
    groups = list(query.chunks(ids, 300))
    assert [one for group in groups for one in group] == ids
    assert all(len(query.encoded(query.among(group))) + 300 < query.MOST_URL for group in groups)
    names = [f"A_Field_With_A_Long_Name_{n:04d}__c" for n in range(900)]
    parts = query.split_fields(names, 1_000)
    assert [one for part in parts for one in part] == names
    assert all(len(",".join(part)) + 1_000 <= query.MOST_URL for part in parts)


@pytest.mark.rule("R-048")
def test_ids_have_eighteen_characters() -> None:
    """An id of fifteen characters gets its checksum; one of eighteen stays."""
    assert query.whole_id("0015500001QdQWa") == "0015500001QdQWaAAN"
    assert query.whole_id("0015500001QdQWaAAN") == "0015500001QdQWaAAN"
    assert query.whole_id("none") == "none"
