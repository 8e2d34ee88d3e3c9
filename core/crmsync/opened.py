"""What a connection holds open while it works: database, session and lease, each opened once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

from msgspec import Struct, field

from crmsync.actions.serving import Acting, Server
from crmsync.clock import Clock, stamp
from crmsync.errors import OtherOrg, StoreError
from crmsync.hookspecs import Context, Session
from crmsync.model import Event, Usage
from crmsync.plugins import Plugins
from crmsync.settings import ConnectionSettings, connector_settings
from crmsync.store import Store, memory, open_store
from crmsync.vault import Vault

HEARTBEAT = 20.0  # seconds; a third of the lease
MEMORY = "memory:"
ORG, DISABLED = "org", "disabled"


class Opened(Struct):
    """Opens what is needed when it is needed; `close` lets go of all."""

    name: str
    settings: ConnectionSettings
    plugins: Plugins
    clock: Clock
    stop: asyncio.Event
    acting: Acting | None = None  # with it, whoever has the lease serves actions
    warned: list[str] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _store: Store | None = None
    _session: Session | None = None
    _leased: bool = False
    _server: Server | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _leasing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _memory: dict[str, str] = field(default_factory=dict)

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
        return self.settings.enabled and DISABLED not in await (await self.store()).read(memory.memory)

    async def session(self) -> Session:
        """The session with the CRM, made sure to be the org this database belongs to. Raises Denied, OtherOrg."""
        async with self._connecting:
            if self._session is None:
                store = await self.store()
                known = await store.read(memory.memory)
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
        """Work with a session that somebody else has opened, closes, and serves actions on."""
        self._session, self.acting = session, None

    def usage(self) -> Usage:
        """What the session has used; nothing as long as there is none."""
        return self._session.usage() if self._session is not None else Usage()

    def remembered(self) -> dict[str, str]:
        """What the connector wants to know again in another process, as it is to be stored."""
        return {MEMORY + key: value for key, value in self._memory.items()}

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
        if self.acting is not None:
            batch, retries = self.plugins.system.batch, self.settings.retries
            self._server = Server(store=store, acting=self.acting, clock=self.clock, retries=retries, batch=batch)
            self._server.start()

    def poke(self) -> None:
        """An action was asked for: whoever serves here looks at once."""
        if self._server is not None:
            self._server.poke()


def _same_org(known: str | None, session: Session, name: str) -> None:
    if known is not None and known != session.identity.org:
        raise OtherOrg(
            f"The database of {name!r} belongs to the CRM org {known}, these credentials to {session.identity.org}.",
            hint="Use the credentials of that org, or give the new org a database of its own (R-028).",
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
