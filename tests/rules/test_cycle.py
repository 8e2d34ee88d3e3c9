"""The cycle: when it runs, what it reads, in which order, at what price."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from crmsync.clock import SystemClock
from crmsync.errors import OtherOrg, SettingsError
from crmsync.model import Direction, Query
from crmsync.service import App
from crmsync.settings import ConnectionSettings, Settings
from crmsync_salesforce.routes import ROUTES
from crmsync_salesforce.simulator import Org
from support.engine import Engine
from support.records import everything, ids, step, value
from support.simulated import Simulated

SUBSCRIPTIONS: Any = {"objects": {"enable": ["Subscription__c", "Subscription_Item__c"]}}


@pytest.mark.rule("R-001", "R-003")
def test_cycles_follow_each_other_with_a_pause_from_end_to_start(tmp_path: Path) -> None:
    """However long a cycle takes, the pause begins at its end; it goes on until it is stopped."""
    engine = Engine(tmp_path / "m.db", pause=0.2)
    begun: list[float] = []

    def slow(query: Query, _number: int) -> None:
        if query.object == "Deal" and query.kind != "count":
            begun.append(time.monotonic())
            time.sleep(0.3)

    engine.crm.before_page = slow
    ended: list[float] = []

    async def run() -> None:
        stop = asyncio.Event()

        def heard(_name: str, what: str, _with: object) -> None:
            if what == "cycle":
                engine.crm.tick(60)
                ended.append(time.monotonic())
                if len(ended) == 4:
                    stop.set()

        app = App(Settings(connections={"acme": engine.settings}), SystemClock())
        app._open["acme"] = await asyncio.to_thread(lambda: connection(engine))
        assert await app.run(stop, say=heard) == 0

    asyncio.run(run())
    assert len(ended) == 4
    pauses = [start - end for end, start in zip(ended, begun[1:], strict=False)]
    assert all(0.19 <= pause < 1 for pause in pauses), pauses
    assert ConnectionSettings(connector="x", database=tmp_path / "x.db").pause == 300


def connection(engine: Engine) -> Any:
    """The engine's connection, not yet opened."""
    kept = []

    async def keep(one: Any) -> None:
        kept.append(one)

    engine.use(keep)
    return kept[0]


@pytest.mark.rule("R-004")
def test_a_shorter_pause_is_accepted_and_its_price_is_told(tmp_path: Path) -> None:
    """`check` notes what it costs a day; the usual pause needs no note."""
    for pause, told in ((60, ["pause"]), (300, [])):
        sim = Simulated(tmp_path / f"{pause}.db", pause=pause)
        findings = sim.use(lambda connection: connection.check())
        assert [one.topic for one in findings if "API calls a day" in one.message] == told


@pytest.mark.rule("R-005")
def test_a_later_cycle_reads_what_moved(sim: Simulated) -> None:
    """Three edited records: three are read, in as few calls as an idle cycle, and no object is read in full."""
    sim.sync()
    sim.later()
    for crm_id in ids(sim, "Contact")[:3]:
        sim.org.update("Contact", crm_id, {"Title": "Ferryman"})
    summary = sim.sync()
    assert (summary.counts.new, summary.counts.updated, summary.counts.skipped) == (0, 3, 0)
    assert sim.calls <= 3
    rows = sum(one["bytes"] for one in summary.steps if one["object"] == "Contact")
    assert rows < 6_000  # twenty contacts take four times as much


@pytest.mark.rule("R-006", "R-007")
def test_a_record_that_moved_in_a_field_nobody_maps_is_read_and_skipped(sim: Simulated) -> None:
    """Its row, the journal and the activities stay as they are; only the version is renewed."""
    sim.sync()
    crm_id = ids(sim, "Contact")[0]
    before = (
        sim.sql("SELECT * FROM person"),
        sim.sql("SELECT * FROM crmsync_journal"),
        sim.sql("SELECT * FROM activity"),
    )
    old = sim.one("SELECT modified_at FROM crmsync_link WHERE crm_id = ?", crm_id)
    sim.later()
    sim.org.update("Contact", crm_id, {"AssistantName": "Robin"})
    found = step(sim.sync(), "Contact")
    assert (found["skipped"], found["updated"], found["new"]) == (1, 0, 0)
    assert before == (
        sim.sql("SELECT * FROM person"), sim.sql("SELECT * FROM crmsync_journal"), sim.sql("SELECT * FROM activity")
    )  # fmt: skip
    assert sim.one("SELECT modified_at FROM crmsync_link WHERE crm_id = ?", crm_id) > old


@pytest.mark.rule("R-013")
def test_a_step_is_not_cut_at_ten_thousand_records(tmp_path: Path) -> None:
    """10,001 changed contacts arrive in one cycle, and so do the objects behind them."""
    engine = Engine(tmp_path / "m.db")
    engine.crm.page_size = 2_000
    for i in range(10_001):
        engine.crm.put("Contact", f"003{i:06d}", LastName="Doe")
    engine.crm.put("Lead", "00Q1", LastName="Roe")
    engine.crm.put("Deal", "0061", Name="Deal")
    engine.sync()
    engine.crm.tick(60)
    for i in range(10_001):
        engine.crm.put("Contact", f"003{i:06d}", Title="CTO")
    engine.crm.put("Lead", "00Q1", Title="CEO")
    engine.crm.put("Deal", "0061", Name="Renamed")
    summary = engine.sync()
    assert [step(summary, name)["updated"] for name in ("Contact", "Lead", "Deal")] == [10_001, 1, 1]


@pytest.mark.rule("R-015")
def test_the_steps_of_a_cycle_come_in_the_documented_order(tmp_path: Path) -> None:
    """Schema, deletes, conversions, updates; accounts before people, custom objects by name, then tasks and events."""
    sim = Simulated(tmp_path / "m.db", **SUBSCRIPTIONS)
    sim.sync()
    steps = [(one["operation"], one["object"]) for one in sim.sync().steps]
    operations = list(dict.fromkeys(operation for operation, _ in steps))
    assert operations == ["sync schema", "pull deletes", "pull conversions", "pull updates"]
    assert [obj for operation, obj in steps if operation == "pull updates"] == [
        "User", "Group", "RecordType", "Account", "Campaign", "CampaignMemberStatus", "Contact", "Lead", "Opportunity",
        "OpportunityContactRole", "CampaignMember", "Subscription_Item__c", "Subscription__c", "Task", "Event",
    ]  # fmt: skip
    stored = sim.sql("SELECT operation, object FROM crmsync_step WHERE run = 2 ORDER BY id")
    assert stored == steps


@pytest.mark.rule("R-017")
def test_the_first_sync_copies_all_there_is(tmp_path: Path) -> None:
    """Same ids on both sides, object by object, and a verification finds nothing."""
    sim = Simulated(tmp_path / "m.db", **SUBSCRIPTIONS)
    sim.sync()
    found = sim.verify()
    assert (found.ok, found.different, found.explained) == (True, [], [])
    tables = {"Account": "account", "Opportunity": "opportunity", "Campaign": "campaign", "User": "crm_user",
              "OpportunityContactRole": "opportunity_role", "CampaignMember": "campaign_member",
              "CampaignMemberStatus": "campaign_status", "Subscription__c": "subscription__c"}  # fmt: skip
    for name, table in tables.items():
        assert [row[0] for row in sim.sql(f"SELECT crm_id FROM {table} ORDER BY id")] == ids(sim, name), name
    people = [row[0] for row in sim.sql("SELECT crm_id FROM person ORDER BY id")]
    assert people == ids(sim, "Contact") + ids(sim, "Lead")


@pytest.mark.rule("R-028")
def test_another_org_is_refused_before_anything_is_read(sim: Simulated) -> None:
    """The error names both orgs; the database stays as it is."""
    sim.sync()
    before = sim.sql("SELECT * FROM person")
    mine = ids(sim, "Organization")[0]
    other = Org(records=3, seed=8, clock=sim.clock)
    table = other.state.tables["Organization"]
    table.by_id = {"00D5e0000000099EAA": [
        "00D5e0000000099EAA" if one == mine else one for one in table.by_id[mine]
    ]}  # fmt: skip
    sim.org = other
    with pytest.raises(OtherOrg, match=mine) as refused:
        sim.sync()
    assert "00D5e0000000099EAA" in str(refused.value)
    assert sim.sql("SELECT * FROM person") == before


@pytest.mark.rule("R-035", "R-037")
def test_what_happens_while_disabled_is_picked_up_once_enabled(sim: Simulated) -> None:
    """A disabled sync makes no call and moves nothing; one cycle after it is enabled makes both sides equal."""
    sim.sync()
    sim.use(lambda connection: connection.disable())
    before = everything(sim), sim.sql("SELECT * FROM person")
    sim.sql("UPDATE account SET industry = 'Art' WHERE id = 1")
    with pytest.raises(SettingsError, match="disabled"):
        sim.sync()
    assert (sim.calls, (everything(sim), sim.sql("SELECT * FROM person"))) == (0, before)
    contacts, leads = ids(sim, "Contact"), ids(sim, "Lead")
    sim.later()
    sim.org.update("Contact", contacts[0], {"Title": "CTO"})
    sim.org.create("Lead", {"LastName": "New", "Company": "New"})
    sim.org.delete("Lead", leads[0])
    sim.org.merge("Contact", contacts[1], [contacts[2]])
    owner = next(one["Id"] for one in sim.org.records("User"))
    sim.org.convert_lead(leads[1], owner_id=owner)
    sim.use(lambda connection: connection.enable())
    assert sim.sync().status == "succeeded"
    found = sim.verify()
    assert (found.ok, found.different) == (True, [])
    assert sim.one("SELECT COUNT(*) FROM person WHERE crm_is_deleted = 0") == 20 + 10 + 1 - 1 - 1
    assert value(sim, "title", contacts[0]) == "CTO"


@pytest.mark.rule("R-043")
def test_the_table_of_directions(sim: Simulated) -> None:
    """Leads, contacts and campaigns go both ways, everything else comes from the CRM; no setting can change that."""
    both = {route.object for route in ROUTES if Direction.PUSH in route.directions}
    assert both == {"Lead", "Contact", "Campaign", "CampaignMember", "CampaignMemberStatus"}
    fields = sim.use(lambda connection: connection.fields())
    assert {one["object"] for one in fields if "push" in one["directions"]} == both
    with pytest.raises(ValidationError):
        Simulated(sim.path, objects={"push": ["Account"]}).sync()
    sim.sync()
    sim.sql("UPDATE opportunity SET name = 'x' WHERE id = 1")
    sim.sql("UPDATE person SET title = 'x' WHERE id = 1")
    assert dict(sim.sql("SELECT entity, state FROM crmsync_edit")) == {"opportunity": "local", "person": "pending"}


@pytest.mark.rule("R-053")
def test_a_person_of_this_side_alone_is_not_sent(sim: Simulated) -> None:
    """Two cycles later the CRM has no new record and the row is as it was written."""
    sim.sync()
    sim.sql("INSERT INTO person (email, last_name) VALUES ('here@x.org', 'Here')")
    before = everything(sim), sim.sql("SELECT * FROM person WHERE email = 'here@x.org'")
    sim.sync()
    sim.sync()
    assert (everything(sim), sim.sql("SELECT * FROM person WHERE email = 'here@x.org'")) == before
