"""The whole story on a simulated CRM, for every connector that brings one: the plugin brings the story, this plays it.

Each connector gets a folder with a database and a settings file of its own, which are left for a look afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field, to_builtins

from crmsync import service
from crmsync.connection import Connection, Summary
from crmsync.demo.hands import Account
from crmsync.demo.stage import Stage
from crmsync.demo.wayback import WayBack
from crmsync.errors import CrmsyncError, SettingsError
from crmsync.hookspecs import Simulation, System
from crmsync.model import Level
from crmsync.settings import Settings
from crmsync.store.reports import report
from crmsync.verify import Verification

BIG = 5_001
"""Contacts of the big account: one more than get an activity each."""

NEW_VALUE = "Edited by marketing"


class Play(Struct):
    """One connector's story, and what is told of it afterwards."""

    system: System
    stage: Stage
    folder: Path
    steps: list[dict[str, Any]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    counts: list[dict[str, Any]] = field(default_factory=list)
    activities: list[dict[str, Any]] = field(default_factory=list)

    @property
    def database(self) -> Path:
        """The marketing database of this connector's demo."""
        return self.folder / f"{self.system.name}.db"

    async def run(self, *, records: int, seed: int) -> dict[str, Any]:
        """Play everything; returns what `--json` prints of this connector."""
        assert self.system.simulate is not None
        if self.database.exists():
            raise SettingsError(f"{self.database} is there already.", hint="Give the demo another folder.")
        self.stage.act(f"{self.system.title}: a simulated CRM with {records:,} contacts and an account of {BIG:,}")
        async with self.system.simulate(
            port=0, records=records, seed=seed, tls=False, users=False, big=BIG
        ) as simulation:
            settings = self._settings(simulation)
            path = self.stage.save(settings, self.folder)
            async with service.open(settings=Settings(**settings)) as app:
                verification = await self._acts(app.connection(), simulation)
        self._farewell(path)
        return self._told(verification, path)

    def _settings(self, simulation: Simulation) -> dict[str, Any]:
        reach = dict(simulation.settings)
        field, _ = simulation.story.manual
        connection = {
            "connector": self.system.name, "database": str(self.database), "settings": reach,
            "fields": {"winner": {field: "manual"}},
        }  # fmt: skip
        return {"connections": {"demo": connection}}

    async def _acts(self, connection: Connection, simulation: Simulation) -> Verification:
        await self._check(connection)
        await self._first_sync(connection)
        await self._edit(simulation)
        account = Account(self.database, simulation.story.edited_account)
        self._edit_here(account)
        await self._next_cycle(connection, simulation, account)
        await self._overwrite(connection, simulation, account)
        way = WayBack(
            connection=connection, stage=self.stage, hands=account, story=simulation.story, line=self._line,
            sync=lambda: self._shown(connection),
        )  # fmt: skip
        if all(
            (simulation.story.lead, simulation.story.contact, simulation.story.disputed, simulation.story.converted)
        ):
            await way.play()
        return await self._verify(connection)

    async def _check(self, connection: Connection) -> None:
        self.stage.act("What do these credentials allow?   crmsync check")
        findings = await connection.check()
        rows = [{"level": f.level.value, "topic": f.topic, "message": f.message} for f in findings]
        self.stage.table(rows, ("level", "topic", "message"))
        stopped = [f for f in findings if f.level is Level.STOP]
        if stopped:
            raise CrmsyncError(f"The simulated CRM does not let itself be synced: {stopped[0].message}")

    async def _first_sync(self, connection: Connection) -> None:
        self.stage.act("First sync: the whole CRM   crmsync sync")
        summary = await self._sync(connection)
        self.counts = await connection.report(report.objects, now=connection.clock.now())
        self.stage.table(self.counts, ("object", "crm_records", "db_records", "skipped", "failed", "calls"))
        self._line(f"{summary.counts.new:,} records in {summary.seconds:.1f} s with {summary.counts.calls:,} API calls")

    async def _edit(self, simulation: Simulation) -> None:
        self.stage.act("Meanwhile somebody works in the CRM")
        for line in await simulation.story.edit():
            self._line(line)

    def _edit_here(self, account: Account) -> None:
        self.stage.act("… and somebody edits an account in the marketing database, with plain SQL")
        account.write(NEW_VALUE)
        self._line(f"UPDATE account SET {account.column} = '{NEW_VALUE}' WHERE crm_id = '{account.crm_id}'")
        self._line(f"all {account.showing(NEW_VALUE):,} contacts of it show it in person_full; the CRM hears nothing")

    async def _next_cycle(self, connection: Connection, simulation: Simulation, account: Account) -> None:
        self.stage.act("Next cycle: only what changed   crmsync sync")
        summary = await self._shown(connection)
        self.activities = await connection.report(report.activities, run=summary.run)
        self.stage.act("What a marketer sees: the activities of this cycle")
        self.stage.table(self.activities, ("kind", "object", "records"))
        self._line(f"the account still has what marketing wrote: {account.value()!r}")
        if big := simulation.story.big_account:
            self._line(f"activities that the big account's change left on its contacts: {account.logged(big):,}")

    async def _overwrite(self, connection: Connection, simulation: Simulation, account: Account) -> None:
        self.stage.act("The CRM updates that account: its version wins, whole")
        for line in await simulation.story.overwrite():
            self._line(line)
        await self._shown(connection)
        self._line(f"{account.column} was {NEW_VALUE!r} here, and is {account.value()!r} again, as in the CRM")

    async def _verify(self, connection: Connection) -> Verification:
        self.stage.act("Do both sides agree, value by value?   crmsync verify")
        with self.stage.progress() as tell:
            found = await connection.verify(progress=tell)
        self.stage.table(found.objects, ("object", "crm_records", "db_records", "equal", "explained", "different"))
        for rule in dict.fromkeys(row["rule"] for row in found.explained):
            number = sum(row["rule"] == rule for row in found.explained)
            self.stage.line(f"{number:,} explained: {rule}")
        for row in found.different[:10]:
            self.stage.line(f"DIFFERENT {row['object']} {row['crm_id']} {row['field']}: {row['crm']!r} / {row['db']!r}")
        self.stage.line("Both sides agree." if found.ok else "They differ.")
        return found

    async def _shown(self, connection: Connection) -> Summary:
        summary = await self._sync(connection)
        self._show_steps(summary)
        return summary

    async def _sync(self, connection: Connection) -> Summary:
        with self.stage.progress() as tell:
            summary = await connection.sync(progress=tell)
        self.steps += [{"connector": self.system.name, **step} for step in summary.steps]
        if summary.status != "succeeded":
            said = "; ".join(filter(None, (step.get("message") for step in summary.steps)))
            raise CrmsyncError(f"The cycle {summary.status}: {said}", hint=f"crmsync errors; {self.database} is kept.")
        return summary

    def _show_steps(self, summary: Summary) -> None:
        counts = ("new", "updated", "deleted", "failed")
        rows = [step for step in summary.steps if any(step[count] for count in counts)]
        self.stage.table(rows, ("object", "operation", "status", "new", "updated", "deleted", "skipped", "failed"))
        for step in rows:
            if step.get("message"):
                self._line(f"{step['operation']} {step['object']}: {step['message']}")

    def _line(self, text: str) -> None:
        self.story.append(text)
        self.stage.line(text)

    def _farewell(self, path: Path) -> None:
        self.stage.act(f"The database: {self.database}")
        self.stage.line("Three commands to try next:")
        self.stage.line(f"  crmsync status --steps --settings {path}")
        self.stage.line(f'  sqlite3 {self.database} "SELECT kind, field, old_value, new_value FROM activity LIMIT 20"')
        self.stage.line(f"  crmsync simulate {self.system.name} --records 5000")

    def _told(self, verification: Verification, path: Path) -> dict[str, Any]:
        verify = to_builtins(verification)
        return {
            "name": self.system.name,
            "title": self.system.title,
            "database": str(self.database),
            "settings": str(path),
            "story": self.story,
            "counts": self.counts,
            "activities": self.activities,
            "steps": self.steps,
            "verify": {**verify, "explained": len(verify["explained"]), "different": verify["different"][:100]},
        }


async def play(systems: Sequence[System], stage: Stage, folder: Path, *, records: int, seed: int) -> dict[str, Any]:
    """Play every connector's story, one after the other; returns what `--json` prints."""
    played = []
    for system in systems:
        own = folder / system.name if len(systems) > 1 else folder
        own.mkdir(parents=True, exist_ok=True)
        played.append(await Play(system, stage, own).run(records=records, seed=seed))
    verified = [one["verify"] for one in played]
    return {
        "verify": {
            "ok": all(one["ok"] for one in verified),
            "different": sum(len(one["different"]) for one in verified),
            "explained": sum(one["explained"] for one in verified),
        },
        "connectors": played,
        "steps": [step for one in played for step in one["steps"]],
        "database": played[0]["database"],
    }
