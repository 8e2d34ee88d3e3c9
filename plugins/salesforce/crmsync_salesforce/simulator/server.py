"""The simulated org on a local port: aiohttp outside, plain calls and replies inside."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from crmsync import simulate
from crmsync.simulate import PREFIX, Fault, FaultPlan, Loopback, Statistics, deliver, packed
from crmsync_salesforce.simulator import actions
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.router import FREE, answer, run_inner
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.control import CONTROL
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.org import Org

MOST_HEAD = 16_384
_HTML = "text/html;charset=UTF-8"
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Server:
    """Serves one org; `async with Server(org) as server` and then `server.url`."""

    def __init__(self, org: Org, *, tls: bool = False, port: int = 0, users: bool = True) -> None:
        self.org = org
        self.site = Site(org, self._inner)
        self._loopback = Loopback(self._handle, tls=tls, port=port)
        self._users = users
        self._ready: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """Where the org is."""
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
    def control_url(self) -> str:
        """Where the control path begins."""
        return f"{self.url}{PREFIX}"

    @property
    def ready(self) -> dict[str, Any]:
        """The ready line: where the org is and how to log in; the same each time it is asked for."""
        if not self._ready:
            self._ready = self._line()
        return self._ready

    def _line(self) -> dict[str, Any]:
        sessions, integration = self.org.sessions, self.org.user("full")
        line: dict[str, Any] = {
            "url": self.url,
            "api_version": self.org.settings.api_version,
            "client_id": sessions.client_id,
            "client_secret": sessions.client_secret,
            "username": integration.username,
            "password": integration.password,
            "security_token": integration.security_token,
            "access_token": sessions.open(integration).token,
            "control_url": self.control_url,
        }
        if self.ca_file:
            line["ca_file"] = self.ca_file
        if self._users:
            line["users"] = [self._login(name) for name in ("full", "minimum", "restricted")]
        return line

    def _login(self, name: str) -> dict[str, str]:
        rights = self.org.user(name)
        return {
            "name": name,
            "user_id": rights.user_id,
            "username": rights.username,
            "password": rights.password,
            "security_token": rights.security_token,
            "access_token": self.org.sessions.open(rights).token,
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
        return run_inner(self.site, call)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = Call(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=request.headers,
            body=body,
            url=self.url,
        )
        if call.path.startswith(PREFIX):
            return await self._send(request, CONTROL.serve(self.site, call), [])
        self.statistics.begin(len(body))
        status, sent = 0, 0
        try:
            faults = self.faults.take(request.method, request.path_qs)
            reply = await self._reply(request, call, faults)
            response = await self._send(request, reply, faults)
            status, sent = reply.status, len(reply.body) if isinstance(reply.body, bytes) else 0
            return response
        finally:
            self.statistics.end(request.method, request.path_qs, status, sent)

    async def _reply(self, request: web.Request, call: Call, faults: list[Fault]) -> Reply:
        for fault in faults:
            if "delay" in fault.action:
                await asyncio.sleep(float(fault.action["delay"]))
        for fault in faults:
            if fault.action.get("name") == actions.REPEAT:
                call.path = actions.page_before(self.site, call.path)
            planted = actions.ACTIONS.answer_for(self.site, call, fault)
            if planted is not None:
                return self._finish(planted, "fault")
        kind, reply = self._answer(request, call)
        for fault in faults:
            actions.ACTIONS.alter(self.site, reply, fault)
        return self._finish(reply, kind)

    def _answer(self, request: web.Request, call: Call) -> tuple[str, Reply]:
        refused = self._too_long(request)
        if refused is not None:
            return "refused", refused
        free = (
            call.path.startswith(("/services/oauth2/", "/services/Soap/")) or call.path.rstrip("/") == "/services/data"
        )
        if self.site.never_cured and not free:
            return "refused", actions.never_cured()
        if not free and self.statistics.charged >= self.org.settings.daily_limit:
            refusal = Refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            return "refused", Reply(refusal.status, refusal.body())
        try:
            kind, reply = answer(self.site, call)
        except Refusal as refusal:
            self.statistics.charge("refused", 0 if free or refusal.status == 401 else 1)  # noqa: PLR2004 - unauthorised
            headers = {"WWW-Authenticate": "Token"} if refusal.status == 401 else {}  # noqa: PLR2004 - unauthorised
            return "refused", Reply(refusal.status, refusal.body(), headers)
        self.statistics.charge(kind, 0 if kind in FREE else 1)
        return kind, reply

    def _too_long(self, request: web.Request) -> Reply | None:
        line = len(request.raw_path)
        head = line + sum(len(key) + len(value) + 4 for key, value in request.raw_headers)
        if line >= MOST_HEAD:
            return Reply(414, b"<html><body><h1>414 URI Too Long</h1></body></html>", {}, _HTML)
        if head >= MOST_HEAD:
            return Reply(431, b"<html><body><h1>431 Request Header Fields Too Large</h1></body></html>", {}, _HTML)
        return None

    def _finish(self, reply: Reply, kind: str) -> Reply:
        if kind not in FREE:
            used = f"api-usage={self.statistics.charged}/{self.org.settings.daily_limit}"
            reply.headers.setdefault("Sforce-Limit-Info", used)
        reply.headers.setdefault("Date", format_datetime(self.org.clock.now().replace(microsecond=0), usegmt=True))
        if reply.body is not None and not isinstance(reply.body, bytes):
            reply.body = _encode(reply.body)
        return reply

    async def _send(self, request: web.Request, reply: simulate.Reply, faults: list[Fault]) -> web.StreamResponse:
        body = reply.body if isinstance(reply.body, bytes) else b""
        if reply.body is not None and not isinstance(reply.body, bytes):
            body = _encode(reply.body)
        headers = dict(reply.headers)
        if body:
            headers["Content-Type"] = reply.content_type
        if self.org.settings.gzip:
            body = packed(request, body, headers)
        return await deliver(request, reply.status, headers, body, faults)
