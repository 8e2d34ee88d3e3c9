"""Records in quarantine leave it when there is nothing left to read, and are not asked for without end."""

from __future__ import annotations

from crmsync.model import Kind, Query
from support.engine import Engine

TOO_BIG = 2**70


def set_aside(engine: Engine) -> None:
    """A lead that was stored, and then got a score that no column holds."""
    engine.crm.put("Lead", "00Q1", Email="l@x.org", Score=1)
    engine.crm.put("Lead", "00Q2", Email="m@x.org", Score=1)
    engine.sync()
    engine.crm.tick(10)
    engine.crm.put("Lead", "00Q1", Score=TOO_BIG)
    engine.sync()
    assert engine.one("SELECT COUNT(*) FROM crmsync_quarantine") == 1


def test_a_record_that_was_deleted_leaves_quarantine(engine: Engine) -> None:
    """There is nothing left to store."""
    set_aside(engine)
    engine.crm.tick(10)
    engine.crm.delete("Lead", "00Q1")
    engine.sync()
    assert engine.one("SELECT COUNT(*) FROM crmsync_quarantine") == 0


def test_a_record_that_was_merged_leaves_quarantine(engine: Engine) -> None:
    """The winner has it now."""
    set_aside(engine)
    engine.crm.tick(10)
    engine.crm.join("Lead", "00Q1", "00Q2")
    engine.sync()
    assert engine.one("SELECT COUNT(*) FROM crmsync_quarantine") == 0


def test_a_record_that_is_not_answered_for_is_tried_a_bounded_number_of_times(engine: Engine) -> None:
    """It left the view of these credentials: every cycle would pay a call for it otherwise."""
    set_aside(engine)
    engine.crm.objects["Lead"].pop("00Q1")
    asked: list[str] = []

    def note(query: Query, _number: int) -> None:
        if query.kind is Kind.IDS:
            asked.extend(query.ids)

    by_id = engine.crm._by_id

    def noted(query: Query) -> object:
        note(query, 0)
        return by_id(query)

    object.__setattr__(engine.crm, "_by_id", noted)
    for _ in range(12):
        engine.crm.tick(600)
        engine.sync()
    assert 0 < asked.count("00Q1") <= engine.settings.retries
