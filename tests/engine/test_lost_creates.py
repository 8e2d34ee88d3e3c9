"""Creates whose answers were lost, in a CRM that keeps no keys and changes values on the way in: none is made twice."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from crmsync.model import Alike, Merged, Page
from crmsync.store.sending.intents import Asked, Intent
from crmsync.store.sending.lost import Look, Verdict, judge
from crmsync.writes import Change, Operation, Outcome, Result
from support.engine import Engine
from support.keyless import Values, answered, crm, keyless, made
from support.lost import send
from support.marketer import local

INTENTS = "SELECT state, crm_id FROM crmsync_intent ORDER BY id"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A connection that has synced, and whose next answers to creates are lost."""
    return keyless(tmp_path / "marketing.db")


def shout(values: Values) -> Values:
    return {**values, "LastName": str(values["LastName"]).upper()}


def test_what_the_crm_changed_on_the_way_in_is_taken_for_what_was_made(engine: Engine) -> None:
    """Linked and read at once: the CRM's spelling is here, and nothing is sent again."""
    crm(engine).change = shout
    row = local(engine, last_name="Roe", email="roe@x.org")
    send(engine, row)
    answered(engine)
    engine.sync()
    (lead,) = made(engine)
    assert engine.sql(INTENTS) == [("done", lead)]
    assert engine.sql("SELECT crm_id, last_name FROM person WHERE id = ?", row) == [(lead, "ROE")]
    engine.sync()
    assert (made(engine), engine.one("SELECT COUNT(*) FROM person")) == ([lead], 2)
    assert engine.verify().ok


@pytest.mark.parametrize("change", [dict, shout])
def test_two_of_one_name_sent_at_once_are_each_their_own(engine: Engine, change: Callable[[Values], Values]) -> None:
    crm(engine).change = change
    rows = [local(engine, last_name="Roe", email=f"{name}@x.org") for name in ("ann", "bob")]
    send(engine, *rows)
    answered(engine)
    engine.sync()
    leads = engine.crm.objects["Lead"]
    for row, name in zip(rows, ("ann", "bob"), strict=True):
        assert leads[engine.one("SELECT crm_id FROM person WHERE id = ?", row)]["Email"] == f"{name}@x.org"
    assert len(made(engine)) == 2


def test_of_two_one_never_arrived(engine: Engine) -> None:
    """What the other made is not taken for it, whoever was sent first: it is sent again, and both are there once."""
    rows = [local(engine, last_name="Roe", email=f"{name}@x.org") for name in ("ann", "bob")]
    nobody = Outcome(result=Result.UNKNOWN, code="lost", message="no answer")
    crm(engine).answer = lambda one: nobody if one.values["Email"] == "ann@x.org" else None
    send(engine, *rows)
    crm(engine).answer = lambda _one: None
    answered(engine)
    engine.sync()
    assert [one[0] for one in engine.sql(INTENTS)] == ["lost", "done"]
    assert send(engine, rows[0])[0].result is Result.DONE
    assert sorted(str(engine.crm.objects["Lead"][one]["Email"]) for one in made(engine)) == ["ann@x.org", "bob@x.org"]


def test_what_an_answered_create_made_is_nobody_else_s(engine: Engine) -> None:
    first = local(engine, last_name="Roe", email="same@x.org", title="first")
    second = local(engine, last_name="Roe", email="same@x.org", title="second")
    answered(engine)
    assert send(engine, first)[0].result is Result.DONE
    crm(engine).answer = lambda _one: Outcome(result=Result.UNKNOWN, code="lost", message="no answer")
    send(engine, second)
    crm(engine).answer = lambda _one: None
    engine.sync()
    assert [one[0] for one in engine.sql(INTENTS)] == ["done", "lost"]


def test_a_doubtful_one_is_for_a_person_to_decide(engine: Engine) -> None:
    """It may be another's: the error says what differs, both sides are named, and nothing is sent again."""
    crm(engine).change = lambda values: {**values, "Email": "other@x.org"}
    row = local(engine, last_name="Roe", email="roe@x.org")
    send(engine, row)
    answered(engine)
    engine.sync()
    (lead,) = made(engine)
    assert engine.sql(INTENTS) == [("ambiguous", None)]
    ((at_row, said, hint),) = engine.sql("SELECT row_id, message, hint FROM crmsync_error WHERE level = 'record'")
    assert (at_row, f"{lead} (other Email)" in said, f"person {row}" in hint) == (row, True, True)
    (told,) = send(engine, row)
    assert (told.result, lead in told.message) == (Result.REFUSED, True)
    engine.sync()
    assert made(engine) == [lead]


def test_what_is_only_alike_is_not_believed_too_early(engine: Engine) -> None:
    """The record itself may not be visible yet."""
    crm(engine).change, crm(engine).early = shout, True
    send(engine, local(engine, last_name="Roe", email="roe@x.org"))
    answered(engine)
    engine.sync()
    assert engine.sql(INTENTS) == [("sent", None)]
    crm(engine).early = False
    engine.sync()
    assert engine.sql(INTENTS) == [("done", made(engine)[0])]


def test_what_was_made_and_converted_before_anybody_looked(engine: Engine) -> None:
    """The person is the contact; no second lead is made."""
    row = local(engine, last_name="Roe", email="roe@x.org")
    send(engine, row)
    answered(engine)
    (lead,) = made(engine)
    engine.crm._convert(Change(operation=Operation.CONVERT, object="Lead", row=1, crm_id=lead))
    found = Page(columns=("Id",), merged=[Merged(lead, f"Con-{lead}", "Contact", reason="converted")])
    crm(engine)._made = lambda _query: found  # type: ignore[assignment,method-assign]
    engine.sync()
    assert engine.sql("SELECT crm_id, crm_type FROM person WHERE id = ?", row) == [(f"Con-{lead}", "contact")]
    assert (engine.sql(INTENTS), made(engine)) == ([("done", lead)], [])


def test_the_record_of_somebody_who_was_here_before_is_nobody_else_s(tmp_path: Path) -> None:
    """A flow made a lead of that name for another person here: two persons are not made one unasked."""
    engine = keyless(tmp_path / "other.db", match=["email"])
    other = local(engine, last_name="Roe", email="roe@x.org", created_at="2026-01-01T00:00:00.000Z")
    row = local(engine, last_name="Roe")
    crm(engine).answer = lambda _one: Outcome(result=Result.UNKNOWN, code="lost", message="no answer")
    send(engine, row)
    crm(engine).answer = lambda _one: None
    answered(engine)
    engine.crm.put("Lead", "00Q9", LastName="Roe", Email="roe@x.org")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crm(engine), "_made", lambda _query: Page(columns=("Id",), gap=True))
        engine.sync()
    engine.sync()
    assert engine.sql("SELECT crm_id FROM person WHERE id IN (?, ?) ORDER BY id", other, row) == [("00Q9",), (None,)]
    assert f"it is that of row {other}" in engine.one("SELECT message FROM crmsync_error WHERE code = 'ambiguous'")


def look(key: str, *same: str, strong: str = "", weak: str = "", link: bool = True, early: bool = False) -> Look:
    """What a read brought, by ids of one letter."""
    change = Change(operation=Operation.CREATE, object="Lead", row=1, key=key)
    intent = Intent(asked=Asked(change=change, entity="person", row_id=1, link=link), state="sent", sent_at="")
    alike = [*(Alike(one, "other", strong=True) for one in strong), *(Alike(one, "other") for one in weak)]
    return Look(intent, living=list(same), alike=alike, early=early)


def verdicts(*looks: Look, free: str = "abcd", under_way: bool = False) -> dict[str, str]:
    """By key: the record, "?" with those it may be, "wait", or "" where nothing was made. In any order the same."""
    found = [_said(judge(order, frozenset(free), under_way=under_way)) for order in permutations(looks)]
    assert all(one == found[0] for one in found)
    return found[0]


def _said(judged: list[Verdict]) -> dict[str, str]:
    said = {}
    for one in judged:
        doubt = "".join(sorted(like.id for like in one.maybe))
        said[one.look.intent.key] = "wait" if one.wait else one.made or (f"?{doubt}" if doubt else "")
    return said


def test_the_same_goes_before_the_like() -> None:
    assert verdicts(look("x", strong="a"), look("y", "a", strong="b")) == {"x": "", "y": "a"}
    assert verdicts(look("x", strong="a", weak="b"), look("y", "b")) == {"x": "a", "y": "b"}


def test_what_two_may_have_made_is_neither_s() -> None:
    assert verdicts(look("x", strong="a"), look("y", strong="a")) == {"x": "?a", "y": "?a"}
    assert verdicts(look("x", "a", "b"), look("y", strong="a")) == {"x": "?ab", "y": "?a"}
    assert verdicts(look("x", strong="ab")) == {"x": "?ab"}


def test_a_strong_likeness_goes_before_weak_ones() -> None:
    assert verdicts(look("x", strong="a", weak="b"), look("y", strong="b", weak="a")) == {"x": "a", "y": "b"}
    assert verdicts(look("x", weak="a"), look("y", weak="a")) == {"x": "?a", "y": "?a"}


def test_what_is_accounted_for_is_left_out() -> None:
    assert verdicts(look("x", "a", strong="b", weak="c"), free="") == {"x": ""}
    assert verdicts(look("x", strong="ab"), free="b") == {"x": "b"}


def test_while_others_are_on_their_way_likeness_says_nothing() -> None:
    assert verdicts(look("x", strong="a"), look("y", "b"), look("z"), under_way=True) == {
        "x": "wait",
        "y": "b",
        "z": "",
    }
    assert verdicts(look("x", strong="a", early=True), look("z", early=True)) == {"x": "wait", "z": "wait"}


def test_those_that_nothing_here_stands_for_share_what_is_like_them() -> None:
    """Two tasks of one person and day: which is which does not matter, their number does."""
    twins = [look(key, strong="ab", link=False) for key in "xy"]
    assert sorted(_said(judge(twins, frozenset("ab"), under_way=False)).values()) == ["a", "b"]
    assert sorted(_said(judge(twins, frozenset("a"), under_way=False)).values()) == ["", "a"]
    three = [look(key, strong="abc", link=False) for key in "xy"]
    assert _said(judge(three, frozenset("abc"), under_way=False)) == {"x": "?abc", "y": "?abc"}
