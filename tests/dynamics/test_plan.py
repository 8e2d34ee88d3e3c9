"""A saved plan on an environment, which refuses what was merged with another version of a record."""

from __future__ import annotations

from pathlib import Path

from dynamics.environment import Environment
from support.planned import carried, planned


def test_a_collision_is_carried_out_as_planned(tmp_path: Path) -> None:
    """A record that was changed in the CRM before the plan, and not since, takes what the plan says."""
    site, file = Environment(tmp_path / "dyn.db"), tmp_path / "next.plan"
    site.sync()
    lead = next(str(one["leadid"]) for one in site.org.records("lead") if not one["statecode"])
    site.sql("UPDATE person SET title = 'Ours', city = 'Jena' WHERE crm_id = ?", lead)
    site.org.update("lead", lead, {"jobtitle": "Theirs", "fax": "1"})
    planned(site, file)
    done = carried(site, file)
    assert (done.made, done.refused) == (3, [])
    kept = site.org.get("lead", lead) or {}
    assert (kept["jobtitle"], kept["address1_city"], kept["fax"]) == ("Ours", "Jena", "1")
