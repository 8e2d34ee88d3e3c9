"""Runs of a connection, each from its number to its summary: cycles and their like, and actions beside them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from msgspec import Struct, field

from crmsync.errors import CrmsyncError, LeaseLost, SettingsError, StoreError
from crmsync.flight import Flight
from crmsync.hookspecs import Session
from crmsync.model import Event, Route
from crmsync.opened import ORG, Opened
from crmsync.pacing import Claim, Claims, claiming
from crmsync.progress import Tell, Teller
from crmsync.pull.run import Drained, Pull
from crmsync.schema import REMEMBERED, recall
from crmsync.steps import close_steps, events, total
from crmsync.store import Store, memory, records
from crmsync.store.lookup import next_run

ACTIONS = "actions"  # a kind of run
QUOTA, LOGIN = "quota", "login"


class Runs(Struct):
    """Begins and ends the runs of one connection."""

    opened: Opened
    _flight: Flight = field(default_factory=Flight)
    _last: int = 0
    _noticed: int = 0  # the newest notice that observers were told of, or that was there before
    _spent: dict[int, int] = field(default_factory=dict)  # calls of the session when a run began

    @asynccontextmanager
    async def of(self, kind: str, progress: Tell | None) -> AsyncIterator[Pull]:
        """A run of this kind; everything it did not commit yet goes with its last transaction."""
        pull = await self._begun(kind, progress)
        try:
            with claiming(_claim(pull.claims, kind)):
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
                await self._fail(pull.store, pull.run, error)
            raise
        else:
            failed = any(step.status == "failed" for step in pull.steps.values())
            await self._finish(pull, "failed" if failed else "succeeded")

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[Pull]:
        """A run of actions, beside a cycle's if need be: what it stores is in transactions of its own."""
        opened = self.opened
        store = await opened.lease()
        run = await self._number(store)
        await store.write(records.begin_run, run, ACTIONS, opened.now())
        pull, status, said = None, "failed", ""
        before = opened.usage().calls
        try:
            pull = self.pull(store, await opened.session(), run, None)
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
            calls = max(0, opened.usage().calls - before)  # none are known where the session was closed meanwhile
            with suppress(StoreError):
                await store.write(records.end_run, run, opened.now(), status, said, calls)
            opened.plugins.log(events(opened.name, steps))

    def pull(self, store: Store, session: Session, run: int, progress: Tell | None) -> Pull:
        """What all that reads or writes in the run with this number shares; 0 is of what leaves no run behind."""
        opened, settings = self.opened, self.opened.settings
        return Pull(
            plugins=opened.plugins, session=session, store=store, clock=opened.clock, run=run, routes={},
            match=tuple(settings.match), stopping=opened.stop.is_set, on_page=Teller(progress), warn=opened.warn,
            memory=settings.memory_mb * 1_000_000, flight=self._flight, retries=settings.retries,
            claims=settings.claims, owner_mail=settings.owner_mail,
            defaults={name: text for name, text in settings.defaults.model_dump().items() if text},
        )  # fmt: skip

    async def _number(self, store: Store) -> int:
        """The number of the next run; the one before it need not be stored yet."""
        stored = await store.read(next_run)  # first: another run may begin meanwhile
        self._last = max(self._last + 1, stored)
        return self._last

    async def _routes(self, store: Store) -> dict[str, Route]:
        known = await recall(store, self.opened.settings)
        if not known:
            raise SettingsError("No sync was run with these settings yet.", hint="Run one first: `crmsync sync`.")
        return known

    async def _begun(self, kind: str, progress: Tell | None) -> Pull:
        opened = self.opened
        store = await opened.lease()
        store.begin()
        run = await self._number(store)
        store.defer(records.begin_run, run, kind, opened.now())
        opened.warned.clear()
        self._noticed = self._noticed or await store.read(records.last_notice)
        self._spent[run] = opened.usage().calls
        session = await self._connected(store, run)
        pull = self.pull(store, session, run, progress)
        await _introduce(store, session)
        for problem in opened.plugins.problems:
            opened.warn(problem)
        pull.started = time.monotonic()
        return pull

    async def _connected(self, store: Store, run: int) -> Session:
        """The session; a connection that cannot be made is listed as a failed run with its error."""
        try:
            session = await self.opened.session()
            _same_login((await store.read(memory.memory)).get(LOGIN), session, self.opened.name)
        except CrmsyncError as error:
            with suppress(StoreError):
                await self._fail(store, run, error)
            raise
        return session

    async def _fail(self, store: Store, run: int, error: Exception) -> None:
        now = self.opened.now()
        store.defer(records.save_trouble, records.trouble(error, run=run), now)
        store.defer(records.notice, "sync", str(error), now)
        store.defer(memory.forget_unless, ORG, REMEMBERED)  # an org that nothing was read of owns nothing
        await self._close(store, run, "failed", str(error))

    async def _finish(self, pull: Pull, status: str, message: str = "") -> None:
        opened = self.opened
        ended = close_steps(pull, "incomplete" if status == "incomplete" else "succeeded")
        await self._close(pull.store, pull.run, status, message)
        pull.status = status
        done = Event(
            connection=opened.name, name="cycle", at=opened.now(), run=pull.run, counts=total(ended),
            message=message or status,
        )  # fmt: skip
        opened.plugins.log([*events(opened.name, ended), done])

    async def _close(self, store: Store, run: int, status: str, message: str) -> None:
        opened = self.opened
        store.defer(records.prune, opened.clock.now())
        store.defer(memory.remember, opened.remembered())
        usage = opened.usage()
        if usage.limit:
            told = {"used": usage.used, "limit": usage.limit, "at": opened.now()}
            store.defer(memory.remember, {QUOTA: json.dumps(told)})
        calls = usage.calls - self._spent.pop(run, usage.calls)
        store.defer(records.end_run, run, opened.now(), status, message, calls)
        await store.renew_lease()
        await self._tell_notices(store)

    async def _tell_notices(self, store: Store) -> None:
        """Tell observers the notices that were stored since they were told last; each once, also where runs overlap."""
        name = self.opened.name
        found = await store.read(records.notices_after, self._noticed)
        new = [one for one in found if one[0] > self._noticed]
        self._noticed = max([self._noticed, *(number for number, _, _ in new)])
        self.opened.plugins.log([Event(connection=name, name="notice", at=at, message=said) for _, at, said in new])


def _claim(claims: Claims, kind: str) -> Claim:
    """Under which claim a run of this kind asks; a cycle claims less where it reads."""
    return {"cycle": claims.pushes, "refresh": claims.pulls}.get(kind, claims.actions)


async def _introduce(store: Store, session: Session) -> None:
    """Keep, with the first page, which org it is and how we log in, whoever opened the session."""
    told = {ORG: session.identity.org, LOGIN: session.identity.login}
    known = await store.read(memory.memory)
    for key, value in told.items():
        if value and key not in known:
            store.defer(memory.remember, {key: value})


def _same_login(known: str | None, session: Session, name: str) -> None:
    now = session.identity.login
    if known is not None and now and known != now:
        raise SettingsError(
            f"The way to log in of {name!r} was changed from {known} to {now} while the sync is enabled.",
            hint=f"crmsync disable {name}, then crmsync check {name}, then crmsync enable {name} (R-041).",
            code="login",
        )
