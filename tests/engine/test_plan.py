"""A plan is what the next cycle does; making it changes nothing; carried out, it does that and nothing else."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmsync.connection import Connection
from crmsync.errors import ConnectionStopped, SettingsError
from crmsync.model import Query, Winner
from crmsync.planning.carry import Carried, carry_out
from crmsync.store.history.planned import Item
from crmsync.writes import Outcome, Result
from support.campaigns import Fair
from support.engine import Engine
from support.planned import (
    Move,
    Planned,
    carried,
    here,
    moved_here,
    moved_there,
    planned,
    planning,
    there,
    twin,
    would_move,
)
from support.records import ids
from support.simulated import Simulated

NAMES = st.sampled_from(["Ann", "Bob", "Çelik", "李", "O'Neil", None])
PEOPLE = st.integers(0, 4)
KINDS = st.sampled_from(["Lead", "Contact"])
CHANGES = st.one_of(
    st.tuples(st.just("save"), KINDS, PEOPLE, NAMES),
    st.tuples(st.just("edit"), KINDS, PEOPLE, NAMES),
    st.tuples(st.just("account"), st.just("Account"), st.integers(0, 2), NAMES),
    st.tuples(st.just("edit account"), st.just("Account"), st.integers(0, 2), NAMES),
    st.tuples(st.just("delete"), KINDS, PEOPLE, st.none()),
    st.tuples(st.just("delete here"), KINDS, PEOPLE, st.none()),
    st.tuples(st.just("deal"), st.just("Deal"), st.integers(0, 2), st.booleans()),
    st.tuples(st.just("merge"), KINDS, PEOPLE, PEOPLE),
    st.tuples(st.just("convert"), st.just("Lead"), PEOPLE, PEOPLE),
    st.tuples(st.just("sync"), st.just(""), st.just(0), st.none()),
)
LATE = CHANGES.filter(lambda change: change[0] != "sync")
Change = tuple[str, str, int, Any]


def crm_id(obj: str, number: int) -> str:
    return {"Lead": "00Q", "Contact": "003", "Account": "001", "Deal": "006"}[obj] + str(number)


def play(engine: Engine, change: Change) -> None:
    """One thing that happens, if it can."""
    what, obj, number, more = change
    crm, one = engine.crm, crm_id(obj, number) if obj else ""
    alive = one in crm.objects.get(obj, {})
    finished = {m.id for _, m in crm.joined} | {g.id for _, g in crm.ended}
    if what == "save" and one not in finished:
        crm.put(obj, one, LastName=more, Email=f"{one}@x.org", Title=more)
    elif what == "account":
        crm.put("Account", one, Name=more, Industry=more)
    elif what == "deal" and one not in finished:
        crm.put("Deal", one, Name="Deal", Amount=number) if more or not alive else crm.delete("Deal", one)
    elif what == "delete" and alive:
        crm.delete(obj, one)
    elif what in ("merge", "convert") and alive:
        _join(engine, what, obj, one, more)
    elif what == "sync":
        engine.sync()
    elif engine.path.exists():
        _locally(engine, what, one, more)


def _locally(engine: Engine, what: str, one: str, more: Any) -> None:
    with suppress(Exception):  # before the first cycle there is no table
        if what == "edit":
            engine.sql("UPDATE person SET title = ?, last_name = ? WHERE crm_id = ?", more, more, one)
        elif what == "edit account":
            engine.sql("UPDATE account SET industry = ? WHERE crm_id = ?", more, one)
        elif what == "delete here":
            engine.sql("DELETE FROM person WHERE crm_id = ?", one)


def _join(engine: Engine, what: str, obj: str, one: str, other: int) -> None:
    crm, into = engine.crm, crm_id(obj if what == "merge" else "Contact", other)
    finished = {m.id for _, m in crm.joined} | {g.id for _, g in crm.ended}
    if what == "merge" and into in crm.objects[obj] and into != one:
        crm.put(obj, into)
        crm.join(obj, one, into)
    elif what == "convert" and into not in finished:
        crm.put("Contact", into, LastName="converted", Email="c@x.org")
        crm.join("Lead", one, into, "Contact", "converted")


def begin(folder: str, page_size: int = 3) -> Engine:
    """Four leads, four contacts, two accounts and two deals, synced."""
    Path(folder).mkdir(exist_ok=True)
    engine = Engine(Path(folder) / "marketing.db")
    engine.crm.page_size = page_size
    for number in range(4):
        play(engine, ("save", "Lead", number, "Ann"))
        play(engine, ("save", "Contact", number, "Ann"))
        play(engine, ("account", "Account", number % 2, "Ann"))
        play(engine, ("deal", "Deal", number % 2, True))
    engine.sync()
    engine.crm.tick(2)
    return engine


def plain(records: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Records of the CRM without their stamps."""
    return {key: {name: one for name, one in record.items() if name != "Stamp"} for key, record in records.items()}


def unnumbered(moves: set[Move]) -> set[Move]:
    """New rows without their numbers, which depend on what else came."""
    return {(*one[:2], *one[3:]) if one[0] == "create" else one for one in moves}


def planned_of(refused: dict[str, Any]) -> Item:
    """The change that was refused, as it was planned."""
    return Item(**{name: refused[name] for name in Item.__dataclass_fields__ if name != "rule"})


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CHANGES, min_size=4, max_size=12), st.integers(1, 4))
def test_a_plan_is_what_the_next_cycle_does(changes: list[Change], page_size: int) -> None:
    """Value by value on both sides, after any history; and making it moved nothing on either.

    Saved and carried out on a twin it comes to the same, and the next cycle there finds nothing left to do.
    """
    with tempfile.TemporaryDirectory() as folder:
        engine = begin(folder, page_size)
        for change in changes:
            play(engine, change)
            engine.crm.tick()
        was_here, was_there = here(engine), there(engine)
        engine.leave()
        file, written = engine.path.read_bytes(), list(engine.crm.written)
        said = planned(engine, Path(folder) / "plan")
        assert engine.path.read_bytes() == file
        assert (here(engine), there(engine), engine.crm.written) == (was_here, was_there, written)
        engine.leave()
        assert sorted(path.name for path in Path(folder).iterdir()) == ["marketing.db", "plan"]
        other = twin(engine, Path(folder) / "other.db")
        engine.use(lambda connection: connection.sync())
        local, remote = would_move(said.items)
        assert local == moved_here(was_here, here(engine))
        assert remote == moved_there(was_there, there(engine))
        assert carried(other, Path(folder) / "plan").refused == []
        assert (here(other), plain(there(other))) == (here(engine), plain(there(engine)))
        journal = other.sql("SELECT * FROM crmsync_journal")
        other.sync()
        assert (here(other), plain(there(other))) == (here(engine), plain(there(engine)))
        assert other.sql("SELECT * FROM crmsync_journal") == journal


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CHANGES, min_size=3, max_size=8), st.lists(LATE, min_size=1, max_size=4))
def test_carried_out_late_a_plan_does_nothing_but_what_it_says(changes: list[Change], late: list[Change]) -> None:
    """Whatever moved meanwhile is refused; what is not refused is made; and a cycle later both sides agree."""
    with tempfile.TemporaryDirectory() as folder:
        engine, file = begin(folder), Path(folder) / "plan"
        for change in changes:
            play(engine, change)
            engine.crm.tick()
        said = planned(engine, file)
        for change in late:
            play(engine, change)
            engine.crm.tick()
        was_here, was_there = here(engine), there(engine)
        done = carried(engine, file)
        assert done.made + len(done.refused) == len(said.items)
        local, remote = would_move(said.items)
        left_here, left_there = would_move([planned_of(one) for one in done.refused])
        assert unnumbered(moved_here(was_here, here(engine))) == unnumbered(local - left_here)
        assert moved_there(was_there, there(engine)) == remote - left_there
        engine.sync()
        engine.sync()
        assert engine.verify().ok


@pytest.fixture
def synced(tmp_path: Path) -> Engine:
    """Four leads, four contacts, two accounts and two deals, synced."""
    return begin(str(tmp_path))


def edit(engine: Engine, obj: str, number: int, **values: Any) -> None:
    """Any program edits a row."""
    table = "account" if obj == "Account" else "person"
    for name, value in values.items():
        engine.sql(f"UPDATE {table} SET {name} = ? WHERE crm_id = ?", value, crm_id(obj, number))


def told(said: Planned) -> set[tuple[Any, ...]]:
    """The values of a plan in short, without whole records."""
    return {
        (one.side, one.operation, one.crm_id, one.field, one.old, one.new, one.rule)
        for one in said.items
        if one.field != "*"
    }


def refused(done: Carried) -> dict[tuple[str, str], tuple[Any, Any, str]]:
    """What was not made: what either side has, and why, by id and column."""
    return {(one["crm_id"], one["field"]): (one["here"], one["crm"], one["why"]) for one in done.refused}


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


def test_what_moved_since_is_refused_and_nothing_else_happens(synced: Engine, tmp_path: Path) -> None:
    """On either side, in whichever direction the change was to go: it is listed with both values; the rest is made."""
    for number in range(4):
        edit(synced, "Lead", number, title="mine")
        synced.crm.put("Contact", f"003{number}", Title="theirs", LastName="theirs")
    planned(synced, tmp_path / "plan")
    edit(synced, "Lead", 1, title="mine again")
    synced.crm.tick()
    synced.crm.put("Lead", "00Q2", Title="moved")
    edit(synced, "Contact", 1, title="mine")
    synced.crm.put("Contact", "0032", Title="moved")
    synced.crm.delete("Contact", "0033")
    done = carried(synced, tmp_path / "plan")
    assert refused(done) == {
        ("00Q1", "title"): ("mine again", "Ann", "it has moved here"),
        ("00Q2", "title"): ("mine", "moved", "it has moved in the CRM"),
        ("0031", "title"): ("mine", "theirs", "it has moved here"),
        ("0032", "title"): ("Ann", "moved", "it has moved in the CRM"),
        ("0033", "title"): ("Ann", None, "the record is deleted in the CRM now"),
        ("0033", "last_name"): ("Ann", None, "the record is deleted in the CRM now"),
    }
    assert all(one["row_id"] for one in done.refused)
    assert (done.made, done.status) == (6, "succeeded")
    titles = "SELECT title FROM person WHERE crm_id LIKE ? ORDER BY crm_id"
    assert synced.sql(titles, "003%") == [("theirs",), ("mine",), ("Ann",), ("Ann",)]
    assert [one["Title"] for one in synced.crm.objects["Lead"].values()] == ["mine", "Ann", "moved", "mine"]
    names = "SELECT last_name FROM person WHERE crm_id LIKE '003%' ORDER BY crm_id"
    assert synced.sql(names) == [("theirs",), ("theirs",), ("theirs",), ("Ann",)]
    assert synced.sql("SELECT kind FROM crmsync_run ORDER BY id") == [("cycle",), ("plan",)]
    synced.sync()
    synced.sync()
    assert synced.verify().ok


def test_a_record_that_came_or_was_joined_otherwise_is_refused_whole(synced: Engine, tmp_path: Path) -> None:
    """A new record that changed, a deletion that was taken back, a merge into another: all of the record stays."""
    synced.crm.put("Account", "0015", Name="New")
    synced.crm.put("Account", "0016", Name="New")
    synced.crm.delete("Lead", "00Q3")
    synced.crm.join("Contact", "0030", "0031")
    planned(synced, tmp_path / "plan")
    before = here(synced)
    synced.crm.tick()
    synced.crm.put("Account", "0015", Name="Newer")
    synced.crm.ended.clear()
    synced.crm.put("Lead", "00Q3", LastName="Ann", Email="00Q3@x.org", Title="Ann")
    synced.crm.joined.clear()
    synced.crm.put("Contact", "0030", LastName="Ann", Email="0030@x.org", Title="Ann")
    done = carried(synced, tmp_path / "plan")
    assert {one["crm_id"] for one in done.refused} == {"0015", "00Q3", "0030"}
    assert {move[3] for move in moved_here(before, here(synced))} == {"0016"}


def test_what_the_crm_refuses_is_told(synced: Engine, tmp_path: Path) -> None:
    """With its own words; the edit is set aside like any other that was refused."""
    edit(synced, "Lead", 0, title="mine")
    planned(synced, tmp_path / "plan")
    synced.crm.answer = lambda _change: Outcome(result=Result.REFUSED, code="RULE", message="no such title")
    done = carried(synced, tmp_path / "plan")
    assert refused(done) == {("00Q0", "title"): ("mine", "Ann", "its local edit is quarantined: no such title")}


def test_edits_that_the_plan_does_not_name_stay(synced: Engine, tmp_path: Path) -> None:
    """Made after it, in other rows and in other columns of the same row: they go with the next cycle."""
    edit(synced, "Lead", 0, title="mine")
    planned(synced, tmp_path / "plan")
    edit(synced, "Lead", 0, last_name="later")
    edit(synced, "Lead", 1, title="later")
    assert carried(synced, tmp_path / "plan").refused == []
    assert [(one.crm_id, dict(one.values)) for one in synced.crm.written] == [("00Q0", {"Title": "mine"})]
    states = "SELECT field FROM crmsync_edit WHERE state = 'pending' ORDER BY field"
    assert synced.sql(states) == [("last_name",), ("title",)]


def test_carrying_out_leaves_no_watch_behind(synced: Engine, tmp_path: Path) -> None:
    """A process that lives on notes no more what moves once the plan is carried out."""
    synced.crm.put("Lead", "00Q1", Title="CTO")
    planned(synced, tmp_path / "plan")

    async def carry(connection: Connection) -> list[Any]:
        assert (await carry_out(connection, tmp_path / "plan")).status == "succeeded"
        store = await connection.opened.store()
        return await store.write(lambda con: con.execute("SELECT name FROM sqlite_temp_master").fetchall())

    assert synced.use(carry) == []
    assert synced.sql("SELECT title FROM person WHERE crm_id = '00Q1'") == [("CTO",)]


def test_a_plan_twice_carried_out_does_nothing_the_second_time(synced: Engine, tmp_path: Path) -> None:
    """All of it has moved: by the first time."""
    edit(synced, "Lead", 0, title="mine")
    synced.crm.put("Contact", "0031", Title="theirs")
    planned(synced, tmp_path / "plan")
    carried(synced, tmp_path / "plan")
    before = here(synced), there(synced)
    assert len(carried(synced, tmp_path / "plan").refused) == 2
    assert (here(synced), there(synced)) == before


def test_a_plan_of_something_else_is_refused(synced: Engine, tmp_path: Path) -> None:
    """Of another connection, org or database, under other settings, or with a line that was changed: untouched."""
    edit(synced, "Lead", 0, title="mine")
    file, twisted = tmp_path / "plan", tmp_path / "twisted"
    planned(synced, file)
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    for old, new, said in (
        ('"new":"mine"', '"new":"yours"', "was changed"),
        (text.splitlines()[-1], "", "has no end"),
        (text.splitlines()[1] + "\n", "", "was changed"),
        ('"format":1', '"format":2', "another version"),
        (text, "{}", "is no plan"),
        (text, "", "is no plan"),
    ):
        twisted.write_text(text.replace(old, new))
        with pytest.raises(SettingsError, match=said):
            carried(synced, twisted)
    with pytest.raises(SettingsError, match="cannot be read"):
        carried(synced, tmp_path / "none")
    synced.settings.fields.winner["Lead.Title"] = Winner.CRM
    with pytest.raises(SettingsError, match="settings changed"):
        carried(synced, file)
    other = begin(str(tmp_path / "other"))
    with pytest.raises(SettingsError, match="of another database"):
        carried(other, file)
    assert synced.crm.written == []
    assert synced.sql("SELECT kind FROM crmsync_run") == [("cycle",)]


def test_a_plan_of_another_org_or_connection_is_refused(synced: Engine, tmp_path: Path) -> None:
    """Also where the database is a copy of the one that it was made for."""
    file = tmp_path / "plan"
    planned(synced, file)
    synced.crm.org = "ORG2"
    synced.sql("UPDATE crmsync_meta SET value = 'ORG2' WHERE key = 'org'")
    with pytest.raises(SettingsError, match="another org of the CRM: ORG1, not ORG2"):
        carried(synced, file)
    synced.crm.org = "ORG1"
    synced.sql("UPDATE crmsync_meta SET value = 'ORG1' WHERE key = 'org'")

    async def renamed(connection: Connection) -> None:
        connection.name = "other"
        await carry_out(connection, file)

    with pytest.raises(SettingsError, match="another connection: acme, not other"):
        synced.use(renamed)


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
