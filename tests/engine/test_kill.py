"""A process that is killed at any moment loses nothing and repeats nothing."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.nursery import completed, killed, picture

KILLS = 26  # of the first load, and as many of a cycle
WRITING = 12  # of cycles that write


@pytest.fixture
def org() -> Iterator[dict[str, Any]]:
    """A simulated org in a process of its own."""
    command = [sys.executable, "-m", "crmsync_salesforce.simulator", "--port", "0", "--records", "600", "--seed", "3"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        ready = json.loads(server.stdout.readline())
        control(ready, "settings", {"batch_size": 200})
        yield ready
    finally:
        server.terminate()
        server.communicate()


def control(ready: dict[str, Any], path: str, body: Any = None, method: str = "POST") -> Any:
    """Ask the org's control path for something."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{ready['control_url']}/{path}", data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def settings(ready: dict[str, Any], path: Path) -> dict[str, Any]:
    """A connection to the org with its database at `path`."""
    own = {name: ready[name] for name in ("client_id", "client_secret", "url")}
    own |= {"page_size": 200, "bulk": "never", "lag_seconds": 1, "overlap_seconds": 30}
    return {"connector": "salesforce", "database": path, "settings": own}


def records(ready: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """An object's records."""
    return list(control(ready, f"records/{name}?limit=2000", method="GET")["records"])


def ids(ready: dict[str, Any], name: str) -> list[str]:
    """Ids of an object's records, in their order."""
    return sorted(one["Id"] for one in records(ready, name))


def edit(ready: dict[str, Any]) -> None:
    """Updates, deletions, conversions, merges, moves and an account with many contacts, as another user would."""
    contacts, leads, accounts = ids(ready, "Contact"), ids(ready, "Lead"), ids(ready, "Account")
    for number, one in enumerate(contacts[:120]):
        control(ready, f"records/Contact/{one}", {"values": {"Title": f"Title {number}"}}, "PATCH")
    for one in contacts[120:140]:
        control(ready, f"records/Contact/{one}", {"values": {"AccountId": accounts[0]}}, "PATCH")
    for one in (*contacts[140:150], *leads[:10]):
        kind = "Contact" if one.startswith("003") else "Lead"
        control(ready, f"records/{kind}/{one}", {}, "DELETE")
    (owner, *_) = ids(ready, "User")
    for one in leads[20:25]:
        control(ready, "records/Lead/convert", {"lead": one, "owner": owner})
    for number in range(5):
        control(ready, "records/Lead/merge", {"master": leads[40 + 2 * number], "losers": [leads[41 + 2 * number]]})
    for one in accounts[:20]:
        control(ready, f"records/Account/{one}", {"values": {"Industry": "Energy", "Site": "North"}}, "PATCH")


@pytest.mark.slow
def test_kill_9_at_random_moments_leaves_what_an_undisturbed_run_leaves(org: dict[str, Any], tmp_path: Path) -> None:
    """First load and cycle, killed 52 times in all, then resumed: rows, links, activities and journal are the same."""
    calm, wild = settings(org, tmp_path / "calm.db"), settings(org, tmp_path / "wild.db")
    chance = random.Random(7)
    seconds = completed(calm)
    hits = sum(killed(wild, chance.uniform(0.05, seconds)) for _ in range(KILLS))
    completed(wild)
    assert picture(tmp_path / "wild.db") == picture(tmp_path / "calm.db")
    edit(org)
    seconds = completed(calm)
    hits += sum(killed(wild, chance.uniform(0.05, seconds)) for _ in range(KILLS))
    completed(wild)
    completed(calm)  # to see what it has sent itself
    assert picture(tmp_path / "wild.db") == picture(tmp_path / "calm.db")
    assert hits >= KILLS


@pytest.mark.slow
def test_kill_9_while_writing_loses_nothing_and_writes_nothing_twice(org: dict[str, Any], tmp_path: Path) -> None:
    """Edits of every person and twelve new ones, killed 12 times on their way: all of it is there, each person once."""
    given, chance = settings(org, tmp_path / "m.db"), random.Random(11)
    completed(given)
    with closing(sqlite3.connect(tmp_path / "m.db")) as con, con:
        con.execute("UPDATE person SET title = 'T' || id WHERE crm_is_deleted = 0")
    seconds = completed(given)
    with closing(sqlite3.connect(tmp_path / "m.db")) as con, con:
        con.execute("UPDATE person SET title = 'U' || id WHERE crm_is_deleted = 0")
    hits = 0
    for number in range(WRITING):
        with closing(sqlite3.connect(tmp_path / "m.db", timeout=30)) as con, con:
            sql = "INSERT INTO person (last_name, company, email) VALUES ('New', 'Acme', ?) RETURNING id"
            ((row,),) = con.execute(sql, [f"new{number}@example.com"]).fetchall()
            con.execute("INSERT INTO crm_action (kind, person_id) VALUES ('sync_person', ?)", [row])
        hits += killed(given, chance.uniform(0.05, seconds))
    completed(given)
    completed(given)
    assert hits >= WRITING // 2
    there = {one["Id"]: one for kind in ("Contact", "Lead") for one in records(org, kind)}
    with closing(sqlite3.connect(tmp_path / "m.db")) as con:
        here = con.execute("SELECT crm_id, title FROM person WHERE crm_is_deleted = 0 AND title LIKE 'U%'").fetchall()
        waiting = con.execute("SELECT * FROM crmsync_edit WHERE state NOT IN ('done', 'local')").fetchall()
        asked = Counter(row[0] for row in con.execute("SELECT state FROM crm_action"))
        met = con.execute("SELECT email, crm_id FROM person WHERE email LIKE 'new%@example.com'").fetchall()
    assert {crm_id: there[crm_id]["Title"] for crm_id, _ in here} == dict(here)
    assert (waiting, asked) == ([], {"done": WRITING})
    made = Counter(one["Email"] for one in there.values() if str(one["Email"]).startswith("new"))
    assert made == {email: 1 for email, _ in met} == {f"new{number}@example.com": 1 for number in range(WRITING)}
    assert all(there[crm_id]["Email"] == email for email, crm_id in met)
