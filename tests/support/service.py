"""A server of a test on loopback, under a path, that notes what it is asked and tells the time of its own clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from email.utils import format_datetime
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import unquote

from aiohttp import web

from crmsync.clock import Clock
from crmsync.simulate import Loopback


class Service(ABC):
    """Serves below `ROOT`; `asked` has the requests, each a line."""

    ROOT: ClassVar[str]

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self._loopback = Loopback(self._answer)

    @abstractmethod
    async def answered(self, request: web.Request) -> web.Response:
        """The answer to a request."""

    @property
    def url(self) -> str:
        return f"{self._loopback.url}{self.ROOT}"

    async def __aenter__(self) -> Self:
        await self._loopback.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._loopback.__aexit__(kind, error, trace)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {unquote(request.raw_path)}")
        response = await self.answered(request)
        response.headers["Date"] = format_datetime(self.clock.now(), usegmt=True)
        return response
