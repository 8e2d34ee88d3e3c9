"""A marketing program that writes activities of persons, and the tasks that become of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from crmsync.clock import stamp
from support.engine import Engine
from support.memory import ROUTES, TASKS, Crm
from support.simulated import Simulated

OPENED, CLICKED = "Email Opened", "Clicked Link in Email"


def office(path: Path, *kinds: str, **settings: Any) -> Engine:
    """A CRM with tasks, one lead and one contact, synced; activities of these kinds go to it."""
    engine = Engine(path, Crm(routes=(*ROUTES, TASKS)), activities=list(kinds), **settings)
    engine.crm.put("Lead", "00Q1", LastName="Roe")
    engine.crm.put("Contact", "0031", LastName="Doe")
    engine.sync()
    engine.crm.tick(3600)
    return engine


def happened(engine: Engine, crm_id: str, kind: str = OPENED, at: str | None = None, about: str = "May news") -> int:
    """A marketing program writes an activity of a person; its id."""
    sql = """INSERT INTO activity (person_id, kind, at, reason, source)
             SELECT id, ?, ?, ?, 'mailer' FROM person WHERE crm_id = ? RETURNING id"""
    return int(engine.one(sql, kind, at or stamp(engine.crm.clock.now()), about, crm_id))


def days(engine: Engine, number: float) -> None:
    """Let time pass."""
    engine.crm.clock.advance(timedelta(days=number))


def tasks(engine: Engine) -> list[dict[str, Any]]:
    """The tasks in the CRM."""
    return list(engine.crm.objects.get("Task", {}).values())


def subjects(engine: Engine) -> list[Any]:
    """What the tasks in the CRM are about."""
    return sorted(str(one["Subject"]) for one in tasks(engine))


def sent(sim: Simulated, about: str = "May news") -> dict[str, Any]:
    """The task that an activity of the first lead became."""
    sim.given["activities"] = [OPENED]
    sim.sync()
    sim.later()
    before = {one["Id"] for one in sim.org.records("Task")}
    lead = next(iter(sim.org.records("Lead")))["Id"]
    sql = "INSERT INTO activity (person_id, kind, at, reason) SELECT id, ?, ?, ? FROM person WHERE crm_id = ?"
    sim.sql(sql, OPENED, stamp(sim.clock.now()), about, lead)
    sim.sync()
    (made,) = [one for one in sim.org.records("Task") if one["Id"] not in before]
    assert made["WhoId"] == lead
    return dict(made)
