"""The simulated environment on a local port: aiohttp outside, plain calls and replies inside."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import msgspec
from aiohttp import web

from crmsync import simulate
from crmsync.simulate import PREFIX, Fault, FaultPlan, Loopback, Statistics, deliver, packed
from crmsync_dynamics.simulator.actions import ACTIONS
from crmsync_dynamics.simulator.api.call import HTML, Call, Reply
from crmsync_dynamics.simulator.api.router import FREE, answer, refused, run_inner
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.control import CONTROL
from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.org import Org

MOST_URL = 32_768
USERS = ("full", "minimum", "restricted")
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Server:
    """Serves one environment; `async with Server(org) as server` and then `server.url`."""

    def __init__(self, org: Org, *, tls: bool = False, port: int = 0, users: bool = True) -> None:
        self.org = org
        self.site = Site(org, self._inner)
        self._loopback = Loopback(self._handle, tls=tls, port=port)
        self._users = users
        self._ready: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """The environment's root address, without a slash at its end."""
        return self._loopback.url

    @property
    def ca_file(self) -> str | None:
        """The certificate of the authority, with https."""
        return self._loopback.ca_file

    @property
    def faults(self) -> FaultPlan:
        """The planted faults."""
        return self.site.faults

    @property
    def statistics(self) -> Statistics:
        """The counts."""
        return self.site.statistics

    @property
    def ready(self) -> dict[str, Any]:
        """The ready line: where the environment is and how to log in; the same each time it is asked for."""
        if not self._ready:
            self._ready = self._line()
        return self._ready

    def _line(self) -> dict[str, Any]:
        tenant, full = self.org.sessions.tenant_id, self.org.user("full")
        line: dict[str, Any] = {
            "url": self.url,
            "token_url": f"{self.url}/{tenant}/oauth2/v2.0/token",
            "tenant_id": tenant,
            "client_id": full.client_id,
            "client_secret": full.client_secret,
            "access_token": self.org.sessions.open(full).text,
            "control_url": f"{self.url}{PREFIX}",
        }
        if self.ca_file:
            line["ca_file"] = self.ca_file
        if self._users:
            line["users"] = [self._login(name) for name in USERS]
        return line

    def _login(self, name: str) -> dict[str, str]:
        user = self.org.user(name)
        return {
            "name": name,
            "user_id": user.user_id,
            "client_id": user.client_id,
            "client_secret": user.client_secret,
            "access_token": self.org.sessions.open(user).text,
        }

    async def __aenter__(self) -> Self:
        """Start listening on loopback."""
        await self._loopback.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and remove the certificate."""
        await self._loopback.__aexit__(kind, error, trace)

    def _inner(self, call: Call) -> Reply:
        self.statistics.sub_requests += 1
        return run_inner(self.site, call)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        parts = urlsplit(request.raw_path)
        call = Call(
            method=request.method, path=unquote(parts.path), raw_query=parts.query, headers=request.headers, body=body,
            url=self.url,
        )  # fmt: skip
        if call.path.startswith(PREFIX):
            return await self._send(request, CONTROL.serve(self.site, call), [])
        self.statistics.begin(len(body))
        status, sent = 0, 0
        try:
            faults = self.faults.take(request.method, f"{call.path}?{call.raw_query}")
            reply = self._finish(call, await self._reply(request, call, faults))
            status, sent = reply.status, len(reply.body)
            return await self._send(request, reply, faults)
        finally:
            self.statistics.end(request.method, request.raw_path, status, sent)

    async def _reply(self, request: web.Request, call: Call, faults: list[Fault]) -> Reply:
        delay = sum(float(fault.action.get("delay", 0)) for fault in faults)
        for fault in faults:
            planted = ACTIONS.answer_for(self.site, call, fault)
            if planted is not None:
                await asyncio.sleep(delay)
                return planted
        if len(request.raw_path) > MOST_URL:
            return Reply(414, b"<html><body><h1>414 URI Too Long</h1></body></html>", {}, HTML)
        reply = await self._throttled(call, delay)
        for fault in faults:
            ACTIONS.alter(self.site, reply, fault)
        return reply

    async def _throttled(self, call: Call, delay: float) -> Reply:
        """The answer, unless the caller has too many requests; one that is slow counts as running meanwhile."""
        who = self.org.sessions.whose(call.header("Authorization"))
        settings, throttle = self.site.settings, self.site.throttle
        if not call.path.startswith("/api/"):
            await asyncio.sleep(delay)
            return self._answer(call)
        try:
            left = throttle.enter(who, self.org.clock.now().timestamp(), settings)
        except Refusal as refusal:
            self.statistics.charge("throttled")
            return refused(call, refusal)
        try:
            await asyncio.sleep(delay)
            reply = self._answer(call)
        finally:
            throttle.leave(who)
        reply.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] = str(left)
        reply.headers["x-ms-ratelimit-time-remaining-xrm-requests"] = "1,200.00"
        reply.headers["x-ms-dop-hint"] = str(settings.parallelism)
        return reply

    def _answer(self, call: Call) -> Reply:
        try:
            kind, reply = answer(self.site, call)
        except Refusal as refusal:
            self.statistics.charge("refused")
            return refused(call, refusal)
        self.statistics.charge(kind, 0 if kind in FREE else 1)
        return reply

    def _finish(self, call: Call, reply: Reply) -> Reply:
        if reply.body is not None and not isinstance(reply.body, bytes):
            reply.body = _encode(reply.body)
        reply.body = reply.body or b""
        now = self.org.clock.now().replace(microsecond=0)
        reply.headers.setdefault("Date", format_datetime(now, usegmt=True))
        if call.path.startswith("/api/"):
            reply.headers |= {"OData-Version": "4.0", "REQ_ID": f"{self.statistics.requests:032x}"}
        return reply

    async def _send(self, request: web.Request, reply: simulate.Reply, faults: list[Fault]) -> web.StreamResponse:
        body = reply.body if isinstance(reply.body, bytes) else _encode(reply.body)
        headers = dict(reply.headers)
        if body:
            headers["Content-Type"] = reply.content_type
        body = packed(request, body, headers)
        return await deliver(request, reply.status, headers, body, faults)
