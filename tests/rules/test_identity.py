"""Who a person is: type, ids and dates that the CRM alone decides, and one row for each record."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from crmsync.simulate.server import as_bytes
from crmsync_salesforce.simulator import Server
from support.records import edit_first, ids, kinds, there, value
from support.simulated import Simulated

SHORT = re.compile(rb'"([a-zA-Z0-9]{3}5e[a-zA-Z0-9]{10})[A-Z0-5]{3}"')


@pytest.mark.rule("R-046")
def test_the_type_says_whether_the_crm_has_the_person(sim: Simulated) -> None:
    """Lead, contact, or nothing for a person who exists here alone."""
    sim.sync()
    sim.sql("INSERT INTO person (email) VALUES ('here@example.com')")
    sim.sync()
    found = dict(sim.sql("SELECT crm_type, COUNT(*) FROM person GROUP BY crm_type"))
    assert found == {"lead": 10, "contact": 20, None: 1}
    assert value(sim, "crm_type", ids(sim, "Lead")[0]) == "lead"
    assert sim.sql("SELECT crm_type, crm_id FROM person WHERE email = 'here@example.com'") == [(None, None)]


@pytest.mark.rule("R-048")
@pytest.mark.parametrize("bulk", ["never", "always"])
def test_ids_are_stored_in_their_long_form(tmp_path: Path, bulk: str) -> None:
    """Ids and references, from a server that gives 15 characters in pages and bulk results alike."""
    sim = Simulated(tmp_path / "m.db")
    sim.own = {"bulk": bulk}

    def shorten(server: Server) -> None:
        reply = server._reply

        async def cut(*asked: Any) -> Any:
            done = await reply(*asked)
            done.body = as_bytes(done.body)
            if b"fields" not in done.body[:2000]:
                done.body = SHORT.sub(rb'"\1"', done.body)
            return done

        server._reply = cut  # type: ignore[method-assign, assignment]

    sim.faults = shorten
    sim.sync()
    sim.later()
    edited = edit_first(sim, "Contact", {"Title": "CTO"})
    gone = ids(sim, "Lead")[-1]
    sim.org.delete("Lead", gone)
    sim.sync()
    names = [("person", "crm_id"), ("person", "account_crm_id"), ("person", "owner_crm_id"), ("account", "crm_id"),
             ("opportunity_role", "contact_crm_id"), ("crmsync_link", "crm_id")]  # fmt: skip
    for table, column in names:
        assert sim.sql(f"SELECT DISTINCT LENGTH({column}) FROM {table} WHERE {column} IS NOT NULL") == [(18,)], column
    assert {row[0] for row in sim.sql("SELECT crm_id FROM person")} >= {*ids(sim, "Contact"), *ids(sim, "Lead")}
    assert value(sim, "title", edited) == "CTO"
    assert value(sim, "crm_is_deleted", gone) == 1
    assert sim.one("SELECT COUNT(*) FROM person") == 30


@pytest.mark.rule("R-049")
@pytest.mark.parametrize(
    ("column", "new"),
    [
        ("crm_id", "'003000000000001AAA'"),
        ("crm_type", "'lead'"),
        ("crm_created_at", "'2020-01-01T00:00:00.000Z'"),
        ("crm_is_deleted", "1"),
    ],
)
@pytest.mark.parametrize("table", ["person", "person_full"])
def test_no_program_changes_what_the_crm_alone_decides(sim: Simulated, column: str, new: str, table: str) -> None:
    """Not by SQL either, nor through the view; the refusal says why."""
    sim.sync()
    before = sim.sql("SELECT * FROM person")
    with pytest.raises(sqlite3.IntegrityError, match="cannot be changed here"):
        sim.sql(f"UPDATE {table} SET {column} = {new} WHERE crm_type = 'contact'")
    assert sim.sql("SELECT * FROM person") == before


@pytest.mark.rule("R-051")
def test_both_sides_dates_of_creation_are_kept(sim: Simulated) -> None:
    """The CRM's in a column of its own; `created_at` is the moment of the pull."""
    created = "2019-05-06T07:08:09.000Z"
    crm_id = edit_first(sim, "Contact", {"CreatedDate": "2019-05-06T07:08:09.000+0000"})
    sim.sync()
    assert value(sim, "crm_created_at", crm_id) == created
    assert value(sim, "created_at", crm_id).startswith("2026-03-01T13:00:0")


@pytest.mark.rule("R-052")
def test_every_lead_and_contact_is_one_person(sim: Simulated) -> None:
    """As many persons as records, each id once, and the type tells which of the two it is."""
    sim.sync()
    sim.sync()
    found = sim.sql("SELECT crm_type, crm_id FROM person")
    assert sorted(found) == sorted(
        [("lead", one) for one in ids(sim, "Lead")] + [("contact", one) for one in ids(sim, "Contact")]
    )


@pytest.mark.rule("R-034", "R-328")
def test_records_of_one_address_are_persons_of_their_own(sim: Simulated) -> None:
    """Two leads and a contact with the same e-mail, in the first load and in a later cycle."""
    same = {"Email": "twin@example.com"}
    first = [*ids(sim, "Lead")[:2], ids(sim, "Contact")[0]]
    for one, name in zip(first, ("Lead", "Lead", "Contact"), strict=True):
        sim.org.update(name, one, same)
    sim.sync()
    sql = "SELECT crm_id FROM person WHERE email = 'twin@example.com'"
    assert sorted(row[0] for row in sim.sql(sql)) == sorted(first)
    sim.later()
    later = [
        sim.org.create("Lead", {"LastName": "A", "Company": "B", **same}),
        sim.org.create("Contact", {"LastName": "A", **same}),
    ]
    assert sim.sync().counts.new >= 2
    assert sorted(row[0] for row in sim.sql(sql)) == sorted([*first, *later])


@pytest.mark.rule("R-327", "R-330")
def test_a_pulled_record_never_looks_for_a_person_who_is_here_already(sim: Simulated) -> None:
    """A lead with the address of a person typed in here becomes a second row; so does a row typed in later."""
    sim.sync()
    sim.sql("INSERT INTO person (email, title) VALUES ('twin@example.com', 'mine')")
    sim.later()
    lead = sim.org.create("Lead", {"LastName": "A", "Company": "B", "Email": "twin@example.com"})
    sim.sync()
    sim.sql("INSERT INTO person (email, title) VALUES ('twin@example.com', 'later')")
    found = sim.sql("SELECT crm_id, title FROM person WHERE email = 'twin@example.com' ORDER BY id")
    assert found == [(None, "mine"), (lead, None), (None, "later")]


@pytest.mark.rule("R-330")
def test_matching_by_address_takes_the_person_who_exists_here_alone(tmp_path: Path) -> None:
    """Only where the settings ask for it: the person is linked and filled, and stays the same row."""
    sim = Simulated(tmp_path / "m.db", match=["email"])
    sim.sync()
    sim.sql("INSERT INTO person (email, title, city) VALUES ('Twin@example.com', 'mine', 'Jena')")
    row = sim.one("SELECT MAX(id) FROM person")
    sim.later()
    lead = sim.org.create("Lead", {"LastName": "Abbe", "Company": "B", "Email": "twin@example.com", "Title": "CTO"})
    run = sim.sync().run
    assert sim.one("SELECT COUNT(*) FROM person WHERE lower(email) = 'twin@example.com'") == 1
    assert [value(sim, one, lead) for one in ("id", "crm_type", "last_name")] == [row, "lead", "Abbe"]
    assert "New Person" not in kinds(sim, run)
    sql = "SELECT field, old, new FROM crmsync_journal WHERE run = ? AND rule = 'match' AND field <> 'email'"
    assert sim.sql(sql, run) == [("title", "mine", "CTO")]
    assert value(sim, "city", lead) == "Jena"
    assert there(sim, "Lead", lead, "City") == "Jena"
    assert sim.verify().ok


@pytest.mark.rule("R-330")
def test_matching_takes_nobody_where_two_come_into_question(tmp_path: Path) -> None:
    """The record becomes a person of its own, and a notice tells."""
    sim = Simulated(tmp_path / "m.db", match=["email"])
    sim.sync()
    sim.sql("INSERT INTO person (email) VALUES ('twin@example.com'), ('twin@example.com')")
    sim.later()
    lead = sim.org.create("Lead", {"LastName": "Abbe", "Company": "B", "Email": "twin@example.com"})
    sim.sync()
    found = sim.sql("SELECT crm_id FROM person WHERE email = 'twin@example.com' ORDER BY id")
    assert found == [(None,), (None,), (lead,)]
    assert [row[0] for row in sim.sql("SELECT kind FROM crmsync_notice WHERE kind <> 'first load'")] == ["match"]
