"""Leads whose creation was not answered, in an org that keeps no keys and whose rules change what is saved, over HTTP.

Each person ends as the one lead that was made of it, or is set aside with an error; nobody is made twice or forgotten.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import pytest

from crmsync.clock import SetClock
from crmsync_salesforce.simulator import Org
from support.lost import send, settled
from support.marketer import local
from support.office import IDLE
from support.simulated import Simulated

FATES: dict[str, dict[str, Any]] = {
    "answered": {},
    "made": {"cut": 0},
    "never arrived": {"status": 500, "body": [{"errorCode": "UNKNOWN_EXCEPTION", "message": "Try later."}]},
}
RULES: dict[str, dict[str, Any]] = {
    "none": {},
    "capitals": {"field": "LastName", "formula": "UPPER"},
    "blanks": {"field": "LastName", "formula": "TRIM"},
    "another company": {"field": "Company", "value": "Roe Group"},
    "another name": {"field": "LastName", "value": "Rowe"},
}
PEOPLE: dict[str, list[dict[str, Any]]] = {
    "addresses": [{"first_name": "Ann", "email": "ann@roe.example"}, {"first_name": "Bob", "email": "bob@roe.example"}],
    "one address": [{"first_name": "Ann", "email": "us@roe.example"}, {"first_name": "Bob", "email": "us@roe.example"}],
    "first names": [{"first_name": "Ann"}, {"first_name": "Bob"}],
    "nothing": [{}, {}],
}
CASES = [*product(FATES, FATES), *((fate,) for fate in FATES)]
EACH = len(CASES) if "CRMSYNC_EXAMPLES" in os.environ else 3
"""One fate for each of two calls, or one call for both; how many are tried with each rule and kind of people."""

CERTAIN = {"none", "capitals", "blanks"}
AMBIGUOUS = "SELECT 1 FROM crmsync_intent WHERE row_id = ? AND state = 'ambiguous'"
ERROR = "SELECT message, hint FROM crmsync_error WHERE row_id = ? AND code = 'ambiguous'"


@pytest.fixture
def sim(tmp_path: Path) -> Simulated:
    """A connection of leads alone, with an org that has hardly any."""
    org = Org(records=1, seed=3, clock=SetClock(datetime(2026, 3, 1, 12, tzinfo=UTC)))
    sim = Simulated(tmp_path / "m.db", org, objects={"disable": [*IDLE, "Account", "Contact", "Group", "User"]})
    sim.own = {"attempts": 1}
    sim.sync()
    return sim


def persons(sim: Simulated, kind: str) -> list[int]:
    """Two persons, each with a note that is compared with nothing."""
    given = [{"last_name": " Roe  Doe", "company": "Roe Ltd", **one} for one in PEOPLE[kind]]
    return [local(sim, **one, notes=f"{number}") for number, one in enumerate(given)]


def sent(sim: Simulated, fate: str, *rows: int) -> None:
    """Send persons in one call that meets a fate."""
    if FATES[fate]:
        sim.faults = lambda server: server.faults.plant(FATES[fate], method="POST", path="composite/sobjects")
    send(sim, *rows)
    sim.faults = lambda _server: None


def found_out(sim: Simulated, rows: list[int]) -> None:
    """What the next cycles do: look, and send again whom nobody made."""
    sim.later(120)
    settled(sim)
    if left := [row for row in rows if not sim.one("SELECT crm_id FROM person WHERE id = ?", row)]:
        send(sim, *left)


def judged(sim: Simulated, rows: list[int], before: set[str]) -> int:
    """See that each person is a lead of its own or set aside, and each lead accounted for; how many were set aside."""
    made = {str(one["Id"]): one for one in sim.org.records("Lead") if one["Id"] not in before}
    linked = {row: sim.one("SELECT crm_id FROM person WHERE id = ?", row) for row in rows}
    aside = {row: sim.sql(ERROR, row) for row in rows if sim.sql(AMBIGUOUS, row)}
    assert all(bool(linked[row]) != (row in aside) for row in rows), (linked, aside)
    ids = [crm_id for crm_id in linked.values() if crm_id]
    assert len(set(ids)) == len(ids)
    told = " ".join(message for said in aside.values() for message, _ in said)
    assert all(crm_id in ids or crm_id in told for crm_id in made), (made, told)
    assert all(said and f"merge person {row}" in said[0][1] for row, said in aside.items())
    assert len(made) <= len(rows)
    return len(aside)


def own(sim: Simulated, rows: list[int]) -> bool:
    """Whether those who are leads are their own."""
    linked = [sim.one("SELECT crm_id FROM person WHERE id = ?", row) for row in rows]
    notes = [(sim.org.get("Lead", one) or {})["Description"] if one else None for one in linked]
    return all(note in (None, f"{number}") for number, note in enumerate(notes))


@pytest.mark.parametrize(("number", "rule", "kind"), [(at, *one) for at, one in enumerate(product(RULES, PEOPLE))])
def test_whatever_is_lost_nobody_is_made_twice_or_forgotten(
    sim: Simulated, number: int, rule: str, kind: str
) -> None:  # fmt: skip
    """Two persons of one last name, sent one by one or at once; each call is answered, cut off, or never heard."""
    if RULES[rule]:
        sim.org.state.automation.plant({"updates": [{"object": "Lead", **RULES[rule]}]})
    for fate in islice(cycle(CASES), 5 * number, 5 * number + EACH):
        sim.later()
        before = {str(one["Id"]) for one in sim.org.records("Lead")}
        rows = persons(sim, kind)
        for one, group in zip(fate, [rows] if len(fate) == 1 else [[row] for row in rows], strict=True):
            sent(sim, one, *group)
        found_out(sim, rows)
        aside = judged(sim, rows, before)
        if kind != "nothing":
            assert own(sim, rows), fate
        if rule in CERTAIN and kind != "nothing":
            assert aside == 0, fate
            assert len(list(sim.org.records("Lead"))) == len(before) + 2
    sim.org.state.automation.clear()
