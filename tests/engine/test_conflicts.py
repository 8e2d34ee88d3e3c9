"""What both sides changed apart, where a person decides: nothing moves until then, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.errors import SettingsError
from crmsync.store.sending.retries import Wanted
from crmsync.writes import Outcome, Result
from support.engine import Engine

JOURNAL = "SELECT field, old, new, side, rule FROM crmsync_journal ORDER BY id"
STATES = "SELECT field, base, state FROM crmsync_edit ORDER BY field"


@pytest.fixture
def disputed(tmp_path: Path) -> Engine:
    """A lead and a contact whose title was changed on both sides, with the winner "manual"."""
    winner = {"Lead.Title": "manual", "Contact.Title": "manual"}
    engine = Engine(tmp_path / "marketing.db", fields={"winner": winner})
    engine.crm.put("Contact", "0031", LastName="Doe", Email="doe@x.org", Title="old")
    engine.crm.put("Lead", "00Q1", LastName="Roe", Email="roe@x.org", Title="old")
    engine.sync()
    engine.sql("UPDATE person SET title = 'mine'")
    engine.crm.tick(2)
    for obj, crm_id in (("Contact", "0031"), ("Lead", "00Q1")):
        engine.crm.put(obj, crm_id, Title="theirs")
    engine.sync()
    return engine


def conflicts(engine: Engine) -> list[dict[str, Any]]:
    """The open conflicts."""
    return engine.use(lambda connection: connection.review.conflicts())


def settle(engine: Engine, who: str, **how: Any) -> dict[str, Any]:
    """Decide the conflict about somebody's title."""
    return engine.use(lambda connection: connection.review.settle(who, "title", **how))


def titles(engine: Engine, crm_id: str) -> tuple[Any, Any]:
    """Here, and in the CRM."""
    here = engine.one("SELECT title FROM person WHERE crm_id = ?", crm_id)
    obj = "Lead" if crm_id.startswith("00Q") else "Contact"
    return here, engine.crm.objects[obj][crm_id]["Title"]


@pytest.mark.rule("R-088")
def test_neither_side_moves_until_somebody_decides(disputed: Engine) -> None:
    """Both keep their value through any number of cycles; other fields of the records move."""
    disputed.sql("UPDATE person SET last_name = 'New'")
    for _ in range(2):
        disputed.sync()
    assert titles(disputed, "00Q1") == titles(disputed, "0031") == ("mine", "theirs")
    assert {one["LastName"] for obj in ("Lead", "Contact") for one in disputed.crm.objects[obj].values()} == {"New"}
    found = conflicts(disputed)
    assert {(one["object"], one["crm_id"], one["row_id"]) for one in found} == {
        ("Lead", "00Q1", disputed.one("SELECT id FROM person WHERE crm_id = '00Q1'")),
        ("Contact", "0031", disputed.one("SELECT id FROM person WHERE crm_id = '0031'")),
    }
    assert {(one["field"], one["base"], one["local"], one["crm"]) for one in found} == {
        ("title", "old", "mine", "theirs")
    }
    runs = dict(disputed.sql("SELECT id, started_at FROM crmsync_run"))
    assert {one["since"] for one in found} == {runs[2]}


@pytest.mark.rule("R-088")
def test_settled_for_the_crm_its_value_is_taken(disputed: Engine) -> None:
    """At once, with the loser in the journal and the change on the person; nothing is sent."""
    done = settle(disputed, "00Q1", take="crm")
    assert (done["value"], done["lost"], done["state"]) == ("theirs", ["mine"], "settled")
    assert titles(disputed, "00Q1") == ("theirs", "theirs")
    assert disputed.sql(JOURNAL)[-1] == ("title", "mine", "theirs", "crm", "settled")
    sql = "SELECT kind, field, old_value, new_value, object, crm_id FROM activity ORDER BY id DESC LIMIT 1"
    assert disputed.sql(sql) == [("Change Data Value", "title", "mine", "theirs", "Lead", "00Q1")]
    disputed.sync()
    assert disputed.crm.written == []
    assert [one["crm_id"] for one in conflicts(disputed)] == ["0031"]


@pytest.mark.rule("R-088")
def test_settled_for_marketing_the_local_value_goes_to_the_crm(disputed: Engine) -> None:
    """With the next cycle, on the CRM's value as its base."""
    done = settle(disputed, "doe@x.org", take="marketing")
    assert (done["value"], done["lost"], done["state"]) == ("mine", ["theirs"], "pending")
    assert ("title", "theirs", "pending") in disputed.sql(STATES)
    assert disputed.sql(JOURNAL)[-1] == ("title", "theirs", "mine", "marketing", "settled")
    disputed.sync()
    assert titles(disputed, "0031") == ("mine", "mine")


def test_settled_with_a_value_both_sides_get_it(disputed: Engine) -> None:
    """Of the column's type; the CRM's value as a value is taken like the CRM's."""
    row = disputed.one("SELECT id FROM person WHERE crm_id = '0031'")
    settle(disputed, str(row), value="ours")
    assert disputed.sql(JOURNAL)[-1] == ("title", "mine", "ours", "marketing", "settled")
    assert settle(disputed, "00Q1", value="theirs")["state"] == "settled"
    disputed.sync()
    assert titles(disputed, "0031") == ("ours", "ours")
    assert titles(disputed, "00Q1") == ("theirs", "theirs")
    assert conflicts(disputed) == []
    disputed.sync()
    assert disputed.verify().ok


@pytest.mark.parametrize("title", ["old", "mine"])
def test_a_conflict_ends_by_itself_where_the_crm_moves_back(disputed: Engine, title: str) -> None:
    """To the value both sides last agreed on, or to the local one: there is nothing left to decide."""
    disputed.crm.tick(2)
    disputed.crm.put("Lead", "00Q1", Title=title)
    disputed.sync()
    assert titles(disputed, "00Q1") == ("mine", "mine")
    assert [one["crm_id"] for one in conflicts(disputed)] == ["0031"]
    disputed.sync()
    assert disputed.verify().ok


def test_a_conflict_ends_where_the_local_side_moves_to_the_crms_value(disputed: Engine) -> None:
    """And not where it moves elsewhere: then it stands, since the same moment, with the new value."""
    since = {one["since"] for one in conflicts(disputed)}
    disputed.sql("UPDATE person SET title = 'theirs' WHERE crm_id = '00Q1'")
    disputed.sql("UPDATE person SET title = 'other' WHERE crm_id = '0031'")
    disputed.sync()
    (left,) = conflicts(disputed)
    assert (left["crm_id"], left["local"], left["crm"], {left["since"]}) == ("0031", "other", "theirs", since)
    assert titles(disputed, "0031") == ("other", "theirs")


def test_the_crms_latest_value_is_the_one_to_decide_about(disputed: Engine) -> None:
    """It moved once more: that is what is taken."""
    disputed.crm.tick(2)
    disputed.crm.put("Lead", "00Q1", Title="latest")
    disputed.sync()
    assert settle(disputed, "00Q1", take="crm")["value"] == "latest"


@pytest.mark.parametrize(
    ("who", "field", "said"),
    [
        ("nobody", "title", "no person 'nobody'"),
        ("00Q1", "last_name", r"last_name of person \d \(Lead 00Q1\) is in no conflict"),
        ("same@x.org", "title", "may be any of these: person 1 .*; person 2 "),
    ],
)
def test_what_is_no_conflict_is_refused(disputed: Engine, who: str, field: str, said: str) -> None:
    """With both ids where there is a record, and all that fit where there are several."""
    disputed.sql("UPDATE person SET email = 'Same@x.org'")
    with pytest.raises(SettingsError, match=said):
        disputed.use(lambda connection: connection.review.settle(who, field, take="crm"))


def test_a_value_of_another_type_is_refused(tmp_path: Path) -> None:
    """The conflict stays as it is."""
    engine = Engine(tmp_path / "marketing.db", fields={"winner": {"Lead.Score": "manual"}})
    engine.crm.put("Lead", "00Q1", LastName="Roe", Score=1)
    engine.crm.routes = [replace(route, two_way=route.two_way | {"score"}) for route in engine.crm.routes]
    engine.sync()
    engine.sql("UPDATE person SET score = 2")
    engine.crm.tick(2)
    engine.crm.put("Lead", "00Q1", Score=3)
    engine.sync()
    with pytest.raises(SettingsError, match=r"score of person 1 \(Lead 00Q1\) takes no such value"):
        engine.use(lambda connection: connection.review.settle("00Q1", "score", value="many"))
    assert [one["local"] for one in conflicts(engine)] == [2]
    assert engine.use(lambda connection: connection.review.settle("00Q1", "score", value="7"))["value"] == 7


def refused(engine: Engine, *codes: str) -> None:
    """Four leads; edits of the first ones are refused, each with a code of its own."""
    for number in range(4):
        engine.crm.put("Lead", f"00Q{number}", LastName="Roe", Title="old")
    engine.sync()
    answers = {f"00Q{at}": Outcome(result=Result.REFUSED, code=code, message="no") for at, code in enumerate(codes)}
    engine.crm.answer = lambda change: answers.get(str(change.crm_id))
    for at in range(len(codes)):
        engine.sql("UPDATE person SET title = 'new' WHERE crm_id = ?", f"00Q{at}")
    engine.sync()
    engine.crm.answer = lambda _change: None
    engine.crm.written.clear()


def retry(engine: Engine, **wanted: Any) -> list[str]:
    """The ids of what is freed."""
    return [one["crm_id"] for one in engine.use(lambda connection: connection.review.retry(Wanted(**wanted)))]


@pytest.mark.rule("R-089")
def test_refused_edits_are_sent_again_on_request(engine: Engine) -> None:
    """By id of either side, by cause, by time; the others stay where they are."""
    refused(engine, "RULE", "rule", "LENGTH")
    row = engine.one("SELECT id FROM person WHERE crm_id = '00Q2'")
    failed = engine.one("SELECT MAX(at) FROM crmsync_error")
    assert retry(engine, before=failed) == retry(engine, since="2026-02-01T00:00:00.000Z") == []
    assert retry(engine, cause="nothing") == retry(engine, ids=frozenset({"00Q3"})) == []
    assert retry(engine, ids=frozenset({"00Q0"}), cause="LENGTH") == []
    engine.sync()
    assert engine.crm.written == []
    assert retry(engine, cause="Rule") == ["00Q0", "00Q1"]
    engine.sync()
    assert [one.crm_id for one in engine.crm.written] == ["00Q0", "00Q1"]
    assert retry(engine, ids=frozenset({str(row)})) == ["00Q2"]
    engine.sync()
    assert {one["Title"] for one in engine.crm.objects["Lead"].values()} == {"new", "old"}
    assert engine.verify().ok
    assert retry(engine) == []


def test_edits_that_were_put_off_are_sent_at_once_on_request(engine: Engine) -> None:
    """Their wait ends, and the tries are counted anew."""
    engine.crm.put("Lead", "00Q1", LastName="Roe", Title="old")
    engine.sync()
    engine.crm.answer = lambda _change: Outcome(result=Result.RETRY, code="LOCKED", message="busy", retry_after=3600)
    engine.sql("UPDATE person SET title = 'new'")
    engine.sync()
    engine.crm.answer = lambda _change: None
    engine.sync()
    assert engine.crm.objects["Lead"]["00Q1"]["Title"] == "old"
    (freed,) = engine.use(lambda connection: connection.review.retry(Wanted(since=engine.crm.now()[:10])))
    assert (freed["was"], freed["cause"], freed["field"], freed["way"]) == ("put off", "LOCKED", "title", "push")
    engine.sync()
    assert engine.crm.objects["Lead"]["00Q1"]["Title"] == "new"


def test_records_in_quarantine_get_their_tries_back(engine: Engine) -> None:
    """They are read again by the next cycle, once somebody has made room for them."""
    engine.crm.put("Lead", "00Q1", LastName="Roe", Email="a@x.org")
    engine.sync()
    engine.sql("CREATE UNIQUE INDEX one_email ON person (email)")
    engine.crm.tick(2)
    engine.crm.put("Lead", "00Q2", LastName="Roe", Email="a@x.org")
    for _ in range(8):
        engine.crm.tick(60)
        engine.sync()
    engine.sql("DROP INDEX one_email")
    engine.crm.tick(60)
    engine.sync()
    assert engine.one("SELECT COUNT(*) FROM person") == 1
    assert retry(engine, cause="something else") == []
    assert retry(engine, cause="UNIQUE") == ["00Q2"]
    engine.sync()
    assert engine.one("SELECT COUNT(*) FROM person") == 2
    assert engine.sql("SELECT * FROM crmsync_quarantine") == []
