"""A field that a read named is gone: the schema is read again, once a cycle."""

from __future__ import annotations

from crmsync.errors import SchemaMoved
from crmsync.model import Kind, Query
from support.engine import Engine


def prepare(engine: Engine, times: int) -> None:
    """A lead that changed, and reads of changes that name a field the CRM does not have, so many times."""
    engine.crm.put("Lead", "00Q1", Email="l@x.org", Score=1)
    engine.sync()
    engine.crm.tick(10)
    engine.crm.put("Lead", "00Q1", Score=2)
    left = [times]

    def moved(query: Query, _number: int) -> None:
        if query.object == "Lead" and query.kind is Kind.CHANGES and left[0]:
            left[0] -= 1
            raise SchemaMoved("No such column 'X' on Lead")

    engine.crm.before_page = moved


def test_an_object_whose_field_is_gone_is_read_again_in_the_same_cycle(engine: Engine) -> None:
    """With the new schema; nobody has to know."""
    prepare(engine, 1)
    summary = engine.sync()
    assert summary.status == "succeeded"
    assert engine.one("SELECT score FROM person") == 2
    assert engine.sql("SELECT * FROM crmsync_error") == []


def test_an_object_whose_field_stays_gone_has_failed(engine: Engine) -> None:
    """The step, the run and the list of errors say so, cycle after cycle; then it goes on where it stood."""
    prepare(engine, 4)
    for _ in range(2):
        summary = engine.sync()
        assert summary.status == "failed"
        assert engine.steps(summary.run)["Lead", "pull updates"]["status"] == "failed"
    assert engine.sql("SELECT DISTINCT object, message FROM crmsync_error") == [("Lead", "No such column 'X' on Lead")]
    assert engine.sync().status == "succeeded"
    assert engine.one("SELECT score FROM person") == 2
