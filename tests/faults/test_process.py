"""Processes that meet on one database, and that are told to stop in the middle of their work."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from support import installed
from support.office import Office


def wait_for(office: Office, statement: str, most: float = 20.0) -> None:
    """Wait until a query of the database finds something."""
    until = time.monotonic() + most
    while time.monotonic() < until:
        made = Path("acme.db").exists() and office.sql("SELECT 1 FROM sqlite_master WHERE name = 'person'")
        if made and office.sql(statement)[0][0]:
            return
        time.sleep(0.02)
    raise AssertionError(statement)


def events(process: Popen[str]) -> list[dict[str, Any]]:
    """What a process logged; never a traceback."""
    assert process.stderr
    lines = process.stderr.read().splitlines()
    assert not any("Traceback" in line for line in lines), lines
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_first_load_that_is_told_to_stop_drains_and_goes_on_later(office: Office, number: int) -> None:
    """Every page takes a while; what came is kept, the process ends with 0 within seconds, nothing is read twice."""
    office.org.settings.batch_size = 2
    office.plant({"delay": 0.25}, path="/query/", times=None)
    with office.started("run", "--log-format", "json") as process:
        wait_for(office, "SELECT COUNT(*) FROM person")
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(60) == 0
        assert time.monotonic() - began < 15  # of which the promise is two; a busy machine takes its time
        (cycle,) = [one for one in events(process) if one["event"] == "cycle"]
        assert cycle["status"] == "incomplete"
    (here,) = office.sql("SELECT COUNT(*) FROM person")[0]
    assert 0 < here <= 30
    assert office("status", "--json").data["connections"][0]["lease"] is None
    summary = office.carries_on()
    people = [one for one in summary["steps"] if one["object"] in ("Contact", "Lead")]
    assert sum(one["new"] for one in people) == 30 - here
    assert sum(one["skipped"] + one["updated"] for one in people) == 0
    assert office.sql("SELECT COUNT(*), COUNT(DISTINCT crm_id) FROM person") == [(30, 30)]


@pytest.mark.parametrize("path", ["/query/", "/jobs/query/", "/services/data/v", "token"])
def test_a_server_that_lets_us_wait_does_not_hold_up_the_end(office: Office, path: str) -> None:
    """Told to stop while an answer takes for ever: at the log-in, at the first look, in a load, in a bulk job."""
    office.org.settings.batch_size = 2
    office.own["bulk"] = "always" if "jobs" in path else "never"
    fault = office.plant({"delay": 30}, path=path, times=None)
    with office.started("run", "--log-format", "json") as process:
        until = time.monotonic() + 60
        while not fault.hits and time.monotonic() < until:
            time.sleep(0.02)
        began = time.monotonic()
        process.terminate()
        assert process.wait(60) == 0
        assert time.monotonic() - began < 15  # of which the promise is two; a busy machine takes its time
        events(process)
    assert fault.hits
    office.carries_on()


def test_a_second_process_is_refused_with_the_name_of_the_first(office: Office) -> None:
    """Commands that only read work all the while; once the first has ended the next one goes on."""
    with office.started("run", "--log-format", "json") as process:
        wait_for(office, "SELECT COUNT(*) FROM crmsync_run WHERE status = 'succeeded'")
        for command in (["sync"], ["refresh", "--field", "Contact.Title"], ["run", "--once"]):
            said = office(*command)
            assert said.code == 5, said
            assert f"Process {process.pid} on {socket.gethostname()} runs the cycles" in said.err
        for reading in ("status", "verify", "errors", "check", "fields"):
            assert office(reading).code == 0
        process.terminate()
        assert process.wait(60) == 0
    office.carries_on()


def test_a_process_that_was_killed_holds_up_nobody(office: Office) -> None:
    """Its lease has not expired, but it is known to be dead; its step is cleaned up."""
    office.org.settings.batch_size = 2
    office.plant({"delay": 0.25}, path="/query/", times=None)
    with office.started("run") as process:
        wait_for(office, "SELECT COUNT(*) FROM person")
        process.kill()
        process.wait(60)
    office.heal()
    office.sync()
    assert "cleaned up" in {row["status"] for row in office("status", "--steps", "--json").data}
    office.carries_on()


def test_a_plugin_that_is_broken_stops_nobody_else(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """`plugins` tells what is wrong with it, a sync notes it, and goes on."""
    site = office.folder / "site"
    site.mkdir()
    installed.install(site, "broken", "broken_plugin", installed.BROKEN)
    monkeypatch.syspath_prepend(site)
    said = office("plugins", "--json")
    assert said.code == 1
    rows = {row["name"]: row for row in said.data}
    assert rows["salesforce"]["error"] == ""
    assert rows["broken"]["kind"] == "broken"
    assert "made for another version" in rows["broken"]["error"]
    summary = office.sync()
    assert any("broken" in note for note in summary["notes"]), summary["notes"]
    office.agrees()


def test_a_connector_that_is_broken_stops_its_own_connection(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the plugin's name and what it says; the connection beside it syncs."""
    site = office.folder / "site"
    site.mkdir()
    installed.install(site, "broken", "broken_plugin", installed.BROKEN)
    monkeypatch.syspath_prepend(site)
    office.others = '[connections.other]\nconnector = "broken"\ndatabase = "other.db"\n'
    said = office("sync", "other")
    assert said.code == 2, said
    assert "'broken'" in said.err
    assert "made for another version" in said.err
    office.sync(0, "acme")
    assert Path("acme.db").exists()
    with office.started("run", "--once", "--log-format", "json") as process:
        assert process.wait(60) == 2
