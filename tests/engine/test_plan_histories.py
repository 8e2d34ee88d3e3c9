"""A plan of any history is what the next cycle does; carried out late, it does nothing but what it says."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmsync.store.history.planned import Item
from support.happenings import Change, begin, play
from support.planned import Move, carried, here, moved_here, moved_there, planned, there, twin, would_move

EXAMPLES = int(os.environ.get("CRMSYNC_EXAMPLES", "12"))
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


def plain(records: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Records of the CRM without their stamps."""
    return {key: {name: one for name, one in record.items() if name != "Stamp"} for key, record in records.items()}


def unnumbered(moves: set[Move]) -> set[Move]:
    """New rows without their numbers, which depend on what else came."""
    return {(*one[:2], *one[3:]) if one[0] == "create" else one for one in moves}


def planned_of(refused: dict[str, Any]) -> Item:
    """The change that was refused, as it was planned."""
    return Item(**{name: refused[name] for name in Item.__struct_fields__ if name != "rule"})


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
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


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
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
