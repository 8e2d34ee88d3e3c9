"""What is sent carries the version it was merged with, whoever changed the record since the last cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dynamics.environment import Environment
from support.marketer import ask
from support.planned import carried, planned


@pytest.fixture
def site(tmp_path: Path) -> Environment:
    found = Environment(tmp_path / "dyn.db")
    found.sync()
    return found


def some(site: Environment, table: str) -> list[dict[str, Any]]:
    return [one for one in site.org.records(table) if not one["statecode"]]


def test_a_planned_collision_is_carried_out(site: Environment, tmp_path: Path) -> None:
    """A record that was changed in the CRM before the plan, and not since, takes what the plan says."""
    lead, file = str(some(site, "lead")[0]["leadid"]), tmp_path / "next.plan"
    site.sql("UPDATE person SET title = 'Ours', city = 'Jena' WHERE crm_id = ?", lead)
    site.org.update("lead", lead, {"jobtitle": "Theirs", "fax": "1"})
    planned(site, file)
    done = carried(site, file)
    assert (done.made, done.refused) == (3, [])
    kept = site.org.get("lead", lead) or {}
    assert (kept["jobtitle"], kept["address1_city"], kept["fax"]) == ("Ours", "Jena", "1")


def test_a_push_is_undone_at_once(site: Environment) -> None:
    """Without a cycle in between, which would have read the version that the push made."""
    one = some(site, "contact")[0]
    site.sql("UPDATE person SET title = 'Ours' WHERE crm_id = ?", one["contactid"])
    run = site.sync().run
    done = site.use(lambda connection: connection.review.undo(run))
    assert done.counts == {"reverted": 1}, done.items
    assert (site.org.get("contact", one["contactid"]) or {})["jobtitle"] == one["jobtitle"]


def test_a_merge_sends_what_it_fills_at_once(site: Environment) -> None:
    """Though the merge itself has changed the record in the CRM just before."""
    winner, loser = (str(one["contactid"]) for one in some(site, "contact")[:2])
    site.sql("UPDATE person SET title = NULL WHERE crm_id = ?", winner)
    site.sql("UPDATE person SET title = 'Theirs' WHERE crm_id = ?", loser)
    site.sync()
    find = "SELECT id FROM person WHERE crm_id = ?"
    told = ask(site, "merge_persons", int(site.one(find, winner)), others=[int(site.one(find, loser))])
    assert told.ok, told.outcome
    assert "meanwhile" not in told.outcome
    assert (site.org.get("contact", winner) or {})["jobtitle"] == "Theirs"
