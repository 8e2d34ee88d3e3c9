"""Custom objects: which may be synced, when they come, and what their tables hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.errors import SettingsError
from crmsync.model import Direction, Level
from support.records import columns, everything, ids, listed, step, value
from support.simulated import Simulated

SUBSCRIPTION = "Subscription__c"


@pytest.fixture
def sim(tmp_path: Path) -> Simulated:
    """A connection that syncs subscriptions."""
    return Simulated(tmp_path / "m.db", objects={"enable": [SUBSCRIPTION]})


def tables(sim: Simulated) -> set[str]:
    """The names of all tables."""
    return {row[0] for row in sim.sql("SELECT name FROM sqlite_master WHERE type = 'table'")}


def schema_step(summary: Any, obj: str) -> dict[str, Any]:
    """The step that read an object's schema."""
    return step(summary, obj, "sync schema")


@pytest.mark.rule("R-039", "R-191")
def test_an_object_is_enabled_while_the_sync_is_on(sim: Simulated) -> None:
    """The next cycle loads it, also one that was made after the first sync; nothing has to be switched off."""
    sim.given["objects"] = {}
    sim.sync()
    assert "subscription__c" not in tables(sim)
    sim.org.add_object({"name": "Visit__c", "fields": [{"name": "Lead__c", "type": "reference", "targets": ["Lead"]}]})
    visit = sim.org.create("Visit__c", {"Name": "First", "Lead__c": ids(sim, "Lead")[0]})
    sim.given["objects"] = {"enable": [SUBSCRIPTION, "Visit__c"]}
    summary = sim.sync()
    assert step(summary, SUBSCRIPTION)["new"] == len(ids(sim, SUBSCRIPTION)) == 5
    assert (step(summary, "Visit__c")["new"], value(sim, "name", visit, "visit__c")) == (1, "First")
    assert sim.verify().ok


def chain(sim: Simulated, *names: str) -> None:
    """Custom objects of which each refers to the one before it, the first to subscriptions."""
    for name, parent in zip(names, (SUBSCRIPTION, *names), strict=False):
        field = {"name": "Parent__c", "type": "reference", "targets": [parent]}
        sim.org.add_object({"name": name, "fields": [field]})
        sim.org.create(name, {"Name": name, "Parent__c": ids(sim, parent)[0]})


@pytest.mark.rule("R-186")
def test_an_unrelated_object_is_refused_alone(sim: Simulated) -> None:
    """`check` names it with the reason; it has no table, and the rest goes on."""
    sim.given["objects"] = {"enable": ["Region__c", SUBSCRIPTION]}
    found = sim.use(lambda connection: connection.check())
    stops = [one for one in found if one.level is Level.STOP]
    assert [one.topic for one in stops] == ["Region__c"]
    assert "refers to no Lead, Contact or Account" in stops[0].message
    summary = sim.sync()
    assert "region__c" not in tables(sim)
    assert step(summary, SUBSCRIPTION)["new"] == 5
    assert sim.one("SELECT COUNT(*) FROM person") == 30
    assert "Region__c" in schema_step(summary, "Region__c")["message"]


@pytest.mark.rule("R-187")
def test_one_or_two_steps_are_allowed_and_a_third_is_not(sim: Simulated) -> None:
    """The refusal shows the whole way; the others are loaded."""
    chain(sim, "Usage__c", "Detail__c")
    sim.given["objects"] = {"enable": [SUBSCRIPTION, "Usage__c", "Detail__c"]}
    summary = sim.sync()
    assert (step(summary, SUBSCRIPTION)["new"], step(summary, "Usage__c")["new"]) == (5, 1)
    assert "detail__c" not in tables(sim)
    told = schema_step(summary, "Detail__c")["message"]
    assert "Detail__c -> Usage__c -> Subscription__c -> Contact" in told
    joined = """SELECT p.crm_type FROM usage__c u JOIN subscription__c s ON s.crm_id = u.parent__c
                JOIN person p ON p.crm_id = s.contact__c"""
    assert sim.sql(joined) == [("contact",)]


@pytest.mark.rule("R-188")
def test_an_object_that_may_not_be_read_takes_no_part(sim: Simulated) -> None:
    """It is in no list, and asking for it names it."""
    sim.org.hide_object("full", SUBSCRIPTION)
    with pytest.raises(SettingsError, match=SUBSCRIPTION) as caught:
        sim.sync()
    assert caught.value.exit_code == 2
    sim.given["objects"] = {}
    assert not [one for one in listed(sim) if one.startswith(SUBSCRIPTION)]
    assert not [one for one in sim.sync().steps if one["object"] == SUBSCRIPTION]


@pytest.mark.rule("R-188")
def test_an_object_that_is_hidden_later_keeps_its_rows(sim: Simulated) -> None:
    """Its step says what to grant, nothing else is held up, and with the right it goes on."""
    sim.sync()
    before = sim.sql("SELECT * FROM subscription__c")
    sim.org.hide_object("full", SUBSCRIPTION)
    sim.later()
    sim.org.update("Lead", ids(sim, "Lead")[0], {"Title": "CTO"})
    summary = sim.sync()
    assert schema_step(summary, SUBSCRIPTION)["status"] == "failed"
    assert "Grant read access to Subscription__c" in schema_step(summary, SUBSCRIPTION)["message"]
    assert step(summary, "Lead")["updated"] == 1
    assert sim.sql("SELECT * FROM subscription__c") == before
    sim.org.hide_object("full", SUBSCRIPTION, hidden=False)
    sim.later()
    changed = ids(sim, SUBSCRIPTION)[0]
    sim.org.update(SUBSCRIPTION, changed, {"Price__c": 77})
    assert step(sim.sync(), SUBSCRIPTION)["updated"] == 1
    assert value(sim, "price__c", changed, "subscription__c") == 77


@pytest.mark.rule("R-189")
def test_custom_objects_come_from_the_crm_only(sim: Simulated) -> None:
    """Made, changed and deleted there, they follow here; a local edit stays here until the CRM changes the record."""
    sim.sync()
    assert {
        one["directions"][0] for one in listed(sim).values() if one["object"] == SUBSCRIPTION and one["column"]
    } == {Direction.PULL}
    first, second = ids(sim, SUBSCRIPTION)[:2]
    before = everything(sim), list(sim.org.records(SUBSCRIPTION))
    sim.sql("UPDATE subscription__c SET price__c = 1 WHERE crm_id = ?", first)
    sim.sync()
    assert (everything(sim), list(sim.org.records(SUBSCRIPTION))) == before
    assert value(sim, "price__c", first, "subscription__c") == 1
    sim.later()
    sim.org.update(SUBSCRIPTION, first, {"Price__c": 2})
    sim.org.delete(SUBSCRIPTION, second)
    made = sim.org.create(SUBSCRIPTION, {"Name": "SUB-new", "Contact__c": ids(sim, "Contact")[0]})
    sim.sync()
    assert value(sim, "price__c", first, "subscription__c") == 2
    assert value(sim, "name", made, "subscription__c") == "SUB-new"
    assert sim.sql("SELECT * FROM subscription__c WHERE crm_id = ?", second) == []


@pytest.mark.rule("R-190")
def test_two_objects_of_one_label_have_two_tables(sim: Simulated) -> None:
    """They are named by API name, the namespace included."""
    field = {"name": "Contact__c", "type": "reference", "targets": ["Contact"]}
    sim.org.add_object({"name": "acme__Subscription__c", "label": "Subscription", "fields": [field]})
    sim.org.create("acme__Subscription__c", {"Name": "Other", "Contact__c": ids(sim, "Contact")[0]})
    sim.given["objects"] = {"enable": [SUBSCRIPTION, "acme__Subscription__c"]}
    sim.sync()
    assert sim.one("SELECT COUNT(*) FROM subscription__c") == 5
    assert sim.sql("SELECT name FROM acme__subscription__c") == [("Other",)]
    assert sim.verify().ok


@pytest.mark.rule("R-192")
def test_all_visible_fields_are_columns(sim: Simulated) -> None:
    """But for audit fields (R-208), compounds and files; a hidden one is no column."""
    sim.org.add_field(SUBSCRIPTION, {"name": "File__c", "type": "base64"})
    sim.org.add_field(SUBSCRIPTION, {"name": "Place__c", "type": "location"})
    sim.org.add_field(SUBSCRIPTION, {"name": "Secret__c"})
    sim.org.hide_field("full", SUBSCRIPTION, "Secret__c")
    sim.sync()
    kinds = sim.org.state.objects[SUBSCRIPTION].fields
    audit = {"IsDeleted", "CreatedById", "LastModifiedById", "LastModifiedDate", "SystemModstamp"}
    named = {"Id": "crm_id", "OwnerId": "owner_crm_id", "CreatedDate": "crm_created_at"}
    wanted = {named.get(one, one.lower()) for one in kinds.keys() - audit - {"File__c", "Place__c", "Secret__c"}}
    assert set(columns(sim, "subscription__c")) == wanted | {"id", "created_at"}


@pytest.mark.rule("R-193")
def test_the_choice_of_fields_changes_at_any_time(sim: Simulated) -> None:
    """Excluded, a field of an object in use stops and keeps its values; included again, it goes on."""
    sim.sync()
    first, second = ids(sim, SUBSCRIPTION)[:2]
    old = value(sim, "price__c", first, "subscription__c")
    sim.given["fields"] = {"exclude": ["Subscription__c.Price__c"]}
    sim.later()
    sim.org.update(SUBSCRIPTION, first, {"Price__c": 71, "Name": "renamed"})
    assert sim.sync().status == "succeeded"
    found = [value(sim, one, first, "subscription__c") for one in ("price__c", "name")]
    assert found == [old, "renamed"]
    del sim.given["fields"]
    sim.later()
    sim.org.update(SUBSCRIPTION, second, {"Price__c": 72})
    sim.sync()
    assert value(sim, "price__c", second, "subscription__c") == 72
    assert listed(sim)["Subscription__c.Price__c"]["state"] == "selected"


@pytest.mark.rule("R-195")
def test_the_language_of_the_log_in_does_not_matter(tmp_path: Path) -> None:
    """Translated labels give the same tables and rows."""
    found = []
    for name in ("plain", "translated"):
        sim = Simulated(tmp_path / f"{name}.db", objects={"enable": [SUBSCRIPTION]})
        if name == "translated":
            for kind in sim.org.state.objects.values():
                kind.label, kind.plural = f"{kind.label} (日本語)", f"{kind.plural} (日本語)"
                kind.fields = {key: replace(one, label=f"Ö {one.label}") for key, one in kind.fields.items()}
        sim.sync()
        layout = sim.sql("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
        found.append((layout, sim.sql("SELECT * FROM subscription__c"), sim.sql("SELECT * FROM person")))
    assert found[0] == found[1]
