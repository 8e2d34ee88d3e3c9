"""The cycle on Dynamics: when it runs, what it sees, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from crmsync.connection import Connection
from crmsync.errors import CrmsyncError
from crmsync.hookspecs import hookimpl
from crmsync.model import Event
from crmsync.plugins import wire
from crmsync.service import App
from crmsync.settings import ConnectionSettings, ObjectSettings, Settings
from crmsync_dynamics.simulator import Ref, Server
from dynamics.environment import Environment

CUSTOM = "new_subscription"
PLAIN = ["systemuser", "team", "campaign", "task", "opportunity", "opportunity_customer", "connection"]


class Heard:
    """An observer that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    @hookimpl
    def log(self, events: Sequence[Event]) -> None:
        self.events += events

    def notices(self) -> list[str]:
        """The texts of notices."""
        return [one.message for one in self.events if one.name == "notice"]


@pytest.mark.rule("R-002", "R-009", "R-019")
def test_cycles_follow_each_other_and_carry_what_waits(site: Environment) -> None:
    """One after another until it is stopped; edits of either side wait for the next; the end of the load is told."""
    site.given["pause"] = 0.01
    heard, cycles = Heard(), list[str]()
    contact = str(next(site.org.records("contact"))["contactid"])
    lead = site.org.create("lead", {"lastname": "Noor"})
    sides: list[tuple[Any, Any]] = []

    def look() -> None:
        there = (site.org.get("lead", lead) or {})["jobtitle"]
        sides.append((site.one("SELECT title FROM person WHERE crm_id = ?", contact), there))

    async def run() -> None:
        stop = asyncio.Event()

        def after(_name: str, what: str, told: Any) -> None:
            if what != "cycle":
                return
            cycles.append(told.status)
            site.later()
            if len(cycles) == 1:
                site.org.update("contact", contact, {"jobtitle": "CTO"})
                site.sql("UPDATE person SET title = 'CFO' WHERE crm_id = ?", lead)
            look()
            if len(cycles) == 3:
                stop.set()

        async with Server(site.org) as server:
            chosen = site.connection(server)
            app = App(Settings(connections={"acme": chosen}), site.clock)
            app._open["acme"] = Connection("acme", chosen, wire(*site.plugin, {"heard": heard}), site.clock)
            assert await app.run(stop, say=after) == 0

    before = (next(site.org.records("contact")))["jobtitle"]
    asyncio.run(run())
    assert cycles == ["succeeded"] * 3
    assert (sides[0], sides[-1]) == ((before, None), ("CTO", "CFO"))
    assert ConnectionSettings(connector="dynamics", database=site.path).pause == 300
    told = site.sql("SELECT message FROM crmsync_notice WHERE kind = 'first load'")
    assert told == [(said,) for said in heard.notices()]
    (said,) = heard.notices()
    assert said.startswith("The first load of account, contact, lead is over: ")


@pytest.mark.rule("R-030", "R-347", "R-348")
def test_whoever_asks_for_notices_hears_of_what_stops_the_sync(site: Environment) -> None:
    """A wrong address, then a wrong secret: nothing is written before, and each is a notice and an event, once."""
    heard = Heard()

    async def observed(opened: Connection) -> None:
        one = Connection("acme", opened.settings, wire(*site.plugin, {"heard": heard}), site.clock)
        try:
            await one.sync()
        finally:
            await one.close()

    def fail(**own: str) -> str:
        site.own = own
        with pytest.raises(CrmsyncError) as failed:
            site.use(observed)
        return str(failed.value)

    address = fail(url="http://127.0.0.1:9")
    assert site.sql("SELECT name FROM sqlite_master WHERE name = 'person'") == []
    secret = fail(client_secret="wr~ng")
    assert "127.0.0.1:9" in address
    assert heard.notices() == [address, secret]
    assert site.sql("SELECT message FROM crmsync_notice ORDER BY id") == [(address,), (secret,)]
    site.own = {}
    assert site.sync().status == "succeeded"


@pytest.mark.rule("R-005", "R-010", "R-011", "R-012", "R-034", "R-052", "R-081", "R-327")
def test_whatever_moved_is_seen_whoever_wrote_it_and_in_whatever_order(site: Environment) -> None:
    """Records of any user, ours too, are found by change tracking alone; a contact waits for no account.

    Persons of one address stay apart, and what did not move is not read.
    """
    site.sync()
    ours, app = (site.org.user(name).user_id for name in ("full", "minimum"))
    late = site.org.create("contact", {"lastname": "Early", "emailaddress1": "twin@example.org"}, app)
    account = site.org.create("account", {"name": "Late"}, ours)
    site.org.update("contact", late, {"parentcustomerid": Ref("account", account)}, ours)
    twin = site.org.create("lead", {"lastname": "Twin", "emailaddress1": "twin@example.org"}, ours)
    summary = site.sync()
    assert (summary.counts.new, summary.counts.updated) == (3, 0)
    assert site.one("SELECT company FROM person_full WHERE crm_id = ?", late) == "Late"
    twins = site.sql("SELECT crm_id, crm_type FROM person WHERE email = 'twin@example.org' ORDER BY crm_type")
    assert twins == [(late, "contact"), (twin, "lead")]
    site.org.create("account", {"name": "Out", "new_synctomkto": False})
    out = next(row["accountid"] for row in site.org.records("account") if row["name"] == "Out")
    site.org.update("contact", late, {"parentcustomerid": Ref("account", str(out))}, ours)
    site.org.delete("lead", twin)
    site.sync()
    ((account_id, name),) = site.sql("SELECT account_crm_id, company FROM person_full WHERE crm_id = ?", late)
    assert (account_id, name) == (out, None)
    assert site.one("SELECT crm_is_deleted FROM person WHERE crm_id = ?", twin) == 1
    marks = [mark for (mark,) in site.sql("SELECT mark FROM crmsync_cursor WHERE kind = 'changes'")]
    assert ["deltatoken" in mark for mark in marks] == [True] * 3


@pytest.mark.rule("R-031", "R-040", "R-189")
def test_a_custom_table_is_enabled_while_the_first_load_is_not_over_and_the_sync_on(site: Environment) -> None:
    """What the first load did not bring and the table that was enabled meanwhile come with the next cycle."""
    site.faults = lambda server: server.faults.plant({"name": "sql_timeout"}, path="/contacts", times=None)
    assert site.sync().status == "failed"
    site.faults = lambda _server: None
    site.given["objects"] = ObjectSettings(enable=[CUSTOM], disable=PLAIN)
    assert site.sync().status == "succeeded"
    assert site.one(f"SELECT COUNT(*) FROM {CUSTOM}") == site.org.count(CUSTOM)
    assert site.verify().ok
    site.sql(f"UPDATE {CUSTOM} SET new_name = 'Here' WHERE id = 1")
    row = site.one(f"SELECT crm_id FROM {CUSTOM} WHERE id = 1")
    version = (site.org.get(CUSTOM, row) or {})["versionnumber"]
    site.sync()
    assert (site.org.get(CUSTOM, row) or {})["versionnumber"] == version
    told = [said for (said,) in site.sql("SELECT message FROM crmsync_notice WHERE kind = 'first load' ORDER BY id")]
    assert ["contact" in said for said in told] == [False, True]
    assert CUSTOM in told[1]
