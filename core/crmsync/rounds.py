"""Cycles and refreshes of one connection, and the looks at the CRM's schema that they begin with."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing

from msgspec import Struct, field
from msgspec.structs import replace

from crmsync import afterwards, backlog, shortage, telling
from crmsync.cycle import Cycle
from crmsync.errors import CrmsyncError, SchemaMoved, SettingsError
from crmsync.linking import Programs
from crmsync.model import Level, Route
from crmsync.opened import Opened
from crmsync.progress import Tell
from crmsync.pull.run import SCHEMA, Pull
from crmsync.push.settling import settle
from crmsync.runs import Runs
from crmsync.schema import Schema, known_mapping, recall, selection, survey, to_remember
from crmsync.store import Store, memory, records
from crmsync.store.indexes import build_indexes

Known = Mapping[str, Mapping[str, str]]


class Rounds(Struct):
    """Of one connection: the routes as the last look at the schema left them go from one round to the next."""

    opened: Opened
    runs: Runs
    programs: Programs
    _routes: dict[str, Route] = field(default_factory=dict)
    _looked_at: float | None = None

    async def routes(self, store: Store) -> dict[str, Route]:
        """The routes of the last look, of this process or of another one."""
        return self._routes or await recall(store, self.opened.settings)

    async def cycle(self, objects: Sequence[str] | None, progress: Tell | None) -> Pull:
        """One cycle, of these objects or all; how it went is in the run that it was."""
        settings = self.opened.settings
        async with self.runs.of("cycle", progress) as pull:
            cycle = Cycle(pull, await pull.store.read(records.cursors))
            async with aclosing(cycle):  # what was begun ahead ends also where the look at the schema fails
                await self._prepare(cycle, objects)
                await self._settle(pull)
                await cycle.run()
            await self._again(cycle, objects)
            await afterwards.close_all_gaps(cycle)
            await afterwards.retry_quarantine(cycle, settings.retries)
            await afterwards.fit_programs(cycle)
            await afterwards.push_all(cycle)
            await afterwards.send_chosen(cycle, settings.activities, settings.activities_every)
            if any(step.counts.new for step in pull.steps.values()):
                await pull.store.write(build_indexes)
            await afterwards.count_again(cycle)
            await afterwards.give_up(cycle)
            await backlog.after_cycle(pull, cycle.guard.failed)
            for kind, said in await telling.after_cycle(cycle):
                await pull.store.write(records.notice, kind, said, pull.now())
            await shortage.tell(pull, cycle.guard.failed)
        return pull

    async def refresh(self, names: Iterable[str], since: str, until: str, progress: Tell | None) -> Pull:
        """Read these fields of all records made or changed in between, and end local edits of one-way ones.

        Raises SettingsError for a field that is not synced; the run has not failed because somebody mistyped.
        """
        mistyped: SettingsError | None = None
        async with self.runs.of("refresh", progress) as pull:
            cycle = Cycle(pull, {})
            await self._look_again(cycle, [], await known_mapping(pull.store))
            pull.routes = self._routes
            filled = list(names)
            try:
                chosen = selection.chosen(pull.routes, filled)
            except SettingsError as error:
                mistyped = error
            else:
                await selection.refresh(pull, chosen, since, until)
                updated = sum(one.counts.updated for one in pull.steps.values())
                said = f"{', '.join(filled)}: read again, {updated:,} updated"
                await pull.store.write(records.notice, "refresh", said, pull.now())
        if mistyped is not None:
            raise mistyped
        return pull

    async def _prepare(self, cycle: Cycle, objects: Sequence[str] | None) -> None:
        """Start reading with the routes that are known while making sure that they still hold."""
        store = cycle.pull.store
        self._routes = await self.routes(store)
        _select(cycle.pull, self._routes, objects)
        known = await known_mapping(store)  # before the first question, so that a connector can bundle them all
        cycle.start(cycle.routes)
        if self._looked_at is None or time.monotonic() - self._looked_at >= self.opened.settings.schema_every:
            await self._look_again(cycle, objects, known)

    async def _settle(self, pull: Pull) -> None:
        """Settle what was sent and not answered, of whatever object."""
        chosen, pull.routes = pull.routes, self._routes
        await settle(pull)
        pull.routes = chosen

    async def _look_again(self, cycle: Cycle, objects: Sequence[str] | None, known: Known) -> None:
        pull, store = cycle.pull, cycle.pull.store
        schema = await survey(self.opened.plugins, pull.session, self.opened.settings, known)
        _select(pull, schema.routes, objects)
        moved = [r for r in schema.routes.values() if self._routes.get(r.object) != r]
        gone = self._routes.keys() - schema.routes.keys()
        if moved or gone:
            for said in await store.prepare(list(schema.routes.values())):
                self.opened.warn(said) if not said.startswith("created") else None
            await store.write(memory.remember, to_remember(list(schema.routes.values()), self.opened.settings))
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
        moved = [obj for obj, error in cycle.guard.failed.items() if isinstance(error, SchemaMoved)]
        if not moved:
            return
        again = Cycle(cycle.pull, await cycle.pull.store.read(records.cursors))
        self._routes = {obj: route for obj, route in self._routes.items() if obj not in moved}
        cycle.pull.routes = {}
        wanted = [obj for obj in moved if objects is None or obj in objects]
        async with aclosing(again):
            await self._look_again(again, wanted, await known_mapping(cycle.pull.store))
            await again.run()
        kept = {obj: error for obj, error in cycle.guard.failed.items() if obj not in cycle.pull.routes}
        cycle.guard.failed = kept | again.guard.failed
        _select(cycle.pull, self._routes, objects)


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
