"""Whatever happens in the CRM and on the way, both sides end equal, with nothing lost and nothing done twice."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmsync.errors import RetryLater
from crmsync.model import Kind, Query
from support.engine import Engine
from support.lasting import LastingEngine

NAMES = st.sampled_from(["Ann", "Bob", "Çelik", "李", "O'Neil", "", None])
PEOPLE = st.integers(0, 7)
CHANGES = st.one_of(
    st.tuples(st.just("contact"), PEOPLE, NAMES),
    st.tuples(st.just("lead"), PEOPLE, NAMES),
    st.tuples(st.just("account"), st.integers(0, 2), NAMES),
    st.tuples(st.just("move"), PEOPLE, st.integers(0, 2)),
    st.tuples(st.just("delete contact"), PEOPLE, st.none()),
    st.tuples(st.just("delete lead"), PEOPLE, st.none()),
    st.tuples(st.just("merge leads"), PEOPLE, PEOPLE),
    st.tuples(st.just("merge contacts"), PEOPLE, PEOPLE),
    st.tuples(st.just("convert"), PEOPLE, PEOPLE),
    st.tuples(st.just("edit account"), st.integers(0, 2), st.sampled_from(["Art", "Law"])),
    st.tuples(st.just("tick"), st.integers(0, 3), st.none()),
    st.tuples(st.just("sync"), st.integers(0, 4), st.booleans()),
)


def play(engine: Engine, change: tuple[str, int, object]) -> None:
    """One thing that happens, if it can."""
    what, number, more = change
    crm, lead, contact = engine.crm, f"00Q{number}", f"003{number}"
    leads, contacts = crm.objects.setdefault("Lead", {}), crm.objects.setdefault("Contact", {})
    finished = {m.id for _, m in crm.joined} | {g.id for _, g in crm.ended}
    name = (more or None) if isinstance(more, str) or more is None else None
    if what == "contact" and contact not in finished:
        crm.put("Contact", contact, LastName=name, Email=f"{contact}@x.org", AccountId="0010")
    elif what == "lead" and lead not in finished:
        crm.put("Lead", lead, LastName=name, Email=f"{lead}@x.org", Score=number)
    elif what == "account":
        crm.put("Account", f"001{number}", Name=name)
    elif what == "move" and contact in contacts:
        crm.put("Contact", contact, AccountId=f"001{more}")
    elif what == "delete contact" and contact in contacts:
        crm.delete("Contact", contact)
    elif what == "delete lead" and lead in leads:
        crm.delete("Lead", lead)
    elif what == "tick":
        crm.tick(number)
    else:
        _elsewhere(engine, what, number, more)


def _elsewhere(engine: Engine, what: str, number: int, more: object) -> None:
    """What is not a plain edit in the CRM."""
    if what in ("merge leads", "merge contacts", "convert"):
        _join(engine, what, number, int(str(more)))
    elif what == "edit account" and engine.path.exists():
        with suppress(Exception):
            engine.sql("UPDATE account SET industry = ? WHERE crm_id = ?", more, f"001{number}")
    elif what == "sync":
        _sync(engine, number, cut=bool(more))


def _join(engine: Engine, what: str, number: int, other: int) -> None:
    crm = engine.crm
    leads, contacts = crm.objects["Lead"], crm.objects["Contact"]
    lead, contact = f"00Q{number}", f"003{number}"
    finished = {m.id for _, m in crm.joined} | {g.id for _, g in crm.ended}
    if what == "merge leads" and lead in leads and f"00Q{other}" in leads and other != number:
        crm.put("Lead", f"00Q{other}")
        crm.join("Lead", lead, f"00Q{other}")
    elif what == "merge contacts" and contact in contacts and f"003{other}" in contacts and other != number:
        crm.put("Contact", f"003{other}")
        crm.join("Contact", contact, f"003{other}")
    elif what == "convert" and lead in leads and f"003{other}" not in finished:
        crm.put("Contact", f"003{other}", LastName="converted", Email="c@x.org", AccountId="0010")
        crm.join("Lead", lead, f"003{other}", "Contact", "converted")


def _sync(engine: Engine, at: int, *, cut: bool) -> None:
    """A cycle in which, perhaps, the CRM goes away at some page."""
    pages = iter(range(100))

    def perhaps(_query: Query, _number: int) -> None:
        if cut and next(pages) == at:
            raise RetryLater("the line was cut")

    engine.crm.before_page = perhaps
    with suppress(RetryLater):
        engine.sync()
    engine.crm.before_page = lambda _query, _number: None


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CHANGES, max_size=25), st.integers(1, 4))
def test_both_sides_end_equal(changes: list[tuple[str, int, object]], page_size: int) -> None:
    """After any history of changes, joins, cut reads and local account edits, a quiet cycle makes both sides equal.

    One person a lead or contact, no id left out, only local account edits to explain, and nothing more to change.
    """
    with tempfile.TemporaryDirectory() as folder, LastingEngine(Path(folder) / "marketing.db") as engine:
        engine.crm.page_size = page_size
        engine.crm.put("Account", "0010", Name="First", Industry="Tech")
        for change in changes:
            play(engine, change)
        engine.crm.tick(5)
        engine.sync()
        found = engine.verify()
        assert found.ok, found.different
        assert {one["rule"] for one in found.explained} <= {"local edit (R-095, R-097)"}
        living = {**engine.crm.objects.get("Lead", {}), **engine.crm.objects.get("Contact", {})}
        held = [row[0] for row in engine.sql("SELECT crm_id FROM person WHERE crm_is_deleted = 0")]
        assert Counter(held) == Counter(living.keys())
        before = [engine.sql(f"SELECT * FROM {t}") for t in ("person", "account", "activity", "crmsync_journal")]
        engine.crm.tick(5)
        engine.sync()
        assert [
            engine.sql(f"SELECT * FROM {t}") for t in ("person", "account", "activity", "crmsync_journal")
        ] == before


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(PEOPLE, st.integers(0, 5)), min_size=1, max_size=12), st.integers(1, 3))
def test_equal_stamps_are_never_missed(writes: list[tuple[int, int]], page_size: int) -> None:
    """Records saved in the very second of a read, before or after it, all arrive: stamps resolve to one second."""
    with tempfile.TemporaryDirectory() as folder, LastingEngine(Path(folder) / "marketing.db") as engine:
        engine.crm.page_size = page_size
        engine.crm.put("Account", "0010", Name="First")
        engine.sync()
        for number, when in writes:

            def during(query: Query, page: int, number: int = number, when: int = when) -> None:
                if query.object == "Contact" and query.kind is Kind.CHANGES and page == min(when, 1):
                    engine.crm.put("Contact", f"003{number}", LastName=str(when))

            engine.crm.before_page = during
            engine.use(lambda connection: connection.sync())
            engine.crm.before_page = lambda _query, _number: None
            if when > 3:
                engine.crm.tick(1)
        engine.sync()
        assert engine.verify().ok
