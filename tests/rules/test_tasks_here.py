"""Tasks that a marketer asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.records import ids, person
from support.simulated import Simulated


def ask(sim: Simulated, row: int, **wish: Any) -> Any:
    """Ask for a task; how it ended, and the task in the CRM."""
    told = sim.use(lambda connection: connection.actions.create_task(row, "Call back", **wish))
    return told, next(one for one in sim.org.records("Task") if one["Id"] == told.crm_id)


@pytest.mark.rule("R-173", "R-174")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_a_task_is_made_and_is_due_in_five_days(sim: Simulated, name: str) -> None:
    """It belongs to the lead or contact and to its owner; the due date is never left out."""
    sim.sync()
    crm_id = ids(sim, name)[0]
    told, task = ask(sim, person(sim, crm_id))
    assert told.ok
    due = f"{sim.clock.now() + timedelta(days=5):%Y-%m-%d}"
    assert (task["WhoId"], task["Subject"], task["ActivityDate"]) == (crm_id, "Call back", due)
    owner = next(one["OwnerId"] for one in sim.org.records(name) if one["Id"] == crm_id)
    assert task["OwnerId"] == owner


@pytest.mark.rule("R-173", "R-174")
def test_what_is_said_of_a_task_is_what_it_gets(sim: Simulated) -> None:
    """Due date, priority and text; a person whom the CRM does not have is sent first."""
    sim.sync()
    sim.sql("INSERT INTO person (last_name, company, email) VALUES ('New', 'Acme', 'n@x.org')")
    row = int(sim.one("SELECT MAX(id) FROM person"))
    told, task = ask(sim, row, due_in_days=1, priority="High", description="about the offer")
    assert told.ok
    due = f"{sim.clock.now() + timedelta(days=1):%Y-%m-%d}"
    found = (task["ActivityDate"], task["Priority"], task["Description"])
    assert found == (due, "High", "about the offer")
    assert task["WhoId"] == sim.one("SELECT crm_id FROM person WHERE id = ?", row)
