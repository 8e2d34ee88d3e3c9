"""The simulated environment on a local port: aiohttp outside, plain calls and replies inside."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from aiohttp import web

from crmsync import simulate
from crmsync.simulate import Fault
from crmsync_dynamics.simulator.actions import ACTIONS
from crmsync_dynamics.simulator.api.call import HTML, Call, Reply
from crmsync_dynamics.simulator.api.router import FREE, answer, refused, run_inner
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.control import CONTROL
from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.org import Org

MOST_URL = 32_768


class Server(simulate.Server[Site, Call]):
    """Serves one environment; `async with Server(org) as server` and then `server.url`."""

    def __init__(self, org: Org, *, tls: bool = False, port: int = 0, users: bool = True) -> None:
        self.org = org
        super().__init__(Site(org, self._inner), CONTROL, tls=tls, port=port, users=users)

    def _line(self) -> dict[str, Any]:
        tenant, full = self.org.sessions.tenant_id, self.org.user("full")
        return {
            "token_url": f"{self.url}/{tenant}/oauth2/v2.0/token",
            "tenant_id": tenant,
            "client_id": full.client_id,
            "client_secret": full.client_secret,
            "access_token": self.org.sessions.open(full).text,
        }

    def _login(self, name: str) -> dict[str, str]:
        user = self.org.user(name)
        return {
            "name": name,
            "user_id": user.user_id,
            "client_id": user.client_id,
            "client_secret": user.client_secret,
            "access_token": self.org.sessions.open(user).text,
        }

    def _inner(self, call: Call) -> Reply:
        self.statistics.sub_requests += 1
        return run_inner(self.site, call)

    def _read(self, request: web.Request, body: bytes) -> Call:
        parts = urlsplit(request.raw_path)
        return Call(
            method=request.method, path=unquote(parts.path), raw_query=parts.query, headers=request.headers, body=body,
            url=self.url,
        )  # fmt: skip

    def _address(self, request: web.Request, call: Call) -> str:
        del request
        return f"{call.path}?{call.raw_query}"

    async def _reply(self, request: web.Request, call: Call, faults: list[Fault]) -> Reply:
        reply = await self._said(request, call, faults)
        if call.path.startswith("/api/"):
            number = UUID(int=self.statistics.requests)
            reply.headers |= {"OData-Version": "4.0", "REQ_ID": number.hex, "x-ms-service-request-id": str(number)}
        return reply

    async def _said(self, request: web.Request, call: Call, faults: list[Fault]) -> Reply:
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
