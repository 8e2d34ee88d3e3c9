"""A create in doubt gets another look at a person's wish: what is left is taken, no second one is made unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crmsync.store.sending.retries import Wanted
from support.engine import Engine
from support.keyless import answered, crm, keyless, made
from support.marketer import insert, local, state

INTENTS = "SELECT state, crm_id FROM crmsync_intent ORDER BY id"
LINKED = "SELECT crm_id FROM person WHERE id = ?"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A connection whose next answers to creates are lost."""
    return keyless(tmp_path / "marketing.db")


def retry(engine: Engine, **wanted: Any) -> list[dict[str, Any]]:
    """What a person frees."""
    return engine.use(lambda connection: connection.review.retry(Wanted(**wanted)))


def cycles(engine: Engine) -> None:
    """As many as it takes for what was asked to come to an end."""
    for _ in range(3):
        engine.crm.tick(600)
        engine.sync()


def doubted(engine: Engine, **changed: str) -> tuple[int, int]:
    """A person whose lead was made, changed on the way in, and not recognised; the person's row and the action."""
    crm(engine).change = lambda values: {**values, **changed}
    row = local(engine, last_name="Roe", email="roe@x.org")
    action = insert(engine, "sync_person", row)
    engine.sync()
    answered(engine)
    if not changed:
        engine.crm.put("Lead", "TWIN", LastName="Roe", Email="roe@x.org")
    cycles(engine)
    assert state(engine, action)[:2] == ("refused", "ambiguous")
    crm(engine).change = dict
    return row, action


@pytest.mark.parametrize("surplus", [True, False])
def test_of_two_the_one_that_is_left_is_taken(engine: Engine, *, surplus: bool) -> None:
    """Whichever a person deletes: the person here stands for the other, and the action is done."""
    row, action = doubted(engine)
    lead = next(one for one in made(engine) if one != "TWIN")
    engine.crm.delete("Lead", "TWIN" if surplus else lead)
    left = lead if surplus else "TWIN"
    (freed,) = retry(engine, ids=frozenset([str(row)]))
    assert (freed["way"], freed["was"], freed["cause"], freed["object"]) == ("create", "in doubt", "ambiguous", "Lead")
    cycles(engine)
    assert engine.sql(INTENTS) == [("done", left)]
    assert (engine.one(LINKED, row), state(engine, action)[0], made(engine)) == (left, "done", [left])
    assert engine.verify().ok


def test_nothing_is_made_while_the_doubt_lasts(engine: Engine) -> None:
    """A retry that finds the same is as undecided, and says so anew."""
    _, action = doubted(engine, Email="other@x.org")
    before = made(engine)
    assert len(retry(engine, cause="ambiguous")) == 1
    cycles(engine)
    assert (made(engine), state(engine, action)[0]) == (before, "refused")
    assert engine.one("SELECT COUNT(*) FROM crmsync_error WHERE code = 'ambiguous' AND operation = 'create'") == 2


def test_where_a_person_has_deleted_all_of_them_it_is_sent_once_more(engine: Engine) -> None:
    row, action = doubted(engine, Email="other@x.org")
    (lead,) = made(engine)
    engine.crm.delete("Lead", lead)
    retry(engine, ids=frozenset([str(row)]))
    cycles(engine)
    (anew,) = made(engine)
    assert (engine.one(LINKED, row), state(engine, action)) == (anew, ("done", "", anew))


def test_a_new_one_beside_it_takes_a_word_of_its_own(engine: Engine) -> None:
    """Then it is made without another look, once."""
    row, action = doubted(engine, Email="other@x.org")
    (other,) = made(engine)
    retry(engine, ids=frozenset([str(row)]), anew=True)
    cycles(engine)
    (mine,) = set(made(engine)) - {other}
    assert (engine.one(LINKED, row), state(engine, action)[0]) == (mine, "done")
    assert retry(engine, cause="ambiguous") == []


def test_a_person_who_has_the_record_by_now_is_in_no_doubt(engine: Engine) -> None:
    """Merged here with the one that a pull brought: nothing is left to be tried."""
    row, _ = doubted(engine, Email="other@x.org")
    (lead,) = made(engine)
    pulled = engine.one("SELECT id FROM person WHERE crm_id = ?", lead)
    insert(engine, "merge_persons", pulled, others=[row])
    cycles(engine)
    assert engine.one("SELECT COUNT(*) FROM person WHERE last_name = 'Roe'") == 1
    assert retry(engine, cause="ambiguous") == []
