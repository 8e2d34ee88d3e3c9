"""Whatever answer is lost, and whoever is killed: an action ends as if nothing had happened, done once."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from crmsync.connection import Connection
from crmsync.store.people import actions
from crmsync.store.sqlite import SqliteStore
from crmsync.writes import Change, Operation
from support.campaigns import CampaignCrm, statuses
from support.engine import Engine
from support.marketer import insert, local
from support.memory import TASKS

Undisturbed = Callable[[str, int], dict[str, Any]]
ACTIONS: dict[str, dict[str, Any]] = {
    "sync_person": {},
    "convert_person": {"confirmed": True},
    "create_task": {"subject": "Call"},
    "delete_person": {},
    "add_to_campaign": {"campaign": "C1", "status": "Seen"},
    "change_status": {"campaign": "C1", "status": "Seen"},
    "merge_persons": {"others": [1, 2]},
}


class Stage(Engine):
    """A contact (1), a lead (2) and a person of this side (3); a campaign; a CRM that asks no key twice."""

    crm: CampaignCrm

    def __init__(self, path: Path) -> None:
        super().__init__(path, CampaignCrm(keyed=False))
        self.crm.routes = (*self.crm.routes, TASKS)
        self.crm.put("Contact", "0031", LastName="Contact", Title="boss")
        self.crm.put("Lead", "00Q1", LastName="Lead", Email="l@x.org")
        self.crm.put("Campaign", "C1", Name="Spring")
        statuses(self.crm, "C1", "Invited", "Seen")
        self.sync()
        local(self, last_name="Roe", email="roe@x.org")

    def live(self) -> None:
        """A process that serves until nothing is due, or until it dies."""

        async def do(connection: Connection) -> None:
            store = await connection.opened.lease()
            for _ in range(1000):
                connection.opened.poke()
                await asyncio.sleep(0.005)
                server = connection.opened._server
                assert server is not None
                assert server._task is not None
                if server._task.done() or not await store.read(actions.any_due, self.crm.now()):
                    return
            raise AssertionError("not served")

        self.crm.tick(600)
        with suppress(asyncio.CancelledError):
            self.use(do)

    def finish(self) -> None:
        """Processes one after the other, until the action is over."""
        for _ in range(12):
            self.live()
            if not self.sql("SELECT 1 FROM crm_action WHERE state IN ('waiting', 'running')"):
                return

    def end(self) -> dict[str, Any]:
        """How both sides stand, without what differs from run to run."""
        for _ in range(2):
            self.sync()
        assert self.verify().ok
        there = {obj: sorted(_values(one) for one in held.values()) for obj, held in self.crm.objects.items()}
        here = self.sql("SELECT id, crm_type, crm_is_deleted, last_name, email, title FROM person ORDER BY id")
        links = self.sql("SELECT object, crm_id, row_id, role FROM crmsync_link WHERE entity = 'person' ORDER BY 1, 2")
        actions = self.sql("SELECT kind, person_id, state, crm_id FROM crm_action")
        return {"there": _plain(there), "here": here, "links": _plain(links), "actions": _plain(actions)}


def _values(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A record of the CRM but for what tells when it was written."""
    return sorted((name, repr(value)) for name, value in record.items() if name not in ("Stamp", "Key"))


def _plain(value: Any) -> str:
    """Ids that count what was asked for are not what it is about."""
    return re.sub(r"Mem-\d+", "Mem", repr(value))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """What becomes of an action where nothing goes wrong."""

    @cache
    def found(kind: str, person: int) -> dict[str, Any]:
        stage = Stage(tmp_path_factory.mktemp("undisturbed") / "m.db")
        insert(stage, kind, person, **ACTIONS[kind])
        stage.live()
        said = "refused" if (kind, person) == ("convert_person", 1) else "done"
        assert stage.sql("SELECT state FROM crm_action") == [(said,)], stage.sql("SELECT outcome FROM crm_action")
        return stage.end()

    return found


CASES = [(kind, person) for kind in ACTIONS for person in (1, 2, 3) if kind != "merge_persons"] + [("merge_persons", 3)]


@pytest.mark.parametrize("error", [ConnectionError, asyncio.CancelledError])
@pytest.mark.parametrize(("kind", "person"), CASES)
def test_each_answer_is_lost_once(
    tmp_path: Path, undisturbed: Undisturbed, kind: str, person: int, error: type[BaseException]
) -> None:
    """The first try of every write is written, and its answer lost; with it the process, in one case."""
    stage = Stage(tmp_path / "disturbed.db")
    lost: Counter[Operation] = Counter()
    original = stage.crm._apply

    def lose(change: Change) -> Any:
        outcome = original(change)
        lost[change.operation] += 1
        if lost[change.operation] == 1:
            raise error
        return outcome

    stage.crm._apply = lose  # type: ignore[method-assign]
    insert(stage, kind, person, **ACTIONS[kind])
    stage.finish()
    stage.crm._apply = original  # type: ignore[method-assign]
    assert stage.end() == undisturbed(kind, person)


@pytest.mark.parametrize(("kind", "person"), CASES)
def test_the_process_dies_at_every_step(tmp_path: Path, undisturbed: Undisturbed, kind: str, person: int) -> None:
    """Killed before the first transaction, before the second, and so on: the next process goes on."""
    stage = Stage(tmp_path / "disturbed.db")
    insert(stage, kind, person, **ACTIONS[kind])
    for step in range(60):
        if not _dying(stage, step):
            break
    else:
        raise AssertionError("never came to an end")
    stage.finish()
    assert stage.end() == undisturbed(kind, person)


def _dying(stage: Stage, step: int) -> bool:
    """Let a process die at its n-th transaction; False where it did not come to that."""
    died, original = [], SqliteStore._engine
    left = [step]

    def engine(self: Any, con: Any, waiting: Any, work: Callable[..., Any], args: Any) -> Any:
        if "crmsync.actions" in work.__module__ or work.__module__ in MINE:
            left[0] -= 1
            if left[0] < 0:
                died.append(work)
                raise asyncio.CancelledError
        return original(self, con, waiting, work, args)

    SqliteStore._engine = engine  # type: ignore[method-assign]
    try:
        stage.live()
    finally:
        SqliteStore._engine = original  # type: ignore[method-assign]
    return bool(died)


MINE = {
    "crmsync.push.sending",
    "crmsync.push.settling",
    "crmsync.push.newcomers",
    "crmsync.store.people.actions",
    "crmsync.store.links",
}
