"""A simulated org on a local port: aiohttp outside, plain calls and replies inside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from email.utils import format_datetime
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import web

from crmsync.simulate.calls import Call, Reply
from crmsync.simulate.control import PREFIX, Control
from crmsync.simulate.faults import Fault, FaultPlan
from crmsync.simulate.loopback import Loopback, deliver, packed
from crmsync.simulate.site import Site
from crmsync.simulate.statistics import Statistics

S = TypeVar("S", bound=Site)
C = TypeVar("C", bound=Call)

USERS = ("full", "minimum", "restricted")
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Server(Loopback, ABC, Generic[S, C]):
    """Serves one org; `async with` it, and then `url`."""

    def __init__(self, site: S, control: Control, *, tls: bool, port: int, users: bool) -> None:
        super().__init__(self._handle, tls=tls, port=port)
        self.site = site
        self._control = control
        self._users = users
        self._ready: dict[str, Any] = {}

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
            self._ready = {"url": self.url, **self._line(), "control_url": self.control_url}
            if self.ca_file:
                self._ready["ca_file"] = self.ca_file
            if self._users:
                self._ready["users"] = [self._login(name) for name in USERS]
        return self._ready

    @abstractmethod
    def _line(self) -> dict[str, Any]:
        """How the full user logs in, and what else a client has to know."""

    @abstractmethod
    def _login(self, name: str) -> dict[str, str]:
        """How a user logs in."""

    @abstractmethod
    def _read(self, request: web.Request, body: bytes) -> C:
        """The call of a request."""

    @abstractmethod
    async def _reply(self, request: web.Request, call: C, faults: list[Fault]) -> Reply:
        """The answer to a call, with what the faults do to it."""

    def _address(self, request: web.Request, call: C) -> str:
        """Path and query in which planted faults look for their pattern."""
        del call
        return request.path_qs

    def _packs(self) -> bool:
        """Whether answers are compressed for those who take that."""
        return True

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = self._read(request, await request.read())
        if call.path.startswith(PREFIX):
            return await self._send(request, self._control.serve(self.site, call), [])
        self.statistics.begin(len(call.body))
        status, sent = 0, 0
        try:
            faults = self.faults.take(request.method, self._address(request, call))
            reply = await self._reply(request, call, faults)
            now = self.site.org.clock.now().replace(microsecond=0)
            reply.headers.setdefault("Date", format_datetime(now, usegmt=True))
            reply.body = as_bytes(reply.body)
            status, sent = reply.status, len(reply.body)
            return await self._send(request, reply, faults)
        finally:
            self.statistics.end(request.method, request.raw_path, status, sent)

    async def _send(self, request: web.Request, reply: Reply, faults: list[Fault]) -> web.StreamResponse:
        body, headers = as_bytes(reply.body), dict(reply.headers)
        if body:
            headers["Content-Type"] = reply.content_type
        if self._packs():
            body = packed(request, body, headers)
        return await deliver(request, reply.status, headers, body, faults)


def as_bytes(body: Any) -> bytes:
    """A body as it travels: JSON, where it is no text of its own."""
    if body is None:
        return b""
    return body if isinstance(body, bytes) else _encode(body)
