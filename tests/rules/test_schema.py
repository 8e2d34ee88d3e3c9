"""What a cycle makes of fields that come, go and change in the CRM."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from crmsync_salesforce.simulator import Server
from support.records import columns, edit_first, everything, ids, listed, step, value
from support.simulated import Simulated


def notices(sim: Simulated, kind: str) -> list[str]:
    """What was told of a kind."""
    return [row[0] for row in sim.sql("SELECT message FROM crmsync_notice WHERE kind = ? ORDER BY id", kind)]


def redefine(sim: Simulated, name: str, field: str, **changes: Any) -> None:
    """Change how a field is defined, as an administrator does; no record moves."""
    sim.org.add_field(name, replace(sim.org.state.objects[name].fields[field], **changes))


@pytest.mark.rule("R-200", "R-207")
def test_a_new_field_appears_by_itself(sim: Simulated) -> None:
    """A column with the next cycle, a value with each record's next change; nothing of the schema is ever written."""
    sim.sync()
    sim.org.add_field("Lead", {"name": "Later__c"})
    sim.sync()
    assert "later__c" in columns(sim)
    sim.later()
    crm_id = edit_first(sim, "Lead", {"Later__c": "now"})
    sim.sync()
    assert value(sim, "later__c", crm_id) == "now"
    asked: list[str] = []

    def watch(server: Server) -> None:
        answer = server._answer

        def noted(request: Any, call: Any) -> Any:
            asked.append(f"{call.method} {call.path}")
            return answer(request, call)

        server._answer = noted  # type: ignore[method-assign]

    sim.faults = watch
    before = everything(sim)
    sim.sql("ALTER TABLE person ADD COLUMN made_here TEXT")
    sim.sync()
    assert asked
    assert [one for one in asked if not one.startswith("GET ") and "token" not in one and "composite" not in one] == []
    assert everything(sim) == before
    assert not [one for one in sim.org.state.objects["Lead"].fields if "made" in one.lower()]


@pytest.mark.rule("R-201")
def test_values_that_were_there_before_come_with_the_next_change_or_a_refresh(sim: Simulated) -> None:
    """Null until the record moves; `refresh --field` fills all at once and leaves everything else alone."""
    sim.org.hide_field("full", "Lead", "Budget__c")
    sim.org.hide_field("full", "Contact", "Budget__c")
    leads = ids(sim, "Lead")
    for at, one in enumerate(leads):
        sim.org.update("Lead", one, {"Budget__c": at + 1})
    sim.sync()
    sim.org.hide_field("full", "Lead", "Budget__c", hidden=False)
    sim.later()
    sim.org.update("Lead", leads[0], {"Title": "CTO"})
    sim.sync()
    assert [value(sim, "budget__c", one) for one in leads[:3]] == [1, None, None]
    found = sim.verify()
    assert found.ok
    assert {one["rule"].partition(";")[0] for one in found.explained} == {
        "field added, or visible again, later (R-201)"
    }
    sim.sql("UPDATE person SET title = 'mine' WHERE crm_id = ?", leads[1])
    rest = [one for one in columns(sim) if one != "budget__c"]
    before = sim.sql(f"SELECT {', '.join(rest)} FROM person")
    summary = sim.use(lambda connection: connection.refresh(["Lead.Budget__c"]))
    assert [value(sim, "budget__c", one) for one in leads] == list(range(1, 11))
    assert sim.sql(f"SELECT {', '.join(rest)} FROM person") == before
    assert step(summary, "Lead")["updated"] == 9
    assert sim.one("SELECT COUNT(*) FROM crmsync_edit") == 1


@pytest.mark.rule("R-202", "R-203")
def test_a_field_that_is_hidden_stops_and_keeps_its_values(sim: Simulated) -> None:
    """No error and a notice; a change of it alone is read and skipped; `fields` does not offer it any more."""
    crm_id = edit_first(sim, "Lead", {"Title": "CTO"})
    sim.sync()
    sim.org.hide_field("full", "Lead", "Title")
    summary = sim.sync()
    assert summary.status == "succeeded"
    assert value(sim, "title", crm_id) == "CTO"
    assert any("Lead.Title" in said for said in notices(sim, "fields")), notices(sim, "fields")
    line = listed(sim)["Lead.Title"]
    assert (line["state"], line["column"]) == ("hidden", "title")
    sim.later()
    sim.org.update("Lead", crm_id, {"Title": "CEO"})
    found = step(sim.sync(), "Lead")
    assert (found["skipped"], found["updated"]) == (1, 0)
    assert value(sim, "title", crm_id) == "CTO"
    assert sim.verify().ok


@pytest.mark.rule("R-204")
def test_a_field_that_is_deleted_leaves_its_column(sim: Simulated) -> None:
    """With its values; the next cycle succeeds."""
    crm_id = edit_first(sim, "Lead", {"Budget__c": 5})
    sim.sync()
    sim.org.remove_field("Lead", "Budget__c")
    assert sim.sync().status == "succeeded"
    assert value(sim, "budget__c", crm_id) == 5
    assert listed(sim)["Lead.Budget__c"]["state"] == "hidden"
    assert sim.sync().status == "succeeded"
    assert len(notices(sim, "fields")) == 1


@pytest.mark.rule("R-205")
def test_a_new_label_changes_nothing(sim: Simulated) -> None:
    """The same column, the same table, no notice."""
    sim.sync()
    before = sim.one("SELECT sql FROM sqlite_master WHERE name = 'person'")
    redefine(sim, "Lead", "Budget__c", label="Money")
    assert sim.sync().counts.touched == 0
    assert sim.one("SELECT sql FROM sqlite_master WHERE name = 'person'") == before
    assert sim.sql("SELECT * FROM crmsync_notice WHERE kind <> 'first load'") == []


@pytest.mark.rule("R-206")
def test_a_new_api_name_is_a_new_field(sim: Simulated) -> None:
    """Another column; the old one stays with what it held."""
    sim.org.add_field("Lead", {"name": "X__c"})
    crm_id = edit_first(sim, "Lead", {"X__c": "old"})
    sim.sync()
    sim.org.remove_field("Lead", "X__c")
    sim.org.add_field("Lead", {"name": "Y__c"})
    sim.later()
    sim.org.update("Lead", crm_id, {"Y__c": "new"})
    sim.sync()
    assert (value(sim, "x__c", crm_id), value(sim, "y__c", crm_id)) == ("old", "new")


@pytest.mark.rule("R-219")
@pytest.mark.parametrize(
    ("before", "after", "old", "kept", "new", "stored"),
    [
        ("double", "string", 12.5, "12.5", "a dozen", "a dozen"),
        ("double", "string", 1000.0, "1000", "many", "many"),
        ("string", "double", "12.5", 12.5, 13.25, 13.25),
        ("string", "int", "12", 12, 13, 13),
        ("boolean", "picklist", True, "true", "Yes", "Yes"),
        ("int", "double", 4, 4, 4.5, 4.5),
        ("string", "boolean", "true", 1, True, 1),
    ],
)
def test_a_change_of_type_loses_no_value(
    sim: Simulated, before: str, after: str, old: Any, kept: Any, new: Any, stored: Any
) -> None:
    """What fits the new type is carried over, what was is kept beside it, and new values come in the new form."""
    sim.org.add_field("Lead", {"name": "X__c", "type": before, "picklist": ["Yes"]})
    first, second = ids(sim, "Lead")[:2]
    for one in (first, second):
        sim.org.update("Lead", one, {"X__c": old})
    sim.sync()
    was = value(sim, "x__c", first)
    sim.org.remove_field("Lead", "X__c")
    sim.org.add_field("Lead", {"name": "X__c", "type": after, "picklist": ["Yes"]})
    sim.later()
    sim.org.update("Lead", second, {"X__c": new})
    summary = sim.sync()
    assert summary.status == "succeeded"
    assert value(sim, "x__c", first) == kept
    assert type(value(sim, "x__c", first)) is type(kept)
    assert value(sim, "x__c", second) == stored
    aside = [one for one in columns(sim) if one.startswith("x__c__was")]
    assert all(value(sim, one, first) == was for one in aside)
    assert aside or was == kept
    assert any("x__c" in said for said in notices(sim, "fields"))


@pytest.mark.rule("R-219")
def test_what_does_not_fit_the_new_type_is_kept_beside_it(sim: Simulated) -> None:
    """A text that is no number is in the column of the former values, and nowhere else."""
    sim.org.add_field("Lead", {"name": "X__c"})
    crm_id = edit_first(sim, "Lead", {"X__c": "about ten"})
    sim.sync()
    sim.org.remove_field("Lead", "X__c")
    sim.org.add_field("Lead", {"name": "X__c", "type": "double"})
    sim.sync()
    assert (value(sim, "x__c", crm_id), value(sim, "x__c__was_text", crm_id)) == (None, "about ten")


@pytest.mark.rule("R-221")
def test_a_formula_follows_when_its_own_record_moves(sim: Simulated) -> None:
    """Until then the old result stays, and verify explains it."""
    contact = ids(sim, "Contact")[0]
    account = value_of(sim, contact, "AccountId")
    sim.org.update("Account", account, {"Industry": "Energy"})
    sim.sync()
    assert value(sim, "account_industry__c", contact) == "Energy"
    sim.later()
    sim.org.update("Account", account, {"Industry": "Banking"})
    sim.sync()
    assert value(sim, "account_industry__c", contact) == "Energy"
    found = sim.verify()
    assert found.ok
    rules = [one["rule"] for one in found.explained if one["crm_id"] == contact]
    assert rules == ["formula: a new result moves no stamp (R-221)"]
    sim.org.update("Contact", contact, {"AssistantName": "Robin"})
    sim.sync()
    assert value(sim, "account_industry__c", contact) == "Banking"


def value_of(sim: Simulated, crm_id: str, field: str) -> Any:
    """A contact's value in the CRM."""
    return (sim.org.get("Contact", crm_id) or {})[field]


@pytest.mark.rule("R-222")
def test_a_new_picklist_value_is_a_notice(sim: Simulated) -> None:
    """It names object, field and value; nothing else changes, and it is told once."""
    sim.sync()
    before = sim.sql("SELECT * FROM person"), columns(sim)
    values = sim.org.state.objects["Lead"].fields["Rating"].picklist
    redefine(sim, "Lead", "Rating", picklist=(*values, "Scorching"))
    sim.sync()
    sim.sync()
    assert notices(sim, "picklist") == ["Lead.Rating has other values. new: Scorching"]
    assert (sim.sql("SELECT * FROM person"), columns(sim)) == before


@pytest.mark.rule("R-223")
def test_rows_keep_a_value_that_the_picklist_lost(sim: Simulated) -> None:
    """A notice tells; the value stays and goes on arriving."""
    crm_id = edit_first(sim, "Lead", {"Rating": "Hot"})
    sim.sync()
    values = sim.org.state.objects["Lead"].fields["Rating"].picklist
    redefine(sim, "Lead", "Rating", picklist=tuple(one for one in values if one != "Hot"))
    sim.later()
    other = ids(sim, "Lead")[1]
    sim.org.update("Lead", other, {"Rating": "Hot"})
    assert sim.sync().status == "succeeded"
    assert [value(sim, "rating", one) for one in (crm_id, other)] == ["Hot", "Hot"]
    assert notices(sim, "picklist") == ["Lead.Rating has other values. gone: Hot"]
