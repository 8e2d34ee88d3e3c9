"""A plan tells what the next cycle would do on both sides; making it changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from crmsync.connection import Connection
from crmsync.errors import ConnectionStopped
from crmsync.model import Query, Winner
from support.campaigns import Fair
from support.engine import Engine
from support.happenings import begin, edit
from support.planned import carried, here, planned, planning, told
from support.records import ids
from support.simulated import Simulated


@pytest.fixture
def synced(tmp_path: Path) -> Engine:
    """Four leads, four contacts, two accounts and two deals, synced."""
    return begin(str(tmp_path))


def test_both_sides_are_told_value_by_value(synced: Engine) -> None:
    """What the CRM would bring, what would go there, who would win, and what persons would be told."""
    for obj, number in (("Lead", 0), ("Lead", 1), ("Contact", 1)):
        edit(synced, obj, number, title="mine")
    synced.crm.put("Lead", "00Q1", Title="theirs")
    synced.crm.put("Contact", "0031", Title="theirs")
    synced.crm.put("Account", "0015", Name="New")
    synced.crm.delete("Deal", "0060")
    said = planned(synced)
    assert told(said) == {
        ("crm", "update", "00Q0", "title", "Ann", "mine", "push"),
        ("crm", "update", "00Q1", "title", "theirs", "mine", "marketing-wins"),
        ("marketing", "update", "0031", "title", "mine", "theirs", "crm-wins"),
    }
    whole = {(one.operation, one.crm_id): one.new or one.old for one in said.items if one.field == "*"}
    deal = {"name": "Deal", "amount": 0}
    assert whole == {("create", "0015"): {"name": "New"}, ("delete", "0060"): deal}
    assert said.about["activities"] == [{"kind": "Change Data Value", "object": "Contact", "records": 1}]
    assert said.about["status"] == "succeeded"


def test_a_first_load_can_be_planned_and_carried_out(tmp_path: Path) -> None:
    """Every record is new; carried out it leaves no activities, as a load, which the next cycle then still makes."""
    engine = Engine(tmp_path / "marketing.db")
    engine.crm.put("Lead", "00Q1", LastName="Roe")
    engine.crm.put("Account", "0011", Name="Acme")
    said = planned(engine, tmp_path / "plan")
    assert {(one.operation, one.crm_id) for one in said.items} == {("create", "00Q1"), ("create", "0011")}
    assert here(engine) == {}
    done = carried(engine, tmp_path / "plan")
    assert (done.made, done.refused, done.status) == (2, [], "succeeded")
    assert engine.sql("SELECT crm_id, last_name FROM person") == [("00Q1", "Roe")]
    assert engine.sql("SELECT * FROM activity") == []
    assert engine.sql("SELECT * FROM crmsync_cursor") == []
    assert engine.sync().counts.new == 0
    assert engine.verify().ok


def test_a_plan_needs_neither_the_lease_nor_the_switch(synced: Engine) -> None:
    """Another process runs the cycles, and somebody has switched them off: what they would do is told all the same."""
    synced.crm.put("Lead", "00Q1", Title="theirs")

    async def beside(connection: Connection) -> None:
        await connection.opened.lease()
        await connection.disable()
        synced.sql("UPDATE crmsync_lease SET holder = 'another:1:1'")
        said = await planning(connection)
        assert [one.new for one in said.items] == ["theirs"]

    synced.use(beside)
    assert synced.one("SELECT COUNT(*) FROM crmsync_run") == 1


def test_the_copy_is_its_owners_alone_and_never_stays(synced: Engine, tmp_path: Path) -> None:
    """Also where the cycle fails or is cancelled half way, and what a killed process left is taken away."""
    dead = tmp_path / "marketing.db.plan-999999999-abc"
    dead.write_text("persons")
    modes: list[int] = []

    def cut(_query: Query, _number: int) -> None:
        copies = list(tmp_path.glob("marketing.db.plan-*"))
        modes.extend(path.stat().st_mode & 0o777 for path in copies)
        raise asyncio.CancelledError if len(modes) > 3 else ConnectionStopped("no more")

    synced.crm.before_page = cut
    with pytest.raises(ConnectionStopped):
        planned(synced)
    assert not dead.exists()
    assert modes
    assert set(modes) == {0o600}
    modes.extend([0o600] * 4)
    with pytest.raises(asyncio.CancelledError):
        planned(synced)
    assert [path.name for path in tmp_path.iterdir()] == ["marketing.db"]


def test_what_would_go_wrong_is_told(synced: Engine) -> None:
    """Objects that stop, records that would be set aside, values that the CRM would not take, and open decisions."""
    synced.settings.fields.winner["Contact.Title"] = Winner.MANUAL
    synced.sql("CREATE UNIQUE INDEX one_name ON account (name) WHERE name <> 'Ann'")
    edit(synced, "Contact", 1, title="mine")
    synced.crm.put("Contact", "0031", Title="theirs")
    synced.crm.put("Account", "0011", Name="same")
    synced.crm.put("Account", "0010", Name="same")
    synced.crm.hidden.add("Deal")
    said = planned(synced)
    assert {(one["object"], one["crm_id"]) for one in said.about["troubles"]} == {("Deal", None), ("Account", "0011")}
    (one,) = said.about["conflicts"]
    assert (one["crm_id"], one["local"], one["crm"]) == ("0031", "mine", "theirs")
    assert told(said) == {("marketing", "update", "0010", "name", "Ann", "same", "pull")}
    assert said.about["status"] == "failed"


def test_only_some_objects_on_request(synced: Engine) -> None:
    """As a cycle of these objects."""
    synced.crm.put("Lead", "00Q1", Title="theirs")
    synced.crm.put("Contact", "0031", Title="theirs")
    assert {one.crm_id for one in planned(synced, objects=["Lead"]).items} == {"00Q1"}


def test_a_formula_filter_or_block_is_planned_as_it_works(tmp_path: Path) -> None:
    """The plan is made by a real cycle: whatever rule holds there holds in it."""
    engine = Engine(
        tmp_path / "marketing.db", fields={"block": {"Lead.Title": ["crm"], "Contact.Title": ["marketing"]}}
    )
    for obj, one in (("Lead", "00Q1"), ("Contact", "0031")):
        engine.crm.put(obj, one, LastName="Ann", Title="Ann")
    engine.sync()
    engine.crm.tick(2)
    engine.crm.put("Lead", "00Q1", Title="theirs", LastName="theirs")
    edit(engine, "Contact", 1, title="mine", last_name="mine")
    assert told(planned(engine)) == {
        ("marketing", "update", "00Q1", "last_name", "Ann", "theirs", "pull"),
        ("crm", "update", "0031", "last_name", "Ann", "mine", "push"),
    }


def test_memberships_of_programs_are_planned_and_left_to_a_cycle(tmp_path: Path) -> None:
    """Who would join on which side; a plan that is carried out does the rest, and says so."""
    fair = Fair(tmp_path / "marketing.db")
    fair.sync()
    fair.link()
    fair.sync()
    fair.enters("L1", "Seen")
    fair.joins("K1", "Came")
    said = planned(fair, tmp_path / "plan")
    whole = {(one.side, one.operation, one.entity): one.new for one in said.items if one.field == "*"}
    person = fair.one("SELECT id FROM person WHERE crm_id = 'L1'")
    assert whole["marketing", "create", "program_member"] == {"program_id": 1, "person_id": person, "status": "Seen"}
    assert whole["marketing", "create", "campaign_member"]["status"] == "Seen"
    (asked,) = [one for one in said.items if one.side == "crm"]
    assert (asked.operation, asked.new["person"], asked.new["status"]) == ("member", "K1", "Came")
    done = carried(fair, tmp_path / "plan")
    assert {one["why"] for one in done.refused} == {"only a cycle does this: it is left to the next one"}
    assert (done.made, len(done.refused)) == (1, 2)
    fair.sync()
    assert fair.here == fair.there == {"L1": "Seen", "K1": "Came"}


def test_actions_that_wait_are_told_and_not_rehearsed(synced: Engine) -> None:
    """Whoever holds the lease does them, beside the cycle."""
    synced.sql("INSERT INTO crm_action (kind, person_id) VALUES ('sync_person', 5)")
    (asked,) = planned(synced).about["asked"]
    assert (asked["kind"], asked["person_id"]) == ("sync_person", 5)
    assert synced.one("SELECT state FROM crm_action") == "waiting"


def test_a_plan_is_made_and_carried_out_over_the_wire(tmp_path: Path) -> None:
    """With a simulated org over HTTP: updates both ways, a new record, a deletion, a merge and a conversion."""
    sim = Simulated(tmp_path / "m.db")
    sim.sync()
    contacts, leads = ids(sim, "Contact"), ids(sim, "Lead")
    sim.later()
    sim.sql("UPDATE person SET title = 'mine' WHERE crm_id IN (?, ?)", contacts[0], leads[0])
    sim.org.update("Contact", contacts[1], {"Title": "theirs"})
    sim.org.update("Lead", leads[0], {"Title": "theirs"})
    made = sim.org.create("Lead", {"LastName": "New", "Company": "New Ltd"})
    sim.org.delete("Contact", contacts[2])
    sim.org.merge("Lead", leads[1], [leads[2]])
    sim.org.convert_lead(leads[3])
    sim.later()
    said = planned(sim, tmp_path / "plan")
    assert (tmp_path / "m.db").exists()
    short = {(one.side, one.operation, one.crm_id, one.field) for one in said.items}
    assert {
        ("crm", "update", contacts[0], "title"),
        ("crm", "update", leads[0], "title"),
        ("marketing", "update", contacts[1], "title"),
        ("marketing", "create", made, "*"),
        ("marketing", "delete", contacts[2], "crm_is_deleted"),
        ("marketing", "merge", leads[2], "crm_id"),
        ("marketing", "convert", leads[3], "crm_id"),
    } <= short
    done = carried(sim, tmp_path / "plan")
    assert done.refused == []
    assert sim.verify().ok
    before = here(sim)
    sim.sync()
    assert here(sim) == before
    assert sim.verify().ok
