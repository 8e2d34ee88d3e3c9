"""One connection, open: its database, its session with the CRM, and what may be asked of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from msgspec import Struct, to_builtins

from crmsync import backlog, kinds
from crmsync.asking import Actions
from crmsync.clock import Clock
from crmsync.errors import SettingsError
from crmsync.hookspecs import System
from crmsync.linking import Programs
from crmsync.model import Counts, Finding, Level
from crmsync.opened import DISABLED, Opened
from crmsync.pacing import claiming
from crmsync.plugins import Plugins
from crmsync.progress import Tell
from crmsync.pull.run import Pull
from crmsync.review import Review
from crmsync.rounds import Rounds
from crmsync.runs import LOGIN, Runs
from crmsync.schema import Schema, known_mapping, selection, survey
from crmsync.settings import ConnectionSettings
from crmsync.steps import total
from crmsync.store import memory
from crmsync.store.batch import Step
from crmsync.store.lookup import lost_fields
from crmsync.store.reports import retention
from crmsync.verify import Verification, verify_routes

T = TypeVar("T")


class Summary(Struct, frozen=True, kw_only=True):
    """What one run did. `status` is succeeded, failed (an object stopped) or incomplete (asked to stop)."""

    run: int
    status: str
    steps: list[dict[str, Any]]
    counts: Counts
    seconds: float
    notes: list[str]


class Connection:
    """One CRM org and one marketing database. Opens what it needs when it needs it; `close` lets go of all."""

    def __init__(
        self, name: str, settings: ConnectionSettings, plugins: Plugins, clock: Clock, stop: asyncio.Event | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self.clock = clock
        self.system: System = plugins.system
        self.opened = Opened(name, settings, plugins, clock, stop or asyncio.Event())
        self.runs = Runs(self.opened)
        self.opened.acting = self.runs.acting
        self.actions = Actions(self.opened)
        self.review = Review(self.opened, self.runs)
        self.programs = Programs(self.opened, self.runs)
        self._plugins = plugins
        self._rounds = Rounds(self.opened, self.runs, self.programs)

    async def close(self) -> None:
        """Let go of session, lease and file."""
        await self.opened.close()

    async def report(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a reading function of the store; needs no lease and no CRM."""
        store = await self.opened.store(create=False)
        return await store.read(lambda con: work(con, *args, **kwargs))

    async def enable(self) -> None:
        """Let cycles run again; what happened meanwhile is picked up, since the cursors stand where they stood."""
        await (await self.opened.store()).write(memory.forget, DISABLED)

    async def disable(self) -> None:
        """Stop cycles, of this and any other process, at their next beginning; then the log-in may be changed."""
        store = await self.opened.store()
        await store.write(memory.remember, {DISABLED: self.opened.now()})
        await store.write(memory.forget, LOGIN)

    async def _survey(self) -> Schema:
        """Look at the CRM's schema with the settings as they are; writes nothing."""
        store = await self.opened.store()
        return await survey(self._plugins, await self.opened.session(), self.settings, await known_mapping(store))

    async def check(self) -> list[Finding]:
        """Everything a first sync would meet, object by object, with what to grant."""
        schema = await self._survey()
        found = await selection.check(self.system, await self.opened.session(), schema)
        found += kinds.findings(self.settings.activities, self.system, schema.routes)
        found += await self.programs.findings(schema.routes)
        rare = await self.report(retention.too_rare, self.settings.pause)
        remarks = [*self.settings.remarks, *([rare] if rare else [])]
        return [*found, *(Finding(level=Level.WARN, topic="pause", message=said) for said in remarks)]

    async def permission_set(self) -> str:
        """A least-privilege permission set for what the settings select. Raises SettingsError where there is none."""
        if self.system.permission_set is None:
            raise SettingsError(f"The connector {self.system.name!r} cannot print a permission set.")
        return self.system.permission_set(selection.granted(await self._survey(), self._plugins, self.settings))

    async def fields(self) -> list[dict[str, Any]]:
        """Every visible field: whether it is selected, its column, the ways it moves, and why not otherwise."""
        lost = await (await self.opened.store()).read(lost_fields)
        return selection.table(await self._survey(), self.settings, lost)

    async def sync(self, *, objects: Sequence[str] | None = None, progress: Tell | None = None) -> Summary:
        """One cycle. An object that stops makes the run failed; what concerns the whole connection is raised."""
        if not await self.opened.enabled():
            raise SettingsError(f"The sync of {self.name!r} is disabled.", hint=f"`crmsync enable {self.name}` first.")
        return self._summary(await self._rounds.cycle(objects, progress))

    async def refresh(
        self, names: Iterable[str], *, since: str = "", until: str = "", progress: Tell | None = None
    ) -> Summary:  # fmt: skip
        """Read these fields ("Object.Field") of all records now; local edits of one-way ones among them end.

        `since` and `until`, canonical moments, leave out records that were not made or changed in between. Raises
        SettingsError for a field that is not synced; the connection has not failed because somebody mistyped.
        """
        return self._summary(await self._rounds.refresh(names, since, until, progress))

    async def verify(self, *, objects: Sequence[str] | None = None, progress: Tell | None = None) -> Verification:
        """Compare every synced record and field with the CRM; writes nothing."""
        store = await self.opened.store(create=False)
        schema = await self._survey()
        pull = self.runs.pull(store, await self.opened.session(), 0, progress)
        pull.routes = schema.routes
        chosen = [route for route in schema.routes.values() if objects is None or route.object in objects]
        with claiming(pull.claims.pulls):
            return await verify_routes(pull, chosen)

    async def sample_backlog(self) -> None:
        """Count now what waits in the CRM, at one call an object, and keep it with what waits here."""
        store = await self.opened.store(create=False)
        pull = self.runs.pull(store, await self.opened.session(), 0, None)
        pull.routes = await self._rounds.routes(store)
        await backlog.now(pull)

    async def verify_cost(self) -> dict[str, int]:
        """What a verification will read: records, and about how many calls."""
        return await selection.cost(
            self.runs.pull(await self.opened.store(create=False), await self.opened.session(), 0, None),
            await self._survey(),
        )

    def _summary(self, pull: Pull) -> Summary:
        steps = list(pull.steps.values())
        return Summary(
            run=pull.run, status=pull.status, steps=[_told(step) for step in steps], counts=total(steps),
            seconds=time.monotonic() - pull.started, notes=list(self.opened.warned),
        )  # fmt: skip


def _told(step: Step) -> dict[str, Any]:
    told = to_builtins(step)
    return {**{k: v for k, v in told.items() if k not in ("counts", "id")}, **told["counts"]}
