"""One connection, open: its database, its session with the CRM, and what may be asked of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from crmsync import backlog, kinds, shortage, telling
from crmsync.asking import Actions
from crmsync.clock import Clock
from crmsync.cycle import Cycle, total
from crmsync.errors import CrmsyncError, SchemaMoved, SettingsError
from crmsync.hookspecs import System
from crmsync.linking import Programs
from crmsync.model import Counts, Finding, Level, Route
from crmsync.opened import DISABLED, Opened
from crmsync.pacing import claiming
from crmsync.plugins import Plugins
from crmsync.progress import Tell
from crmsync.pull.run import SCHEMA, Pull
from crmsync.push.settling import settle
from crmsync.review import Review
from crmsync.runs import LOGIN, Runs
from crmsync.schema import Schema, known_mapping, recall, selection, survey, to_remember
from crmsync.settings import ConnectionSettings
from crmsync.store import memory, records
from crmsync.store.batch import Step
from crmsync.store.indexes import build_indexes
from crmsync.store.lookup import lost_fields
from crmsync.verify import Verification, verify_routes

T = TypeVar("T")

Known = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
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
        self._routes: dict[str, Route] = {}
        self._looked_at: float | None = None

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
        return [*found, *(Finding(level=Level.WARN, topic="pause", message=said) for said in self.settings.remarks)]

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
        async with self.runs.of("cycle", progress) as pull:
            cycle = Cycle(pull, await pull.store.read(records.cursors))
            async with aclosing(cycle):  # what was begun ahead ends also where the look at the schema fails
                await self._prepare(cycle, objects)
                await self._settle(pull)
                await cycle.run()
            await self._again(cycle, objects)
            await cycle.close_gaps()
            await cycle.retry_quarantine(self.settings.retries)
            await cycle.programs()
            await cycle.push()
            await cycle.send_activities(self.settings.activities, self.settings.activities_every)
            if any(step.counts.new for step in pull.steps.values()):
                await pull.store.write(build_indexes)
            await cycle.count_again()
            await cycle.give_up()
            await backlog.after_cycle(pull, cycle.failed)
            for kind, said in await telling.after_cycle(cycle):
                await pull.store.write(records.notice, kind, said, pull.now())
            await shortage.tell(pull, cycle.failed)
        return self._summary(pull)

    async def _prepare(self, cycle: Cycle, objects: Sequence[str] | None) -> None:
        """Start reading with the routes that are known while making sure that they still hold."""
        store = cycle.pull.store
        self._routes = self._routes or await recall(store, self.settings)
        _select(cycle.pull, self._routes, objects)
        known = await known_mapping(store)  # before the first question, so that a connector can bundle them all
        cycle.start(cycle.routes)
        if self._looked_at is None or time.monotonic() - self._looked_at >= self.settings.schema_every:
            await self._look_again(cycle, objects, known)

    async def _settle(self, pull: Pull) -> None:
        """Settle what was sent and not answered, of whatever object."""
        chosen, pull.routes = pull.routes, self._routes
        await settle(pull)
        pull.routes = chosen

    async def _look_again(self, cycle: Cycle, objects: Sequence[str] | None, known: Known) -> None:
        pull, store = cycle.pull, cycle.pull.store
        schema = await survey(self._plugins, pull.session, self.settings, known)
        _select(pull, schema.routes, objects)
        moved = [r for r in schema.routes.values() if self._routes.get(r.object) != r]
        gone = self._routes.keys() - schema.routes.keys()
        if moved or gone:
            for said in await store.prepare(list(schema.routes.values())):
                self.opened.warn(said) if not said.startswith("created") else None
            await store.write(memory.remember, to_remember(list(schema.routes.values()), self.settings))
            for obj in gone:
                await _forsake(cycle, obj)
            for route in moved:
                if route.object in pull.routes:
                    await cycle.restart(route)
        await self.programs.fit(schema.routes)
        for obj in pull.routes:
            pull.step(obj, SCHEMA)
        self._tell(cycle, schema, objects)
        # An object that stopped is looked at in every cycle: somebody may have granted what was missing.
        self._routes, self._looked_at = schema.routes, None if schema.stopped else time.monotonic()

    def _tell(self, cycle: Cycle, schema: Schema, objects: Sequence[str] | None) -> None:
        """Warn of what is missing, and close the steps of objects that stopped."""
        for found in schema.findings:
            if found.level is Level.WARN and (objects is None or found.topic in objects):
                self.opened.warn(f"{found.message} {found.grant and 'Grant ' + found.grant + '.'}".strip())
        for obj, error in schema.stopped.items():
            if objects is None or obj in objects:
                _stopped(cycle, obj, error)

    async def _again(self, cycle: Cycle, objects: Sequence[str] | None) -> None:
        """Objects whose fields moved under the read get a second chance with the new schema."""
        moved = [obj for obj, error in cycle.failed.items() if isinstance(error, SchemaMoved)]
        if not moved:
            return
        again = Cycle(cycle.pull, await cycle.pull.store.read(records.cursors))
        self._routes = {obj: route for obj, route in self._routes.items() if obj not in moved}
        cycle.pull.routes = {}
        wanted = [obj for obj in moved if objects is None or obj in objects]
        async with aclosing(again):
            await self._look_again(again, wanted, await known_mapping(cycle.pull.store))
            await again.run()
        kept = {obj: error for obj, error in cycle.failed.items() if obj not in cycle.pull.routes}
        cycle.failed = kept | again.failed
        _select(cycle.pull, self._routes, objects)

    async def refresh(
        self, names: Iterable[str], *, since: str = "", until: str = "", progress: Tell | None = None
    ) -> Summary:  # fmt: skip
        """Read these fields ("Object.Field") of all records now; local edits of one-way ones among them end.

        `since` and `until`, canonical moments, leave out records that were not made or changed in between.
        """
        async with self.runs.of("refresh", progress) as pull:
            cycle = Cycle(pull, {})
            await self._look_again(cycle, [], await known_mapping(pull.store))
            pull.routes = self._routes
            filled = list(names)
            await selection.refresh(pull, filled, since, until)
            said = (
                f"{', '.join(filled)}: read again, {sum(one.counts.updated for one in pull.steps.values()):,} updated"
            )
            await pull.store.write(records.notice, "refresh", said, pull.now())
        return self._summary(pull)

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
        pull.routes = self._routes or await recall(store, self.settings)
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
    told = asdict(step)
    return {**{k: v for k, v in told.items() if k not in ("counts", "id")}, **told["counts"]}


def _select(pull: Pull, routes: dict[str, Route], objects: Sequence[str] | None) -> None:
    pull.routes = {obj: route for obj, route in routes.items() if objects is None or obj in objects}
    pull.roles = {obj: route.role for obj, route in routes.items()}


async def _forsake(cycle: Cycle, obj: str) -> None:
    for key in [key for key in cycle.reads if key[0] == obj]:
        await cycle.reads.pop(key).close()
    cycle.pull.routes = {name: route for name, route in cycle.pull.routes.items() if name != obj}


def _stopped(cycle: Cycle, obj: str, error: CrmsyncError) -> None:
    pull = cycle.pull
    step = pull.step(obj, SCHEMA)
    pull.keep(replace(step, status="failed", message=str(error)[:2000]))
    one = records.trouble(error, run=pull.run, obj=obj, operation=SCHEMA)
    pull.store.defer(records.save_trouble, one, pull.now())
