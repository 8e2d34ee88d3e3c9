"""What a connection holds open while it works: database, session, lease and the run in progress."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from crmsync.actions.serving import Server
from crmsync.clock import Clock, stamp
from crmsync.cycle import close_steps, events, total
from crmsync.errors import CrmsyncError, LeaseLost, OtherOrg, SettingsError, StoreError
from crmsync.flight import Flight
from crmsync.hookspecs import Context, Session
from crmsync.model import Event, Route, Usage
from crmsync.pacing import claiming
from crmsync.plugins import Plugins
from crmsync.progress import Tell, Teller
from crmsync.pull.run import Drained, Pull
from crmsync.schema import REMEMBERED, recall
from crmsync.settings import ConnectionSettings, connector_settings
from crmsync.store import Store, open_store, records
from crmsync.store.lookup import next_run
from crmsync.vault import Vault

HEARTBEAT = 20.0  # seconds; a third of the lease
MEMORY = "memory:"
ACTIONS = "actions"  # a kind of run
ORG, QUOTA, DISABLED, LOGIN = "org", "quota", "disabled", "login"


@dataclass(slots=True)
class Opened:
    """Opens what is needed when it is needed; `close` lets go of all."""

    name: str
    settings: ConnectionSettings
    plugins: Plugins
    clock: Clock
    stop: asyncio.Event
    warned: list[str] = field(default_factory=list)
    flight: Flight = field(default_factory=Flight)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _store: Store | None = None
    _session: Session | None = None
    _leased: bool = False
    _server: Server | None = None
    _alone: bool = True  # not on a session of somebody else's
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _leasing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last_run: int = 0
    _memory: dict[str, str] = field(default_factory=dict)
    _noticed: int = 0  # the newest notice that observers were told of, or that was there before
    _spent: dict[int, int] = field(default_factory=dict)  # calls of the session when a run began

    async def close(self) -> None:
        """Let go of session, lease and file."""
        if self._server is not None:
            await self._server.stop()
            self._server = None
        await self._stack.aclose()
        self._store = self._session = None
        self._leased = False

    async def store(self, *, create: bool = True) -> Store:
        """The open database. Raises StoreError."""
        async with self._opening:
            if self._store is None:
                self._store = await open_store(self.settings.database, self.clock, create=create)
                self._stack.push_async_callback(self._store.close)
            return self._store

    async def enabled(self) -> bool:
        """Whether cycles may run."""
        return self.settings.enabled and DISABLED not in await (await self.store()).read(records.memory)

    async def session(self) -> Session:
        """The session with the CRM, made sure to be the org this database belongs to. Raises Denied, OtherOrg."""
        async with self._connecting:
            if self._session is None:
                store = await self.store()
                known = await store.read(records.memory)
                self._memory = {k.removeprefix(MEMORY): v for k, v in known.items() if k.startswith(MEMORY)}
                context = Context(
                    connection=self.name, clock=self.clock, quota_share=self.settings.quota_share, memory=self._memory,
                    vault=Vault(self.settings.database.with_name(self.settings.database.name + ".secrets")),
                    warn=self.warn,
                )  # fmt: skip
                chosen = connector_settings(self.settings, self.plugins.system.settings, self.name)
                session = await self._stack.enter_async_context(self.plugins.system.connect(chosen, context))
                _same_org(known.get(ORG), session, self.name)
                self._session = session
            return self._session

    def borrow(self, session: Session) -> None:
        """Work with a session that somebody else has opened, and closes."""
        self._session, self._alone = session, False

    def warn(self, message: str) -> None:
        """Tell observers, once, that something is missing."""
        if message not in self.warned:
            self.warned.append(message)
            self.plugins.log([Event(connection=self.name, name="warning", at=self.now(), message=message)])

    def now(self) -> str:
        """The canonical text of this moment."""
        return stamp(self.clock.now())

    async def lease(self) -> Store:
        """The database, as the one process that may run cycles on it and serves actions. Raises LeaseHeld."""
        store = await self.store()
        async with self._leasing:
            if not self._leased:
                await store.take_lease()
                self._leased = True
                beating = asyncio.create_task(_heartbeat(store))
                self._stack.push_async_callback(_end, beating)
                self._serve(store)
        return store

    def _serve(self, store: Store) -> None:
        if self._alone:
            batch, retries = self.plugins.system.batch, self.settings.retries
            self._server = Server(store=store, acting=self.acting, clock=self.clock, retries=retries, batch=batch)
            self._server.start()

    def poke(self) -> None:
        """An action was asked for: whoever serves here looks at once."""
        if self._server is not None:
            self._server.poke()

    async def _number(self, store: Store) -> int:
        """The number of the next run; the one before it need not be stored yet."""
        stored = await store.read(next_run)  # first: another run may begin meanwhile
        self._last_run = max(self._last_run + 1, stored)
        return self._last_run

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[Pull]:
        """A run of actions, beside a cycle's if need be: what it stores is in transactions of its own."""
        store = await self.lease()
        run = await self._number(store)
        await store.write(records.begin_run, run, ACTIONS, self.now())
        pull, status, said = None, "failed", ""
        before = self._session.usage().calls if self._session is not None else 0
        try:
            pull = self.pull(store, await self.session(), run, None)
            pull.routes = await self._routes(store)
            pull.roles = {route.object: route.role for route in pull.routes.values()}
            with claiming(pull.claims.actions):
                yield pull
            status = "succeeded"
        except BaseException as error:
            said = str(error) or type(error).__name__
            raise
        finally:
            steps = close_steps(pull, "incomplete" if said else status) if pull is not None else []
            calls = self._session.usage().calls - before if self._session is not None else 0
            with suppress(StoreError):
                await store.write(records.end_run, run, self.now(), status, said, calls)
            self.plugins.log(events(self.name, steps))

    async def _routes(self, store: Store) -> dict[str, Route]:
        known = await recall(store, self.settings)
        if not known:
            raise SettingsError("No sync was run with these settings yet.", hint="Run one first: `crmsync sync`.")
        return known

    def pull(self, store: Store, session: Any, run: int, progress: Tell | None) -> Pull:
        return Pull(
            plugins=self.plugins, session=session, store=store, clock=self.clock, run=run, routes={},
            match=tuple(self.settings.match), stopping=self.stop.is_set, on_page=Teller(progress), warn=self.warn,
            memory=self.settings.memory_mb * 1_000_000, flight=self.flight, retries=self.settings.retries,
            claims=self.settings.claims, owner_mail=self.settings.owner_mail,
            defaults={name: text for name, text in self.settings.defaults.model_dump().items() if text},
        )  # fmt: skip

    @asynccontextmanager
    async def run(self, kind: str, progress: Tell | None) -> AsyncIterator[Pull]:
        """A run from its number to its summary; everything it did not commit yet goes with its last transaction."""
        store = await self.lease()
        store.begin()
        run = await self._number(store)
        store.defer(records.begin_run, run, kind, self.now())
        self.warned.clear()
        self._noticed = self._noticed or await store.read(records.last_notice)
        self._spent[run] = self._session.usage().calls if self._session is not None else 0
        session = await self._connected(store, run)
        pull = self.pull(store, session, run, progress)
        told = {ORG: session.identity.org, LOGIN: session.identity.login}
        known = await store.read(records.memory)
        for key, value in told.items():  # with the first page, whoever opened the session
            if value and key not in known:
                store.defer(records.remember, {key: value})
        for problem in self.plugins.problems:
            self.warn(problem)
        pull.started = time.monotonic()
        claims = {"cycle": pull.claims.pushes, "refresh": pull.claims.pulls}  # a cycle claims less where it reads
        try:
            with claiming(claims.get(kind, pull.claims.actions)):
                yield pull
        except Drained:
            await self._finish(pull, "incomplete", "asked to stop")
        except asyncio.CancelledError:  # asked to stop in the middle of a page, of which nothing was kept
            with suppress(StoreError):
                await self._finish(pull, "incomplete", "asked to stop")
            raise
        except LeaseLost:
            raise
        except Exception as error:
            close_steps(pull, "incomplete")
            with suppress(StoreError):
                await self._fail(store, run, error)
            raise
        else:
            failed = any(step.status == "failed" for step in pull.steps.values())
            await self._finish(pull, "failed" if failed else "succeeded")

    async def _connected(self, store: Store, run: int) -> Session:
        """The session; a connection that cannot be made is listed as a failed run with its error."""
        try:
            session = await self.session()
            _same_login((await store.read(records.memory)).get(LOGIN), session, self.name)
        except CrmsyncError as error:
            with suppress(StoreError):
                await self._fail(store, run, error)
            raise
        return session

    async def _fail(self, store: Store, run: int, error: Exception) -> None:
        store.defer(records.save_trouble, records.trouble(error, run=run), self.now())
        store.defer(records.notice, "sync", str(error), self.now())
        store.defer(records.forget_unless, ORG, REMEMBERED)  # an org that nothing was read of owns nothing
        await self._close_run(store, run, "failed", str(error))

    async def _finish(self, pull: Pull, status: str, message: str = "") -> None:
        ended = close_steps(pull, "incomplete" if status == "incomplete" else "succeeded")
        await self._close_run(pull.store, pull.run, status, message)
        pull.status = status
        done = Event(
            connection=self.name,
            name="cycle",
            at=self.now(),
            run=pull.run,
            counts=total(ended),
            message=message or status,
        )
        self.plugins.log([*events(self.name, ended), done])

    async def _close_run(self, store: Store, run: int, status: str, message: str) -> None:
        store.defer(records.prune, self.clock.now())
        store.defer(records.remember, {MEMORY + key: value for key, value in self._memory.items()})
        usage = self._session.usage() if self._session is not None else Usage()
        if usage.limit:
            told = {"used": usage.used, "limit": usage.limit, "at": self.now()}
            store.defer(records.remember, {QUOTA: json.dumps(told)})
        calls = usage.calls - self._spent.pop(run, usage.calls)
        store.defer(records.end_run, run, self.now(), status, message, calls)
        await store.renew_lease()
        await self._tell_notices(store)

    async def _tell_notices(self, store: Store) -> None:
        """Tell observers the notices that were stored since they were told last; each once, also where runs overlap."""
        found = await store.read(records.notices_after, self._noticed)
        new = [one for one in found if one[0] > self._noticed]
        self._noticed = max([self._noticed, *(number for number, _, _ in new)])
        self.plugins.log([Event(connection=self.name, name="notice", at=at, message=said) for _, at, said in new])


def _same_org(known: str | None, session: Session, name: str) -> None:
    if known is not None and known != session.identity.org:
        raise OtherOrg(
            f"The database of {name!r} belongs to the CRM org {known}, these credentials to {session.identity.org}.",
            hint="Use the credentials of that org, or give the new org a database of its own (R-028).",
        )


def _same_login(known: str | None, session: Session, name: str) -> None:
    now = session.identity.login
    if known is not None and now and known != now:
        raise SettingsError(
            f"The way to log in of {name!r} was changed from {known} to {now} while the sync is enabled.",
            hint=f"crmsync disable {name}, then crmsync check {name}, then crmsync enable {name} (R-041).",
            code="login",
        )


async def _heartbeat(store: Store) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT)
        with suppress(StoreError):
            await store.renew_lease()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
