"""A user at the command line: a folder with a settings file, and a simulated org over HTTP that can be made to fail."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from crmsync import cli
from crmsync.clock import SetClock
from crmsync_salesforce.simulator import Org, Server
from support.command import Said

T = TypeVar("T")

UNSEEN = ["Traceback", "this should not have happened"]
"""What no user may ever see."""

IDLE = [
    "RecordType", "Campaign", "CampaignMemberStatus", "CampaignMember", "Opportunity", "OpportunityContactRole", "Task",
    "Event",
]  # fmt: skip
"""Objects that stay out of most tests, to spare them the time."""


class Office:
    """Commands run in this process, one after the other; the org's server has a thread of its own.

    `org` may be edited between the commands, as another CRM user.
    """

    def __init__(self, folder: Path, server: Server, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.server = server
        self.org = server.org
        self.own: dict[str, Any] = {}  # settings of the connector
        self.given: dict[str, Any] = {"objects": {"disable": IDLE}}  # settings of the connection
        self.database = "acme.db"
        self.others = ""  # further connections
        self._capture = capture
        self.log_in()

    def log_in(self, user: str = "full") -> None:
        """Use the credentials of a user of the org."""
        ready, rights = self.server.ready, self.org.user(user)
        self.own |= {"url": self.server.url, "flow": "password", "backoff_seconds": 0.001, "attempts": 3}
        self.own |= {name: ready[name] for name in ("client_id", "client_secret")}
        self.own |= {name: getattr(rights, name) for name in ("username", "password", "security_token")}

    def write(self) -> None:
        """Write the settings file."""
        lines = ["[connections.acme]", 'connector = "salesforce"', f"database = {toml(self.database)}"]
        lines += [f"{key} = {toml(value)}" for key, value in self.given.items()]
        lines += ["[connections.acme.settings]", *(f"{key} = {toml(value)}" for key, value in self.own.items())]
        Path(self.folder, "crmsync.toml").write_text("\n".join([*lines, self.others, ""]))

    def __call__(self, *args: str) -> Said:
        """Run a command; what it says is never a traceback and never holds a secret."""
        self.write()
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(args)
        said = self._capture.readouterr()
        logging.getLogger().handlers.clear()  # of `run`, on a stream that is gone
        return self.decent(Said(int(str(ended.value.code or 0)), said.out, said.err))

    def decent(self, said: Said) -> Said:
        """The same, if it holds nothing that a user should never see."""
        ready = self.server.ready
        secrets = [
            str(self.own[name]) for name in ("client_secret", "password", "security_token") if self.own.get(name)
        ]
        hidden = [*UNSEEN, *secrets, ready["client_secret"], *self.org.sessions.issued]
        for one in hidden:
            assert one not in said.out + said.err, said
        return said

    def sync(self, code: int = 0, *args: str) -> dict[str, Any]:
        """A cycle that ends with this code; its summary, empty where there is none."""
        said = self("sync", "--json", *args)
        assert said.code == code, said
        return dict(json.loads(said.out)) if said.out else {"complaint": said.err}

    def plant(self, action: dict[str, Any] | str, **match: Any) -> Any:
        """Plant a fault, by the name of an action or as one; `path`, `method`, `nth`, `times` say what it meets."""
        named = {"name": action} if isinstance(action, str) else action
        return self.server.faults.plant(named, **match)

    def heal(self) -> None:
        """Take all faults away."""
        self.server.faults.clear()
        self.server.site.disabled.clear()
        self.server.site.never_cured = False

    def carries_on(self) -> dict[str, Any]:
        """Without any fault the next cycle succeeds, and then both sides agree."""
        self.heal()
        summary = self.sync()
        self.agrees()
        return summary

    def agrees(self) -> None:
        """Every value of both sides is the same, and there are some."""
        found = self("verify", "--json")
        assert found.code == 0, found
        assert sum(row["equal"] for row in found.data["objects"]) > 0
        assert not found.data["different"]

    def steps(self, *args: str) -> dict[tuple[str, str], dict[str, Any]]:
        """The last step of every object and operation."""
        listed = self("status", "--steps", "--oldest-first", "--json", *args).data
        return {(row["object"], row["operation"]): row for row in listed}

    def errors(self, *args: str) -> list[dict[str, Any]]:
        """What `crmsync errors` lists, newest first."""
        return list(self("errors", "--json", *args).data)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What any other program does to the file."""
        with closing(sqlite3.connect(self.folder / "acme.db")) as con, con:
            return con.execute(statement, values).fetchall()

    def contacts(self) -> list[str]:
        """The ids of the org's living contacts."""
        return [str(one["Id"]) for one in self.org.records("Contact")]

    @contextmanager
    def started(self, *args: str) -> Iterator[subprocess.Popen[str]]:
        """The command in a process of its own."""
        self.write()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CRMSYNC_")}
        command = [sys.executable, "-m", "crmsync", *args]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=self.folder, env=clean, stdout=pipe, stderr=pipe, text=True) as process:
            try:
                yield process
            finally:
                process.kill()


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(str(value) if isinstance(value, Path) else value)


@contextmanager
def serving(org: Org | None = None, *, records: int = 20, tls: bool = False) -> Iterator[Server]:
    """The server of an org in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def do(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    server = Server(org or Org(records=records, seed=7, clock=SetClock(running=True)), tls=tls)
    try:
        do(server.__aenter__())
        yield server
        do(server.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
