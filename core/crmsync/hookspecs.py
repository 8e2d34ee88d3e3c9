"""The whole plugin contract: eight hooks, and the facts a connector states once.

A connector implements `system`; a plugin without it is an observer, which may wrap `fetch`, `map` and `apply`,
listen to `log`, and narrow `fields`, `scope` and `directions`.

The engine calls every hook as an ordinary function. Hooks that do I/O (`fetch`, `apply`, `fields`, `scope`) may
be `async`, and then run on the loop, or plain `def`, and then run in a thread. Hooks that only think (`system`,
`map`, `log`, `directions`) are plain `def` and quick.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import pluggy
from msgspec import Struct, field
from pydantic import BaseModel

from crmsync.clock import Clock
from crmsync.model import (
    Direction,
    Event,
    Fields,
    Finding,
    Identity,
    Page,
    Query,
    Route,
    Scope,
    Usage,
    Value,
)
from crmsync.writes import Change, Outcomes

PROJECT = "crmsync"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


REMEMBERS = "remembers_days"


class Session(Protocol):
    """What `connect` yields; opaque to the engine but for these two."""

    @property
    def identity(self) -> Identity:
        """Who and what this session talks to."""

    def usage(self) -> Usage:
        """The API calls made so far and what is left of the day's."""


class Context(Struct, frozen=True, kw_only=True):
    """What the engine lends a connector while it is connected.

    `memory` is kept in the database between runs and holds no secrets (the API version that was chosen); under the key
    REMEMBERS a connector says for how many days its CRM tells of changes, so that `status` can warn in time;
    `vault` is kept in a file of its own that only its owner may read (a refresh token that was renewed).
    """

    connection: str
    clock: Clock
    quota_share: float = 0.8  # of the daily calls of the org, never to be passed
    memory: MutableMapping[str, str] = field(default_factory=dict)
    vault: MutableMapping[str, str] = field(default_factory=dict)
    warn: Callable[[str], None] = lambda _: None  # tell the operator once that something is missing


class Story(Protocol):
    """What a simulator can act out, for the demo. Each call returns what was done, a line each."""

    big_account: str  # CRM id of the account with more than 5,000 contacts
    edited_account: str  # CRM id of an account whose copy the demo edits on the marketing side
    lead: str  # CRM ids of persons that nothing else of the story touches
    contact: str
    disputed: str
    converted: str  # a lead that marketing has converted
    manual: tuple[str, str]  # a field ("Object.Field") of `disputed` that takes any short text, and its column

    async def edit(self) -> Sequence[str]:
        """Edit records in the CRM as a user would: updates, deletes, a conversion, a merge, a move, the big account."""

    async def overwrite(self) -> Sequence[str]:
        """Update `edited_account` in the CRM, in a field that the demo did not edit."""

    async def collide(self) -> Sequence[str]:
        """Change the title of `lead` and of `contact`, and the field `manual` of `disputed`."""

    async def shows(self, crm_id: str, column: str) -> Any:
        """What the CRM shows where this record fills a column of `person`."""


class Simulation(Struct, frozen=True, kw_only=True):
    """A running simulator: `settings` reach it, `ready` is the line it prints for other programs."""

    settings: Mapping[str, object]
    ready: Mapping[str, object]
    story: Story


class Customs(Struct, frozen=True, kw_only=True):
    """What the actions of marketers mean in a CRM, where CRMs differ."""

    converting: str = (
        "a new contact, a new account and, unless it is left out, a new opportunity; an account that is there already "
        "is never used (R-279)"
    )
    """What becomes of a lead that is converted, for people."""
    alone: bool = False
    """The contact of a converted lead belongs to no account, so that persons may be sent as contacts (R-078)."""
    resends: bool = True
    """Syncing a person whom the CRM has sends at once what waits of it; else it makes persons only (R-074, R-075)."""
    statuses: bool = True
    """Members of campaigns have statuses there."""
    deletes: bool = True
    """Deleting a person deletes its record too, unless that is left out; else only if asked for (R-311, R-312)."""


class System(Struct, frozen=True, kw_only=True):
    """Who a connector is. Facts, asked once; never combined with another plugin's."""

    name: str  # equals the entry point's name
    title: str  # for people: "Acme CRM"
    settings: type[BaseModel]
    connect: Callable[[Any, Context], AbstractAsyncContextManager[Session]]
    routes: Callable[[Any, frozenset[str] | None], Awaitable[Sequence[Route]]]
    """(session, names of enabled optional objects, or None for all on offer) → routes in any order."""
    check: Callable[[Any, Sequence[Route]], Awaitable[Sequence[Finding]]] | None = None
    """What only this connector can tell of the credentials for these routes: log-in, rights, flags, limits."""
    permission_set: Callable[[Sequence[Route]], str] | None = None
    """A least-privilege permission set for these routes, ready to deploy."""
    login: Callable[[Mapping[str, Any], Callable[[str], None]], Awaitable[Mapping[str, str]]] | None = None
    """Interactive log-in: settings so far, a function that shows an address → the settings it adds (secrets)."""
    batch: int = 200
    """Changes that `apply` is given at once."""
    bulk: int = 0
    """From this many waiting changes of an object on, `apply` is given up to this many at once; 0 is never."""
    tasks: str = ""
    """Object of the tasks that operation TASK makes; without one no activity goes to this CRM."""
    completed: Mapping[str, Value] = field(default_factory=dict)
    """What a task that is over has beside its own values, by the CRM's names."""
    members: str = ""
    """Object of campaign memberships, for operation MEMBER; without one nobody is added to its campaigns."""
    customs: Customs = Customs()
    """What marketers' actions mean there."""
    simulate: Callable[..., AbstractAsyncContextManager[Simulation]] | None = None
    """Keyword options port, records, seed, tls, users, big → a running simulator."""


class Hooks(Protocol):
    """The hooks, in the order in which a sync meets them."""

    @hookspec
    def system(self) -> System:
        """Say who this connector is. Asked once, at load."""

    @hookspec
    def fields(self, session: Any, obj: str) -> Fields | Awaitable[Fields]:
        """Field selection: the fields of `obj` that may move. Observers answer with fewer.

        Raises RouteStopped, with what to grant, where the object is not visible at all.
        """

    @hookspec
    def scope(self, session: Any, obj: str) -> Scope | Awaitable[Scope]:
        """Permission scoping: which rows and operations of `obj` are open. Every answer is and-ed."""

    @hookspec
    def directions(self, route: Route) -> frozenset[Direction]:
        """Object-specific direction rules: the ways this object may move. Every answer is intersected."""

    @hookspec(firstresult=True)
    def fetch(self, session: Any, query: Query) -> AsyncIterator[Page] | Iterator[Page]:
        """Read pages. Rows hold exactly `query.fields`, in that order, in canonical values.

        Every page but the last has `resume`; the last has `mark` (kinds load, changes and deletes). A read
        that starts from a `resume` goes on after that page; one that starts from a `mark` finds at least
        everything that became visible since. Pages may repeat records: applying them twice changes nothing.
        """

    @hookspec(firstresult=True)
    def map(self, page: Page, route: Route, direction: Direction) -> Page:
        """Turn a page of CRM fields into one of columns (pull), or back (push). Never changes its argument."""

    @hookspec(firstresult=True)
    def apply(self, session: Any, changes: Sequence[Change]) -> Outcomes | Awaitable[Outcomes]:
        """Write changes to the CRM: one outcome a change, in order. A refused record is an outcome.

        All changes of a call are of one object and operation. Raise only where none of them was written; once
        something was sent, what was not is RETRY, and what has no answer UNKNOWN.
        """

    @hookspec
    def log(self, events: Sequence[Event]) -> None:
        """Hear what happened, after it was committed, at most once. Errors raised here are contained."""
