"""A filter of rows in the settings: sent with every read, and read anew when it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import RetryLater
from support.engine import Engine
from support.memory import Crm
from support.records import ids, step, value
from support.simulated import Simulated


def hot(*ratings: str) -> dict[str, Any]:
    """Settings that let these ratings of leads in."""
    return {"where": {"Lead": [{"field": "Rating", "op": "in", "value": list(ratings)}]}}


@pytest.fixture
def sim(tmp_path: Path) -> Simulated:
    """Ten leads, three hot, three warm and four cold; the hot ones are synced."""
    sim = Simulated(tmp_path / "m.db", objects=hot("Hot"))
    for at, one in enumerate(ids(sim, "Lead")):
        sim.org.update("Lead", one, {"Rating": ("Hot", "Warm", "Cold")[min(at // 3, 2)]})
    return sim


def leads(sim: Simulated) -> list[str]:
    """The leads that are here."""
    return [row[0] for row in sim.sql("SELECT crm_id FROM person WHERE crm_type = 'lead' ORDER BY crm_id")]


@pytest.mark.rule("R-273")
def test_only_rows_that_match_arrive(sim: Simulated) -> None:
    """In the first load and in every later cycle; verify compares those alone."""
    sim.sync()
    every = ids(sim, "Lead")
    assert leads(sim) == every[:3]
    sim.later()
    sim.org.update("Lead", every[4], {"Title": "CTO"})
    sim.org.update("Lead", every[5], {"Rating": "Hot"})
    found = step(sim.sync(), "Lead")
    assert (found["new"], found["updated"], found["skipped"]) == (1, 0, 0)
    assert leads(sim) == [*every[:3], every[5]]
    assert sim.verify().ok


@pytest.mark.rule("R-273")
def test_a_row_that_leaves_the_filter_is_kept_as_it_is(sim: Simulated) -> None:
    """Unflagged, with the values it had; verify explains it, and back in the filter it goes on."""
    sim.sync()
    one = ids(sim, "Lead")[0]
    title = value(sim, "title", one)
    sim.later()
    sim.org.update("Lead", one, {"Rating": "Cold", "Title": "gone"})
    sim.sync()
    assert [value(sim, name, one) for name in ("rating", "title", "crm_is_deleted")] == ["Hot", title, 0]
    found = sim.verify()
    assert found.ok
    assert [(one["crm_id"], one["rule"]) for one in found.explained] == [
        (one, "filtered out by the settings (R-273): kept as it was")
    ]
    sim.later()
    sim.org.update("Lead", one, {"Rating": "Hot"})
    sim.sync()
    assert value(sim, "title", one) == "gone"


@pytest.mark.rule("R-273")
def test_a_comparison_of_ids_deletes_nothing_that_was_filtered_out(sim: Simulated) -> None:
    """Also where the feed of deletions had a gap, and one of the leads was really deleted."""
    sim.sync()
    first, second = ids(sim, "Lead")[:2]
    sim.later()
    sim.org.update("Lead", first, {"Rating": "Cold"})
    sim.org.delete("Lead", second)
    sim.later(90 * 86_400)
    sim.sync()
    assert [value(sim, "crm_is_deleted", one) for one in (first, second)] == [0, 1]
    assert sim.sql("SELECT kind FROM crmsync_notice WHERE kind = 'deletions'") == []


@pytest.mark.rule("R-273")
def test_a_new_filter_reads_anew(sim: Simulated) -> None:
    """What it lets in is loaded once; what it shuts out stays; and no deletion is missed meanwhile."""
    sim.sync()
    every = ids(sim, "Lead")
    sim.later()
    sim.org.delete("Lead", every[0])
    sim.given["objects"] = hot("Hot", "Warm")
    assert step(sim.sync(), "Lead")["new"] == 3
    assert leads(sim) == every[:6]
    assert value(sim, "crm_is_deleted", every[0]) == 1
    assert step(sim.sync(), "Lead")["new"] == 0
    sim.given["objects"] = hot("Warm")
    sim.sync()
    assert leads(sim) == every[:6]
    assert sim.verify().ok
    sim.given["objects"] = {}
    assert step(sim.sync(), "Lead")["new"] == 4
    assert sim.verify().explained == []


@pytest.mark.rule("R-273")
def test_a_read_anew_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    """At its page; a change in between is not lost."""
    crm = Crm()
    engine = Engine(tmp_path / "m.db", crm)
    for at in range(9):
        crm.put("Lead", f"00Q{at}", LastName="Roe", Title="CTO")
    engine.sync()
    engine.settings.objects = type(engine.settings.objects).model_validate(
        {"where": {"Lead": [{"field": "Title", "value": "CTO"}]}}
    )
    asked: list[tuple[str, int]] = []

    def cut(query: Any, number: int) -> None:
        if query.object == "Lead" and query.kind == "load":
            asked.append((query.cursor.resume or "", number))
            if number == 1 and len(asked) == 2:
                raise RetryLater("cut")

    crm.before_page = cut
    crm.tick(60)
    engine.sync()
    crm.tick(60)
    crm.put("Lead", "00Q0", LastName="Changed")
    engine.sync()
    assert [resume.partition("|")[2] for resume, _ in asked] == ["", "", "00Q2", "00Q2"]
    assert engine.one("SELECT last_name FROM person WHERE crm_id = '00Q0'") == "Changed"
    engine.sync()
    assert len(asked) == 4
