"""Where a value comes from: when, which side, which run, which rule, what it beat, and what holds a local edit."""

from __future__ import annotations

from typing import Any

import pytest

from crmsync.errors import SettingsError
from crmsync.model import Winner
from crmsync.writes import Outcome, Result
from support.engine import Engine


@pytest.fixture
def synced(engine: Engine) -> Engine:
    """A lead, a contact and an account after a first cycle."""
    engine.crm.put("Account", "0011", Name="Acme", Industry="Art")
    engine.crm.put("Contact", "0031", LastName="Doe", Email="doe@x.org", Title="old", AccountId="0011")
    engine.crm.put("Lead", "00Q1", LastName="Roe", Email="roe@x.org", Title="old")
    engine.sync()
    return engine


def explain(engine: Engine, who: str, field: str | None = None, entity: str = "person") -> dict[str, Any]:
    """What is known of a record."""
    return engine.use(lambda connection: connection.review.explain(who, field, entity=entity))


def origin(engine: Engine, who: str, field: str = "title", entity: str = "person") -> dict[str, Any]:
    """What is known of one value."""
    (told,) = explain(engine, who, field, entity)["fields"]
    assert told["field"] == field
    return dict(told)


def started(engine: Engine, run: int) -> str:
    """When a run began."""
    return str(engine.one("SELECT started_at FROM crmsync_run WHERE id = ?", run))


def test_a_value_of_the_first_load_was_first_read(synced: Engine) -> None:
    """With the run and its moment; it beat nothing, and the journal does not know it."""
    told = origin(synced, "00Q1")
    assert (told["value"], told["side"], told["rule"], told["beat"]) == ("old", "crm", "first-read", None)
    assert (told["run"], told["kind"], told["at"]) == (1, "cycle", started(synced, 1))
    assert told["waits"] is None
    whole = explain(synced, "00Q1")
    assert whole["came"] == {"rule": "first-read", "side": "crm", "run": 1, "kind": "cycle", "at": started(synced, 1)}
    assert {one["field"] for one in whole["fields"]} == {"email", "last_name", "title"}
    assert [(one["object"], one["crm_id"], one["role"]) for one in whole["ids"]] == [("Lead", "00Q1", "current")]


def test_a_value_of_the_crm_names_its_run_and_what_it_replaced(synced: Engine) -> None:
    """Also where it won over a local edit; the history has every value."""
    for title in ("second", "third"):
        synced.crm.tick(2)
        synced.crm.put("Contact", "0031", Title=title)
        if title == "third":
            synced.sql("UPDATE person SET title = 'mine' WHERE crm_id = '0031'")
        synced.sync()
    told = origin(synced, "0031")
    assert (told["value"], told["side"], told["rule"], told["beat"], told["run"]) == (
        "third", "crm", "crm-wins", "mine", 3
    )  # fmt: skip
    history = explain(synced, "0031", "title")["history"]
    assert [(one["old"], one["new"], one["rule"]) for one in history] == [
        ("old", "second", "pull"),
        ("mine", "third", "crm-wins"),
    ]
    assert [(one["run"], one["kind"], one["side"]) for one in history] == [(2, "cycle", "crm"), (3, "cycle", "crm")]


def test_a_local_edit_is_told_with_what_it_waits_for(synced: Engine) -> None:
    """Who made it nobody knows; when, on what base, and that it goes with the next cycle is known."""
    synced.sql("UPDATE person SET title = 'mine' WHERE crm_id = '00Q1'")
    told = origin(synced, "00Q1")
    edited = synced.one("SELECT edited_at FROM crmsync_edit")
    assert (told["value"], told["side"], told["rule"], told["beat"], told["run"], told["at"]) == (
        "mine", "marketing", "local-edit", "old", None, edited
    )  # fmt: skip
    assert (told["waits"]["state"], told["waits"]["base"]) == ("pending", "old")
    assert "next cycle" in told["waits"]["why"]
    synced.sync()
    told = origin(synced, "00Q1")
    assert (told["side"], told["rule"], told["beat"], told["run"], told["waits"]) == (
        "marketing", "push", "old", 2, None
    )  # fmt: skip


def test_an_edit_of_a_one_way_field_stays_here(synced: Engine) -> None:
    """Until the CRM overwrites it, which is told then."""
    synced.sql("UPDATE account SET industry = 'mine'")
    told = origin(synced, "0011", "industry", "account")
    assert (told["rule"], told["waits"]["state"]) == ("local-edit", "local")
    assert "one way" in told["waits"]["why"]
    synced.crm.tick(2)
    synced.crm.put("Account", "0011", Name="New")
    synced.sync()
    told = origin(synced, "0011", "industry", "account")
    assert (told["value"], told["rule"], told["beat"], told["run"]) == ("Art", "crm-overwrites", "mine", 2)


def test_what_a_local_value_beat_is_the_crms(synced: Engine) -> None:
    """The lead keeps its own; the CRM's value is the one that lost."""
    synced.crm.answer = lambda _change: Outcome(result=Result.REFUSED, code="RULE", message="no such title")
    synced.sql("UPDATE person SET title = 'mine' WHERE crm_id = '00Q1'")
    synced.crm.tick(2)
    synced.crm.put("Lead", "00Q1", Title="theirs")
    synced.sync()
    told = origin(synced, "00Q1")
    assert (told["value"], told["side"], told["rule"], told["beat"]) == (
        "mine", "marketing", "marketing-wins", "theirs"
    )  # fmt: skip
    waits = told["waits"]
    assert (waits["state"], waits["code"], waits["base"]) == ("quarantined", "RULE", "theirs")
    assert "no such title" in waits["why"]
    assert "retry" in waits["why"]


def test_what_is_held_put_off_or_disputed_is_told(synced: Engine) -> None:
    """With the reason, the next try, and the CRM's value where a person has to decide."""
    synced.settings.fields.winner["Contact.Title"] = Winner.MANUAL
    synced.crm.answer = lambda _change: Outcome(result=Result.RETRY, code="LOCKED", message="busy", retry_after=600)
    synced.sql("UPDATE person SET title = 'mine'")
    synced.crm.tick(2)
    synced.crm.put("Contact", "0031", Title="theirs")
    synced.sync()
    off, disputed = origin(synced, "00Q1")["waits"], origin(synced, "0031")["waits"]
    assert off["retry_at"]
    assert off["retry_at"] in off["why"]
    assert "busy" in off["why"]
    assert (disputed["state"], disputed["crm"]) == ("conflict", "theirs")
    assert disputed["since"]
    synced.crm.tick(2)
    synced.crm.delete("Lead", "00Q1")
    synced.sync()
    held = origin(synced, "00Q1")["waits"]
    assert held["state"] == "held"
    assert "deleted in the CRM" in held["why"]


def test_a_decision_is_told_as_one(synced: Engine) -> None:
    """By hand, outside any run."""
    synced.settings.fields.winner["Contact.Title"] = Winner.MANUAL
    synced.sql("UPDATE person SET title = 'mine' WHERE crm_id = '0031'")
    synced.crm.tick(2)
    synced.crm.put("Contact", "0031", Title="theirs")
    synced.sync()
    synced.use(lambda connection: connection.review.settle("0031", "title", take="crm"))
    told = origin(synced, "0031")
    assert (told["side"], told["rule"], told["beat"], told["kind"]) == ("crm", "settled", "mine", "by hand")


def test_a_person_is_found_by_every_name(synced: Engine) -> None:
    """Row id, id in the CRM, e-mail in any case; and by the id of before a conversion, which is listed."""
    synced.crm.tick(2)
    synced.crm.put("Contact", "0039", LastName="Roe", Email="roe@x.org", Title="new")
    synced.crm.join("Lead", "00Q1", "0039", "Contact", "converted")
    synced.sync()
    row = synced.one("SELECT id FROM person WHERE crm_id = '0039'")
    found = [explain(synced, who) for who in ("0039", "00Q1", "ROE@x.org", str(row))]
    assert all(one == found[0] for one in found)
    assert (found[0]["row_id"], found[0]["object"], found[0]["crm_id"]) == (row, "Contact", "0039")
    assert [(one["crm_id"], one["role"], one["run"]) for one in found[0]["ids"]] == [
        ("00Q1", "converted", 1),
        ("0039", "current", 2),
    ]
    assert found[0]["came"]["run"] == 1


def test_a_row_that_is_gone_is_told_with_what_took_it(synced: Engine) -> None:
    """By the id it had: deleted in the CRM by a run, or here by some program."""
    synced.crm.put("Deal", "0061", Name="Deal", Amount=5)
    synced.sync()
    synced.crm.tick(2)
    synced.crm.delete("Deal", "0061")
    synced.sync()
    told = explain(synced, "0061", entity="opportunity")
    assert (told["fields"], told["gone"]["rule"], told["gone"]["run"]) == ([], "deleted", 3)
    synced.sql("DELETE FROM person WHERE crm_id = '00Q1'")
    gone = explain(synced, "00Q1")["gone"]
    assert (gone["rule"], gone["side"]) == ("deleted-here", "marketing")


def test_a_person_that_only_marketing_knows_was_made_here(synced: Engine) -> None:
    """At a moment, by some program; no run had a part in it."""
    synced.sql("INSERT INTO person (email, title) VALUES ('new@x.org', 'boss')")
    whole = explain(synced, "new@x.org")
    assert (whole["came"]["rule"], whole["came"]["run"], whole["ids"]) == ("made-here", None, [])
    told = origin(synced, "new@x.org")
    assert (told["value"], told["side"], told["rule"], told["at"]) == (
        "boss", "marketing", "made-here", synced.one("SELECT created_at FROM person WHERE crm_id IS NULL")
    )  # fmt: skip


def test_a_record_that_is_set_aside_says_so(synced: Engine) -> None:
    """With the reason it could not be stored for."""
    synced.sql("CREATE UNIQUE INDEX one_title ON person (last_name)")
    synced.crm.tick(2)
    synced.crm.put("Lead", "00Q1", LastName="Doe")
    synced.sync()
    (aside,) = explain(synced, "00Q1")["set_aside"]
    assert (aside["object"], aside["crm_id"]) == ("Lead", "00Q1")
    assert "UNIQUE" in aside["reason"]


@pytest.mark.parametrize(
    ("who", "field", "entity", "said"),
    [
        ("nobody@x.org", None, "person", "no person 'nobody@x.org'"),
        ("00Q1", "titel", "person", "no column 'titel'. Did you mean title"),
        ("00Q1", "industri", "acount", "'acount' is not a synced table. Did you mean account"),
        ("00Q1", "name", "person", "no column 'name'"),
    ],
)
def test_what_is_not_there_is_refused(synced: Engine, who: str, field: str | None, entity: str, said: str) -> None:
    """With what is near."""
    with pytest.raises(SettingsError, match=said):
        explain(synced, who, field, entity)
