"""A session with an environment: everything the hooks share, from log-in to the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from crmsync.errors import Denied, SettingsError
from crmsync.hookspecs import Context
from crmsync.http import HttpClient
from crmsync.model import Identity, Usage
from crmsync.pacing import Backoff
from crmsync_dynamics.auth import Auth
from crmsync_dynamics.client import Client
from crmsync_dynamics.describe import Describes
from crmsync_dynamics.errors import Faulty, Policy, translate
from crmsync_dynamics.features import Features
from crmsync_dynamics.remembered import Remembered
from crmsync_dynamics.settings import DynamicsSettings
from crmsync_dynamics.throttle import Throttle

CLIENT = "crmsync-dynamics"
_SERVER = 500
_PLAIN = frozenset({Policy.ABSENT, Policy.OBJECT, Policy.MISTAKE})


class Who(msgspec.Struct):
    """The answer of WhoAmI."""

    UserId: str = ""
    OrganizationId: str = ""
    BusinessUnitId: str = ""


class DynamicsSession(Struct):
    """What `connect` yields; opaque to the engine but for `identity` and `usage`.

    Whatever is asked of the environment, also by who writes, goes through `client.request`.
    """

    settings: DynamicsSettings
    context: Context
    client: Client
    describes: Describes
    identity: Identity
    unit: str = ""  # the user's business unit
    kinds: dict[str, str] = field(default_factory=dict)  # of records that were referred to: id → table
    lacks: set[str] = field(default_factory=set)  # what a table turned out not to take
    tied: set[str] = field(default_factory=set)  # marketing lists that belong to their campaign

    def usage(self) -> Usage:
        """Requests of this session; the vendor does not tell the day's."""
        return Usage(calls=self.client.calls, bytes=self.client.http.traffic.bytes)


@asynccontextmanager
async def connect(settings: DynamicsSettings, context: Context) -> AsyncIterator[DynamicsSession]:
    """Log in and find out who we are. Raises Denied, RetryLater, SettingsError."""
    backoff = Backoff(first=settings.backoff_seconds, attempts=settings.attempts)
    async with _http(settings, backoff) as login, _http(settings, backoff) as http:
        http.allow(settings.address)
        auth = Auth(settings=settings, http=login, clock=context.clock, vault=context.vault)
        client = Client(
            settings=settings, context=context, http=http, auth=auth, features=Features(context.warn),
            backoff=backoff, throttle=Throttle(settings.concurrency),
        )  # fmt: skip
        who = await _who(client)
        identity = _identity(client, who)
        describes = Describes(client, who.UserId, Remembered(client))
        yield DynamicsSession(settings, context, client, describes, identity, who.BusinessUnitId)


def _http(settings: DynamicsSettings, backoff: Backoff) -> HttpClient:
    return HttpClient(
        ca_file=str(settings.ca_file) if settings.ca_file else None, connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout, backoff=backoff, connections=settings.concurrency, user_agent=CLIENT,
    )  # fmt: skip


async def _who(client: Client) -> Who:
    try:
        answer = await client.get("WhoAmI")
        found = msgspec.json.decode(answer.body, type=Who)
    except Faulty as error:
        broken = client.settings.foreign and error.fault.status == _SERVER
        if error.policy not in _PLAIN and not broken:
            raise _stopped(error) from error
    except msgspec.MsgspecError:
        pass
    else:
        if found.OrganizationId or not client.settings.foreign:
            return found
    for one in ("whoami", "definitions", "tracking"):
        client.features.miss(one)
    return Who()


def _stopped(error: Faulty) -> Exception:
    """Whoever may not even ask who they are may do nothing at all."""
    found = translate(error)
    if error.policy is Policy.PRIVILEGE:
        return Denied(found.message, hint="Give the application user a security role.", code=found.code)
    return found


def _identity(client: Client, who: Who) -> Identity:
    settings = client.settings
    org = who.OrganizationId or f"at {urlsplit(settings.root).netloc}{urlsplit(settings.root).path}"
    if not who.OrganizationId and not client.features.plain:
        raise SettingsError("WhoAmI tells no organisation.", hint="Is url the address of an environment?")
    return Identity(
        org=org, user=who.UserId, user_name=settings.client_id or "", address=settings.address,
        version=settings.api_version.lstrip("v"),
        login=f"{settings.login_flow()} of {settings.client_id or who.UserId or 'nobody'}",
    )  # fmt: skip
