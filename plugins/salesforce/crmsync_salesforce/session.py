"""A session with an org: everything the hooks share, from log-in to the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from crmsync.errors import CrmError
from crmsync.hookspecs import Context
from crmsync.http import HttpClient
from crmsync.model import Identity, Usage
from crmsync.pacing import Backoff, Budget
from crmsync_salesforce.auth import Auth
from crmsync_salesforce.client import Client
from crmsync_salesforce.composite import Bundler
from crmsync_salesforce.describe import Describes
from crmsync_salesforce.errors import Faulty, translate
from crmsync_salesforce.features import Features
from crmsync_salesforce.query import whole_id
from crmsync_salesforce.settings import SalesforceSettings

USERINFO = "/services/oauth2/userinfo"


class SalesforceSession(Struct):
    """What `connect` yields; opaque to the engine but for `identity` and `usage`."""

    settings: SalesforceSettings
    context: Context
    client: Client
    bundler: Bundler
    describes: Describes
    identity: Identity
    asked: dict[str, str] = field(default_factory=dict)  # what need be asked of an org only once

    def usage(self) -> Usage:
        """API calls of this session, and the org's figures of the day."""
        client = self.client
        return Usage(
            calls=client.calls, bytes=client.http.traffic.bytes, used=client.budget.used, limit=client.budget.limit
        )


@asynccontextmanager
async def connect(settings: SalesforceSettings, context: Context) -> AsyncIterator[SalesforceSession]:
    """Log in, settle the API version, find out who we are. Raises Denied, RetryLater, SettingsError."""
    backoff = Backoff(first=settings.backoff_seconds, attempts=settings.attempts)
    http = HttpClient(
        ca_file=str(settings.ca_file) if settings.ca_file else None, connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout, backoff=backoff,
    )  # fmt: skip
    async with http:
        auth = Auth(settings=settings, http=http, clock=context.clock, vault=context.vault)
        client = Client(
            settings=settings, context=context, http=http, auth=auth, features=Features(context.warn),
            budget=Budget(context.quota_share), backoff=backoff, _slots=asyncio.Semaphore(settings.concurrency),
        )  # fmt: skip
        await auth.token()
        await client.choose_version()
        bundler = Bundler(client)
        describes = Describes(client, bundler, context.memory)
        try:
            yield SalesforceSession(settings, context, client, bundler, describes, await _identity(client))
        finally:
            await bundler.close()


async def _identity(client: Client) -> Identity:
    token = await client.auth.token()
    org, user = token.ids
    if not org:
        org, user = await _userinfo(client)
    if not org:
        org = f"at {urlsplit(token.instance).hostname}"
        client.context.warn("The server does not tell which org it is; its address is taken for its identity.")
    name = client.settings.username or ""
    return Identity(
        org=whole_id(org), user=whole_id(user), user_name=name, address=token.instance, version=client.version
    )


async def _userinfo(client: Client) -> tuple[str, str]:
    try:
        answer = await client.get(USERINFO)
        body = msgspec.json.decode(answer.body)
        return str(body.get("organization_id") or ""), str(body.get("user_id") or "")
    except Faulty as error:
        if error.fault.status in (400, 403, 404, 405):
            return "", ""
        raise translate(error) from error
    except (CrmError, msgspec.MsgspecError, AttributeError):
        return "", ""
