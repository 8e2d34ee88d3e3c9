"""The simulated org on a local port: aiohttp outside, plain calls and replies inside."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from crmsync import simulate
from crmsync.simulate import Fault
from crmsync_salesforce.simulator import actions
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.router import FREE, answer, run_inner
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.control import CONTROL
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.org import Org

MOST_HEAD = 16_384
_HTML = "text/html;charset=UTF-8"


class Server(simulate.Server[Site, Call]):
    """Serves one org; `async with Server(org) as server` and then `server.url`."""

    def __init__(self, org: Org, *, tls: bool = False, port: int = 0, users: bool = True) -> None:
        self.org = org
        super().__init__(Site(org, self._inner), CONTROL, tls=tls, port=port, users=users)

    def _line(self) -> dict[str, Any]:
        sessions, integration = self.org.sessions, self.org.user("full")
        return {
            "api_version": self.org.settings.api_version,
            "client_id": sessions.client_id,
            "client_secret": sessions.client_secret,
            "username": integration.username,
            "password": integration.password,
            "security_token": integration.security_token,
            "access_token": sessions.open(integration).token,
        }

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

    def _inner(self, call: Call) -> Reply:
        return run_inner(self.site, call)

    def _read(self, request: web.Request, body: bytes) -> Call:
        return Call(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=request.headers,
            body=body,
            url=self.url,
        )

    def _packs(self) -> bool:
        return self.org.settings.gzip

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
        return reply
